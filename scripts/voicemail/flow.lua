-- Voicemail: a greeting, a message, and your application is told where it is.

-- What is said first: a text, or { play = "greeting.wav" } with a file of this folder.
local greeting = "You have reached Ann Lee. I cannot take your call right now."
local instructions = "Please leave a message after the tone. Press the hash key when you are done."
local longest = 180 -- seconds
local voice = "woman"
-- Told of every message (RecordingUrl, RecordingDuration, From, To, CallSid), also when the caller
-- simply hangs up, as most do. mail.mjs turns it into an e-mail.
local message_url = "http://127.0.0.1:3000/voicemail"

return function(call)
    if type(greeting) == "table" then
        call:play { greeting.play }
    else
        call:say { greeting, voice = voice }
    end
    call:say { instructions, voice = voice }
    local got = call:record {
        maxLength = longest, timeout = 5, finishOnKey = "#", trim = "trim-silence",
        recordingStatusCallback = message_url,
    }
    call:say { got.recordingUrl and "Thank you. Goodbye." or "I did not hear a message. Goodbye.", voice = voice }
end
