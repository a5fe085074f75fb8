-- Two telephones on one number.
account { sid = "AC00000000000000000000000000000003", token = "change-me" }
gateway { name = "local", token = "link-secret", identities = { "alice", "bob" } }

number { "+15550100", voice = "office.xml" }

-- And out, once there is a carrier (almon-sip; almon help almon.lua). Nothing outside is called without a route.
-- gateway { name = "sip", token = "sip-secret" }
-- trunk   { name = "carrier", to = "sip:sip.carrier.example", user = "u", password = "p", register = true }
-- route   { "+49*", trunk = "carrier", limit = 10 }
