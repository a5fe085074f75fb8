-- Answering: your phone rings first; who does not reach you leaves a message.

local phone = "+15550190" -- a number, or "client:ann"
local seconds = 20        -- of ringing
local name = "Ann Lee"
local voice = "woman"
local longest = 180       -- seconds of a message
-- Told of every message (RecordingUrl, RecordingDuration, From, To), also when the caller simply
-- hangs up. ../voicemail/mail.mjs turns it into an e-mail.
local message_url = "http://127.0.0.1:3000/voicemail"

local reasons = {
    busy = " is on the phone.",
    ["no-answer"] = " does not answer.",
}

return function(call)
    local client = phone:match("^client:(.+)")
    local got = call:dial { timeout = seconds, answerOnBridge = true,
        client = client, number = not client and phone or nil }
    if got.dialCallStatus == "completed" then return end
    call:say { name .. (reasons[got.dialCallStatus] or " cannot be reached.") ..
        " Please leave a message after the tone.", voice = voice }
    call:record { maxLength = longest, timeout = 5, finishOnKey = "#", trim = "trim-silence",
        recordingStatusCallback = message_url }
    call:say { "Thank you. Goodbye.", voice = voice }
end
