-- The configuration that `make run` starts with. Copy it, or change it here: `kill -HUP` reloads it.

account { sid = "AC00000000000000000000000000000001", token = "change-me", name = "demo" }

-- Who may connect to the media bridge: `almon call` takes the first one.
gateway { name = "local", token = "change-me-too" }

-- Any number hears the welcome menu. A flow is a file beside this one, or your web application:
--   number { "+15550100", voice = "http://127.0.0.1:3000/voice" }
number { "*", voice = "welcome.xml", voice_fallback = "sorry.xml" }

server { http = "127.0.0.1:8080", bridge = "127.0.0.1:8081", state = "../../state" }
