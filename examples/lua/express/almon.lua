account { sid = "AC00000000000000000000000000000001", token = "change-me" }
gateway { name = "local", token = "change-me-too" }
number { "+15550100", voice = "flow.lua" }
-- What a flow asks for may not be on this machine unless it is named here.
http { allow = { "127.0.0.1:3000" } }
