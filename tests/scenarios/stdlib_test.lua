-- The modules of stdlib/ in real flows, with the halves in C that the host gives them.
local test = require "test"
local hours = require "hours"

-- Runs a flow whose last word is what it says; answers that.
local function said(t, text)
  t:number("+15550100", { voice = t:file("flow.lua", text) })
  local caller = t:call("+15550100", { from = "+12025550143" })
  local heard = caller:hears_match("")
  caller:ends("completed")
  return heard
end

scenario("require: a scenario has the plain modules, and its own time", function(t)
  test.equal(hours.now(), 1767225600)
  t:waits("90s")
  test.equal(hours.now(), 1767225690)
  test.raises(function() require "kv" end, "a scenario has no call")
  test.equal(require("shared").number, "+15550100") -- a file beside this one
  test.raises(function() require "nothing" end, "no such module of stdlib")
  test.raises(function() require "../x" end, "a module of stdlib, or the name of a file")
end)

scenario("twiml: a document of a flow is checked by the host's own tables", function(t)
  t:number("+15550100", { voice = t:file("flow.lua", [[
    local twiml = require "twiml"
    return function(call)
      call:run(twiml.document {
        twiml.Gather { numDigits = 1, actionOnEmptyResult = false, timeout = 1,
          twiml.Say { "Fish & ", twiml.say_as { "12", interpret_as = "characters" }, twiml.break_ { time = "1s" } } },
        twiml.Say { "Behind <it>.", voice = "woman" },
      })
      local done, why = pcall(function() return twiml.Gather { numdigits = 1 } end)
      call:say(why:gsub("^.*twiml: ", ""))
      done, why = pcall(function() return twiml.Say { twiml.Dial {} } end)
      call:say(why:gsub("^.*twiml: ", ""))
    end
  ]]) })
  local caller = t:call("+15550100")
  caller:hears_match("^Fish & ")
  caller:hears("Behind <it>.")
  caller:hears("<Gather> has no attribute numdigits; did you mean numDigits?")
  caller:hears("<Dial> may not stand in <Say>")
  caller:ends("completed")
end)

scenario("json: both ways, and a mistake says where", function(t)
  test.equal(said(t, [[
    local json = require "json"
    return function(call)
      local v = json.decode('{"b":[1,2.5,"x\\u00e9",true,null],"a":{}}')
      v.list = json.list {}
      local again = json.encode(v)
      local none, why = json.try_decode('{"a":')
      call:say(again .. " " .. tostring(v.b[5] == json.null) .. " " .. tostring(none) .. " " .. (why ~= "" and "why" or ""))
    end
  ]]), '{"a":{},"b":[1,2.5,"x\u{e9}",true,null],"list":[]} true nil why')
end)

scenario("kv: values stay from call to call as what they are", function(t)
  test.equal(said(t, [[
    local kv = require "kv"
    return function(call)
      kv.set("t", { a = { 1, "x" } }) kv.set("n", 7) kv.set("f", 0.1) kv.set("b", false) kv.set("s", "07")
      kv.set("gone", "x", "10s")
      call:say(tostring(kv.increment("n", 3)))
    end
  ]]), "10")
  t:waits("10s")
  test.equal(said(t, [[
    local kv = require "kv"
    return function(call)
      local keys = {}
      for i, row in ipairs(kv.list()) do keys[i] = row.key end
      call:say(("%s %s %s %s %s %s, %s"):format(kv.get("t").a[2], math.type(kv.get("n")), kv.get("f"),
        kv.get("b"), kv.get("s"), kv.get("gone", "gone"), table.concat(keys, " ")))
    end
  ]]), "x integer 0.1 false 07 gone, b f n s t")
end)

scenario("kv: a flow in another folder sees nothing of it", function(t)
  said(t, [[ local kv = require "kv" return function(call) kv.set("k", "mine") call:say("set") end ]])
  t:number("+15550101", { voice = t:file("other/flow.lua",
    [[ local kv = require "kv" return function(call) call:say(kv.get("k", "nothing")) end ]]) })
  t:call("+15550101"):hears("nothing")
end)

scenario("kv: a refused key is an error of the flow, with its line", function(t)
  test.equal(said(t, [[
    local kv = require "kv"
    return function(call)
      local done, why = pcall(kv.set, ("k"):rep(300), 1)
      call:say(tostring(why:match("the key has 300 bytes; 256 at most")))
    end
  ]]), "the key has 300 bytes; 256 at most")
end)

scenario("http: JSON out and in, and its lines in the journal", function(t)
  t:web("http://crm.test/calls", function(request)
    return { type = "application/json", status = 201, body = '{"id":7}' }
  end)
  test.equal(said(t, [[
    local http, log = require "http", require "log"
    return function(call)
      local answer = http.post("http://crm.test/calls", { json = { from = call.from } })
      log.info("made %d", answer.json.id)
      local none, why = http.get("http://nowhere.test/")
      call:say(answer.status .. " " .. tostring(answer.ok) .. " " .. tostring(none) .. " " .. type(why))
    end
  ]]), "201 true nil string")
end)

scenario("phone and hours work in the sandbox, by the call's own clock", function(t)
  t:waits("12h")
  test.equal(said(t, [[
    local phone, hours = require "phone", require "hours"
    return function(call)
      local open = hours.open({ zone = "Europe/Berlin", daily = "12:30-14" })
      local at = hours.next_change({ zone = "Europe/Berlin", daily = "12:30-14" })
      call:say(phone.format(call.from, "national") .. " " .. tostring(open) .. " " .. hours.say_time(at, "Europe/Berlin"))
    end
  ]]), "(202) 555-0143 true 2 PM")
end)
