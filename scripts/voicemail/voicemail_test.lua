local URL = "http://127.0.0.1:3000/voicemail"

local function reach(t)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    t:web(URL, "")
    local caller = t:call("+15550100", { from = "+12025550143" })
    caller:hears("You have reached Ann Lee. I cannot take your call right now.")
    caller:hears("Please leave a message after the tone. Press the hash key when you are done.")
    caller:hears_sound()
    caller:waits("1s")
    return caller
end

scenario("a message ended by the hash key is thanked for and reported", function(t)
    local caller = reach(t)
    caller:speaks("4s")
    caller:press("#")
    caller:hears("Thank you. Goodbye.")
    caller:ends("completed")
    t:expect_request(URL, { RecordingStatus = "completed", RecordingDuration = true, RecordingUrl = true,
        From = "+12025550143" })
end)

scenario("a message whose caller hangs up is reported, too", function(t)
    local caller = reach(t)
    caller:speaks("4s")
    caller:hangup()
    t:expect_request(URL, { RecordingStatus = "completed", From = "+12025550143" })
end)

scenario("who says nothing is told so, where empty recordings count as none", function(t)
    t:config("recordings { empty_falls_through = true }")
    local caller = reach(t)
    caller:hears("I did not hear a message. Goodbye.")
    caller:ends("completed")
end)
