local URL = "http://127.0.0.1:3000/code"

local function spelled(code)
    return "Your code is " .. code:gsub("%d", "%0 "):gsub(" $", "") .. "."
end

scenario("the code that the site was told is spoken, twice when asked", function(t)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    t:web(URL, { status = 204 })
    local caller = t:call("+15550100", { from = "+12025550143" })
    local code = t:expect_request(URL, { From = "+12025550143", Code = true }).params.Code
    assert(code:find("^%d%d%d%d%d%d$"), code)
    caller:hears(spelled(code))
    caller:hears("To hear it again, press 1.")
    caller:press("1")
    caller:hears(spelled(code))
    caller:hears("To hear it again, press 1.")
    caller:hears("Goodbye.")
    caller:ends("completed")
end)

scenario("a second call within ten minutes hears the same code, later another", function(t)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    t:web(URL, { status = 204 })
    local function code_now()
        local caller = t:call("+15550100", { from = "+12025550143" })
        local code = t:expect_request(URL).params.Code
        caller:hangup()
        return code
    end
    local first = code_now()
    t:waits("9m")
    assert(code_now() == first)
    t:waits("2m")
    assert(code_now() ~= first)
end)

scenario("the sixth call in an hour gets none", function(t)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    t:web(URL, { status = 204 })
    for _ = 1, 5 do
        local caller = t:call("+15550100", { from = "+12025550143" })
        caller:hears_match("^Your code is")
        caller:hangup()
    end
    local caller = t:call("+15550100", { from = "+12025550143" })
    caller:hears_match("^There were too many calls")
    caller:ends("completed")
    t:waits("1h")
    t:call("+15550100", { from = "+12025550143" }):hears_match("^Your code is")
end)

scenario("no code is spoken that the site does not know", function(t)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    t:web(URL, { status = 500 })
    local caller = t:call("+15550100", { from = "+12025550143" })
    caller:hears_match("^I am sorry, something went wrong")
    caller:ends("completed")
end)
