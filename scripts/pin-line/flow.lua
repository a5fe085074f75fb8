-- A line that only opens with a PIN. Guessing is slow: after five wrong ones a number waits an hour.

-- Who may come in: PIN → name. Each has four to eight digits.
local pins = {
    ["4711"] = "Ann",
    ["280391"] = "Bob",
}
local most_wrong, locked = 5, "1h"
local voice = "woman"
-- Where the call goes on: a file of this folder or a URL of your application.
local inside = "inside.xml"

local kv = require "kv"
local log = require "log"

return function(call)
    local function say(text) call:say { text, voice = voice } end
    local wrong = "wrong/" .. call.from

    if kv.get(wrong, 0) >= most_wrong then
        log.warn("pin-line: %s is locked out", call.from)
        return say("This line is locked for your number. Please try again later. Goodbye.")
    end
    for attempt = 1, 3 do
        local got = call:gather {
            numDigits = 8, timeout = 6, finishOnKey = "#",
            say = { "Please enter your PIN, and press the hash key.", voice = voice },
        }
        local name = pins[got.digits]
        if name then
            kv.delete(wrong)
            log.info("pin-line: %s came in as %s", call.from, name)
            say("Hello, " .. name .. ".")
            return call:redirect(inside)
        end
        if got.digits and kv.increment(wrong, 1, locked) >= most_wrong then break end
        if attempt < 3 then say(got.digits and "That is not right." or "I did not hear a PIN.") end
    end
    say("Goodbye.")
end
