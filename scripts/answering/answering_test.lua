local URL = "http://127.0.0.1:3000/voicemail"

local function reach(t)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    t:web(URL, "")
    return t:call("+15550100", { from = "+12025550143" })
end

scenario("whoever answers talks, and no message is taken", function(t)
    local phone = t:callee("+15550190", { rings = "1s", answers = "5s" })
    local caller = reach(t)
    phone:is_answered()
    caller:waits("3s")
    phone:hangs_up()
    caller:ends("completed")
    t:expect_no_request(URL)
end)

for status, words in pairs { busy = "is on the phone.", ["no-answer"] = "does not answer." } do
    scenario("a message after " .. status, function(t)
        t:callee("+15550190", status == "busy" and { busy = true } or { rings = "1s" })
        local caller = reach(t)
        caller:hears("Ann Lee " .. words .. " Please leave a message after the tone.")
        caller:hears_sound()
        caller:waits("1s")
        caller:speaks("4s")
        caller:hangs_up()
        t:expect_request(URL, { RecordingStatus = "completed", From = "+12025550143" })
    end)
end
