-- Heard while waiting, again and again: your place, then music; the star key leaves.

local music = { url = nil, seconds = 30 } -- url: a sound file of this folder; nil: silence
local voice = "woman"

return function(call)
    local place, seconds = tonumber(call.params.QueuePosition), tonumber(call.params.AvgQueueTime)
    local text = place == 1 and "You are next." or "Before you wait " .. (place - 1) .. "."
    if place > 1 and seconds > 60 then
        text = text .. " It takes about " .. math.ceil(seconds * place / 60) .. " minutes."
    end
    text = text .. " Press star to be called back."
    local got = call:gather { numDigits = 1, finishOnKey = "", timeout = music.url and 1 or music.seconds,
        say = { text, voice = voice }, play = music.url }
    if got and got.digits == "*" then call:leave() end
end
