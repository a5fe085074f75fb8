local test = require "test"
local http, json, kv, log = require "http", require "json", require "kv", require "log"

case("kv: what was set comes back as what it was", function()
    for _, value in ipairs { "Ann", "", "4711", "\1odd", 4711, -3, 0.5, true, false, { a = 1 } } do
        kv.set("k", value)
        test.equal(kv.get("k"), value)
        test.equal(math.type(kv.get("k")), math.type(value))
    end
    kv.set("k", nil)
    test.equal(kv.get("k"), nil)
    test.equal(kv.get("k", "none"), "none")
    test.equal(kv.delete("k"), false)
end)

case("kv: what could not come back as it was is refused", function()
    test.raises(function() kv.set("k", 1 / 0) end, "infinity")
    test.raises(function() kv.set("k", 0 / 0) end, "infinity")
    test.raises(function() kv.set("a\0b", 1) end, "byte 0")
    test.raises(function() kv.get("a\0b") end, "byte 0")
end)

case("kv: a time to live is written as people write it", function()
    for ttl, ms in pairs { ["10m"] = 600000, ["1.5h"] = 5400000, ["500ms"] = 500, ["7d"] = 604800000, [90] = 90000, ["30"] = 30000 } do
        host.now = 0
        kv.set("t", "x", ttl)
        test.equal(host.values.t.ends, ms, tostring(ttl))
    end
    test.raises(function() kv.set("t", "x", "soon") end, "no time to live")
    test.raises(function() kv.set("t", "x", 0) end, "no time to live")
    test.raises(function() kv.set("t", "x", "5 years") end, "no time to live")
end)

case("kv: counting, with an end that later ones do not move", function()
    host.values, host.now = {}, 0
    test.equal(kv.increment("n", 1, "1h"), 1)
    host.now = 3599999
    test.equal(kv.increment("n", 2, "1h"), 3)
    test.equal(kv.get("n"), 3)
    host.now = 3600000
    test.equal(kv.increment("n"), 1)
    kv.set("name", "Ann")
    test.raises(function() kv.increment("name") end, "no whole number")
    test.raises(function() kv.increment("n", 0.5) end, "whole number")
end)

case("kv: a list has all of a prefix, page by page", function()
    host.values = {}
    for i = 1, 25 do kv.set(("row/%02d"):format(i), i) end
    kv.set("other", 1)
    local rows, more = kv.list("row/")
    test.equal({ #rows, rows[1], more }, { 25, { key = "row/01", value = 1 }, false })
    rows, more = kv.list("row/", 10)
    test.equal({ #rows, more }, { 10, true })
    test.equal(kv.list("row/", 10, rows[10].key)[1].value, 11)
    test.equal(#kv.list("nothing/"), 0)
end)

case("kv: a store that fails is an error, at the flow's line", function()
    host.broken = "the disk is full"
    local why = test.raises(function() kv.get("k") end, "kv: the disk is full")
    assert(why:find("faces_test.lua", 1, true), why)
    test.raises(function() kv.set("k", 1) end, "kv: the disk is full")
    host.broken = nil
    test.raises(function() kv.set("", 1) end, "an empty one")
    test.raises(function() kv.set("k", print) end, "cannot be kept")
end)

case("http: what is sent is encoded, what comes back is decoded", function()
    host.requests = {}
    host.answers = { { status = 200, headers = { ["content-type"] = "application/json; charset=utf-8" }, body = '{"name":"Ann"}' } }
    local answer = http.get("https://x.example/c?a=1", { query = { phone = "+1 2", b = { "1", "2" } } })
    test.equal(host.requests[1].url, "https://x.example/c?a=1&b=1&b=2&phone=%2B1%202")
    test.equal(host.requests[1].timeout_ms, 10000)
    test.equal({ answer.ok, answer.json.name }, { true, "Ann" })
    host.answers = { { status = 500, headers = {}, body = "oh" } }
    answer = http.post("https://x.example/", { json = { a = "b" }, headers = { ["X-N"] = 1 }, timeout = 2.5 })
    test.equal(host.requests[2].body, '{"a":"b"}')
    test.equal(host.requests[2].headers, { ["Content-Type"] = "application/json", ["X-N"] = "1" })
    test.equal(host.requests[2].timeout_ms, 2500)
    test.equal({ answer.ok, answer.status, answer.json }, { false, 500, nil })
    host.answers = {}
    local none, why = http.put("https://x.example/", { form = { a = "b c" } })
    test.equal({ none, why }, { nil, "connection refused" })
    test.equal({ host.requests[3].method, host.requests[3].body }, { "PUT", "a=b%20c" })
end)

case("http: misspelt options are errors", function()
    test.raises(function() http.get("https://x.example/", { qeury = {} }) end, "no option qeury")
    test.raises(function() http.get(nil) end, "the URL is a text")
    test.raises(function() http.get("https://x.example/", { timeout = 0 }) end, "60 at most")
end)

case("json: errors are errors, and can be asked for", function()
    test.equal(json.decode('{"a":1}').a, 1)
    test.raises(function() json.decode("<html>") end, "json.decode: line 1")
    test.equal({ json.try_decode("<html>") }, { nil, "line 1: no JSON" })
    test.raises(function() json.decode(nil) end, "there is no text")
    test.raises(function() json.encode(print) end, "json.encode: ")
end)

case("log: lines are formatted when there is more than a text", function()
    host.logged = {}
    log.info("100% sure")
    log.warn("%s has %d", "Ann", 2)
    log.error({ a = "b" })
    log.debug(nil)
    test.equal(host.logged, { "info 100% sure", "warn Ann has 2", 'error {"a":"b"}', "debug nil" })
end)

case("test: equal shows what was got and wanted, at the line that asked", function()
    local why = test.raises(function() test.equal({ a = { 1, "x" } }, { a = { 1, "y" } }) end, 'got { a = { 1, "x" } }, want { a = { 1, "y" } }')
    assert(why:find("faces_test.lua", 1, true), why)
    test.raises(function() test.raises(function() end, "x") end, "no error was raised")
    assert(test.same({ a = {} }, { a = {} }) and not test.same({}, { a = 1 }) and not test.same({ a = 1 }, {}))
end)
