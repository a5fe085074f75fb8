account { sid = "AC0123456789abcdef0123456789abcdef", token = "secret", name = "me" }
gateway { name = "local", token = "secret", max_channels = 5, originate = true, terminate = false }
number { "+1555*", voice = "https://app.example/voice", voice_method = "GET", voice_fallback = "f.xml",
  status_callback = "http://a.example/s/", status_callback_events = { "initiated", "ringing", "answered" },
  message = "m.xml", lua_in_webhooks = true, account = "AC0123456789abcdef0123456789abcdef" }
number { pattern = "*" }
server { state = "state", public_url = "https://x.example", http = "[::1]:0", bridge = "h:1", log = "warn,http=debug" }
http { allow = { "10.0.0.0/8", "host:80" }, timeout_ms = 500, ca_file = "ca.pem" }
speech { voice = "woman", language = "de-DE", cache_mb = 1, disk_mb = 0 }
recordings { public = true, empty_falls_through = false }
limits { calls = 1, documents_per_call = 2, call_seconds = 3, late_ms = 4, journal_kb = 16 }
