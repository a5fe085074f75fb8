local URL = "http://127.0.0.1:3000/survey"
local SERVICE = "How was our service, from 1, poor, to 5, excellent?"
local AGAIN = "Would you call us again? Press 1 for yes, 2 for no."

local function reach(t, from)
    local caller = t:call("+15550100", { from = from })
    caller:hears("Thank you for taking part in our survey. There are three short questions.")
    return caller
end

local function answers_all(caller)
    caller:hears(SERVICE)
    caller:press("4")
    caller:hears(AGAIN)
    caller:press("1")
    caller:hears_match("^If you like, tell us more")
    caller:hears_sound()
    caller:waits("1s")
    caller:press("#")
    caller:hears("That was all. Thank you, and goodbye.")
    caller:ends("completed")
end

scenario("the answers of a caller are posted as one row", function(t)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    t:web(URL, { status = 204 })
    answers_all(reach(t, "+12025550143"))
    local row = next(t:expect_request(URL).params) -- one line, no form
    assert(row:find("^2026%-01%-01 00:00:00,.12025550143,4,1,http.*/Recordings/RE%x+\r\n$"), row)
end)

scenario("a wrong key and silence are asked again", function(t)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    local caller = reach(t, "+12025550143")
    caller:hears(SERVICE)
    caller:press("9")
    caller:hears("Sorry, I did not get that.")
    caller:hears(SERVICE)
    caller:hears("Sorry, I did not get that.")
    caller:hears(SERVICE)
    caller:press("5")
    caller:hears(AGAIN)
    caller:hangup()
end)

scenario("who hangs up in the middle is counted with what was answered", function(t)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    t:web(URL, { status = 204 })
    local caller = reach(t, "+12025550143")
    caller:hears(SERVICE)
    caller:press("2")
    caller:hears_start(AGAIN)
    caller:hangup()
    local row = next(t:expect_request(URL).params)
    assert(row:find(",2,,\r\n$"), row)
    t:call("+15550100", { from = "+12025550144" }):hangup() -- nothing was answered: no row
    t:waits("1m")
    t:expect_no_request(URL)
end)

scenario("rows wait while the application is down", function(t)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    t:web(URL, { error = "connect" })
    answers_all(reach(t, "+12025550143"))
    t:expect_request(URL)
    t:web(URL, { status = 204 })
    answers_all(reach(t, "+12025550144"))
    t:expect_request(URL) -- the first caller's
    t:expect_request(URL) -- the second's
end)
