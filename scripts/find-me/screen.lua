-- Heard by who answers, before both are joined. Without a key the call goes on to the next place.

local voice = "woman"

return function(call)
    local got = call:gather { numDigits = 1, timeout = 6,
        say = { "A call for you. Press 1 to take it.", voice = voice } }
    if not got or got.digits ~= "1" then call:hangup() end
end
