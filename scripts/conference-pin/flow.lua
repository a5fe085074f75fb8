-- Conference rooms behind PINs. Hosts begin and end a conference; guests hear music until a host is there.

-- PIN → room, and whether it is the host's. Each has four to eight digits.
local pins = {
    ["482913"] = { room = "Staff", host = true },
    ["771020"] = { room = "Staff" },
    ["930417"] = { room = "Customers", host = true },
    ["204863"] = { room = "Customers", muted = true }, -- these only listen
}
local most_wrong, locked = 5, "1h" -- attempts from one number, also over several calls
local most_people = 50
local voice = "woman"
-- Who is told what happens in the rooms (start, end, join, leave); nil: nobody.
local told = nil
-- true: everything is recorded from the beginning (say so before you do).
local record = false

local kv = require "kv"
local log = require "log"

local function ask(call, say)
    local wrong = "conference-pin/" .. call.from

    if kv.get(wrong, 0) >= most_wrong then
        log.warn("conference-pin: %s is locked out", call.from)
        return say("This line is locked for your number. Please try again later.")
    end
    for attempt = 1, 3 do
        local got = call:gather {
            numDigits = 8, timeout = 6, finishOnKey = "#",
            say = { "Please enter your conference PIN, and press the hash key.", voice = voice },
        }
        local place = pins[got.digits]
        if place then
            kv.delete(wrong)
            return place
        end
        if got.digits and kv.increment(wrong, 1, locked) >= most_wrong then break end
        if attempt < 3 then say(got.digits and "There is no conference with that PIN." or "I did not hear a PIN.") end
    end
end

return function(call)
    local function say(text) call:say { text, voice = voice } end
    local place = ask(call, say)

    if not place then return say("Goodbye.") end
    log.info("conference-pin: %s enters %s", call.from, place.room)
    if record then say("This conference is recorded.") end
    say(place.host and "Welcome. You are the host. Press star to leave, which ends the conference." or
        "Welcome. Press star to leave.")
    call:dial {
        hangupOnStar = true,
        conference = {
            place.room,
            muted = place.muted or false,
            beep = not place.muted,
            startConferenceOnEnter = place.host or false,
            endConferenceOnExit = place.host or false,
            maxParticipants = most_people,
            record = record and "record-from-start" or "do-not-record",
            statusCallback = told,
            statusCallbackEvent = told and "start end join leave" or nil,
        },
    }
    say("You have left the conference. Goodbye.")
end
