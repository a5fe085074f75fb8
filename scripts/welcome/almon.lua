-- The configuration that `make run` starts with. Copy it, or change it here: `kill -HUP` reloads it.

account { sid = "AC00000000000000000000000000000001", token = "change-me", name = "demo" }

-- Who may connect to the media bridge: `almon call` takes the first one.
gateway { name = "local", token = "change-me-too" }

-- SIP phones, by `almon-sip`. This machine, and whoever is on a private network, may call in without
-- a password; a phone { name = "anna", password = "…" } registers, and calls from anywhere.
gateway { name = "sip", token = "change-me-as-well" }
sip { listen = { "udp:0.0.0.0:5070", "tcp:0.0.0.0:5070" } }
trunk { name = "nearby", nat = true,
        from = { "self", "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16" } }

-- Any number hears the welcome menu. A flow is a file beside this one, or your web application:
--   number { "+15550100", voice = "http://127.0.0.1:3000/voice" }
number { "*", voice = "welcome.xml", voice_fallback = "sorry.xml" }

server { http = "127.0.0.1:8080", bridge = "127.0.0.1:8081", state = "../../state" }
