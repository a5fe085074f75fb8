-- <Dial><Application>: a flow of almon.lua, dialled by its name.

local function config(t)
  t:config([[application { "AP00000000000000000000000000000001", voice = "http://app.test/app" }]])
  t:number("+15550100", { voice = "/voice" })
  t:web("/app", [[<Response><Say>This is the application</Say></Response>]])
  t:web("/after", [[<Response><Say>Back again</Say></Response>]])
end

scenario("the application's flow runs, then the action is asked", function(t)
  config(t)
  t:web("/voice", [[<Response><Dial action="/after"><Application customerId="c1">
    <ApplicationSid>AP00000000000000000000000000000001</ApplicationSid><Parameter name="shop" value="7"/>
    </Application></Dial></Response>]])
  local caller = t:call("+15550100")
  caller:hears("This is the application")
  t:expect_request("/app", { ApplicationSid = "AP00000000000000000000000000000001", shop = "7",
    customerId = "c1", To = "app:AP00000000000000000000000000000001" })
  caller:hears("Back again")
  t:expect_request("/after", { DialCallStatus = "completed" })
  caller:ends("completed")
end)

scenario("copyParentTo keeps the number that was called; * leaves", function(t)
  config(t)
  t:web("/voice", [[<Response><Dial hangupOnStar="true" action="/after"><Application copyParentTo="true">AP00000000000000000000000000000001</Application></Dial></Response>]])
  t:web("/app", [[<Response><Say>This is the application</Say></Response>]])
  local caller = t:call("+15550100")
  caller:hears_start("This is the application")
  t:expect_request("/app", { To = "+15550100" })
  caller:press("*")
  caller:hears("This is the application")
  caller:hears("Back again")
  t:expect_request("/after", { DialCallStatus = "completed" })
end)

scenario("there is no other call that statusCallback could be told of: that is said", function(t)
  config(t)
  t:web("/told", "")
  t:web("/voice", [[<Response><Dial action="/after"><Application statusCallback="/told" statusCallbackEvent="initiated completed"
    url="/told">AP00000000000000000000000000000001</Application></Dial></Response>]])
  local caller = t:call("+15550100")
  caller:hears("This is the application")
  t:expect_request("/app", { CallSid = caller:sid() })
  caller:hears("Back again")
  t:expect_no_request("/told")
  local said
  for _, line in ipairs(caller:journal("warn")) do said = said or line.text:find("runs on the caller's own call", 1, true) end
  assert(said)
end)

scenario("an unknown application fails", function(t)
  config(t)
  t:web("/voice", [[<Response><Dial action="/after"><Application>AP99</Application></Dial></Response>]])
  local caller = t:call("+15550100")
  caller:hears("Back again")
  t:expect_request("/after", { DialCallStatus = "failed" })
end)

scenario("a handler dials an application", function(t)
  config(t)
  t:number("+15550101", { voice = t:file("app.lua", [[
    return function(call)
      local got = call:dial{ application = "AP00000000000000000000000000000001" }
      call:say("It " .. got.dialCallStatus)
    end]]) })
  local caller = t:call("+15550101")
  caller:hears("This is the application")
  caller:hears("It completed")
end)
