-- An attendant: greets, says who is where, takes messages for departments.

local company = "Acme"
local voice = "woman"
-- Where messages are reported (RecordingUrl, department, From …); false: they only stay on the exchange.
local messages_url = "http://127.0.0.1:3000/message"

local menu = require "menu"

local function message_for(department)
    return function(call)
        call:say { ("Nobody in %s can take your call. Please leave a message after the tone, "
            .. "and press the hash key when you are done."):format(department), voice = voice }
        local got = call:record {
            maxLength = 120, timeout = 5, finishOnKey = "#",
            recordingStatusCallback = messages_url and messages_url .. "?department=" .. department or nil,
        }
        call:say { got.recordingUrl and "Thank you. We will call you back."
            or "I did not hear a message.", voice = voice }
        return menu.top
    end
end

return menu.flow {
    hello = "Welcome to " .. company .. ".",
    prompt = "For sales, press 1. For support, press 2. For our address, press 3. "
        .. "For the reception, press 0, or stay on the line.",
    keys = {
        ["1"] = message_for("sales"),
        ["2"] = {
            prompt = "For help with an order, press 1. For something that is broken, press 2. "
                .. "To go back, press star.",
            keys = {
                ["1"] = message_for("orders"),
                ["2"] = message_for("repairs"),
                ["*"] = menu.back,
            },
        },
        ["3"] = { say = "You find us at 12 Market Street, next to the old town hall." },
        ["0"] = message_for("reception"),
        ["*"] = menu.again,
    },
    default = message_for("reception"),
    retries = 2,
    voice = voice,
}
