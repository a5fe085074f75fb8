-- A one-time code by voice: who calls hears a code to type on your website.
--
-- Your site shows "call this number", the caller's own number says who he is, and the site compares
-- what is typed with what it was told here.

local digits = 6
local lives = "10m"     -- a second call within that time hears the same code
local most_an_hour = 5  -- calls of one number
local voice = "woman"
-- Told From, Code and CallSid before the code is spoken; only when it answers 2xx is it spoken.
local code_url = "http://127.0.0.1:3000/code"

local http = require "http"
local kv = require "kv"
local log = require "log"
local template = require "template"

local function new_code()
    local list = {}
    for i = 1, digits do list[i] = math.random(0, 9) end
    return table.concat(list)
end

local function code_of(call)
    local key = "code/" .. call.from
    local code = kv.get(key)
    if not code then
        code = new_code()
        kv.set(key, code, lives)
    end
    return code
end

return function(call)
    local function say(text) call:say { text, voice = voice } end

    if not call.from:find("^%+%d+$") then
        return say("I cannot see your number. Please call again without hiding it. Goodbye.")
    end
    if kv.increment("calls/" .. call.from, 1, "1h") > most_an_hour then
        return say("There were too many calls from your number. Please try again in an hour. Goodbye.")
    end
    local code = code_of(call)
    local answer, why = http.post(code_url, { form = { From = call.from, Code = code, CallSid = call.sid } })
    if not (answer and answer.ok) then
        log.error("one-time code: %s did not take it: %s", code_url, why or "status " .. answer.status)
        return say("I am sorry, something went wrong. Please try again later. Goodbye.")
    end
    local spoken = template.fill("Your code is {code|spell}.", { code = code })
    for _ = 1, 3 do
        say(spoken)
        local got = call:gather { numDigits = 1, timeout = 5, finishOnKey = "",
            say = { "To hear it again, press 1.", voice = voice } }
        if got.digits ~= "1" then break end
    end
    say("Goodbye.")
end
