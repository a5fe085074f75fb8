-- Appointments: who calls hears his own, and confirms, cancels, or asks to be called back.

local practice = "Doctor Moreau's practice"
local zone = "America/New_York"
local country = "US" -- for numbers written without a country
local voice = "woman"
-- Told of every decision: From, At, Answer (confirmed, canceled, call-back). false: it is only kept.
local answers_url = "http://127.0.0.1:3000/appointment"

-- The appointments. A real practice asks its own system here, with http.get.
local appointments = require "appointments"

local hours = require "hours"
local http = require "http"
local kv = require "kv"
local log = require "log"
local phone = require "phone"

-- "2026-01-05 14:30" → seconds, and the day and time as people say them.
local function spoken(at)
    local y, mo, d, h, mi = at:match("^(%d+)-(%d+)-(%d+) (%d+):(%d+)$")
    local time = hours.time({ year = tonumber(y), month = tonumber(mo), day = tonumber(d), hour = tonumber(h),
        min = tonumber(mi) }, zone)
    return ("%s at %s"):format(hours.say_day(time, zone), hours.say_time(time, zone))
end

local function find(call)
    for number, appointment in pairs(appointments) do
        if phone.normalise(number, country) == call.from then return appointment end
    end
end

local choices = {
    ["1"] = { "confirmed", "Thank you. Your appointment is confirmed." },
    ["2"] = { "canceled", "Your appointment is canceled." },
    ["3"] = { "call-back", "We will call you back to find another time." },
}

local function decide(call, appointment)
    for _ = 1, 3 do
        local got = call:gather {
            numDigits = 1, timeout = 6, finishOnKey = "",
            say = { "To confirm it, press 1. To cancel it, press 2. To find another time, press 3.", voice = voice },
        }
        local choice = choices[got.digits]
        if choice then return choice end
    end
end

return function(call)
    local function say(text) call:say { text, voice = voice } end
    local appointment = find(call)

    say("This is " .. practice .. ".")
    if not appointment then
        return say("I have no appointment under your number. Please call during our opening hours. Goodbye.")
    end
    say(("%s, you have an appointment %s."):format(appointment.name, spoken(appointment.at)))
    local known = kv.get("answer/" .. call.from .. "/" .. appointment.at)
    if known then say("So far it is " .. (known == "call-back" and "to be moved" or known) .. ".") end

    local choice = decide(call, appointment)
    if not choice then return say("I did not get an answer, so nothing has changed. Goodbye.") end
    kv.set("answer/" .. call.from .. "/" .. appointment.at, choice[1], "60d")
    if answers_url then
        local answer, why = http.post(answers_url, { form = { From = call.from, At = appointment.at, Answer = choice[1] } })
        if not (answer and answer.ok) then log.warn("appointment: %s: %s", answers_url, why or answer.status) end
    end
    say(choice[2] .. " Goodbye.")
end
