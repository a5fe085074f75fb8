account { sid = "AC00000000000000000000000000000001", token = "change-me" }
gateway { name = "local", token = "change-me-too" }
number {
    "*",
    voice = "http://127.0.0.1:3000/voice",
    status_callback = "http://127.0.0.1:3000/status",
}
server { http = "127.0.0.1:8080", bridge = "127.0.0.1:8081" }
