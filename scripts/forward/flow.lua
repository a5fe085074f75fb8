-- Forward: calls go to another number; when that fails, to a second one.

local to = "+15550190"      -- where calls go
local or_to = "+15550191"   -- and where when that is busy, fails or does not answer; nil: nowhere
local seconds = 25          -- of ringing
local voice = "woman"

-- The caller hears his own network's ringing until somebody answers, and pays nothing before.
local function reach(call, number)
    local got = call:dial { number = number, timeout = seconds, answerOnBridge = true }
    return got.dialCallStatus == "completed"
end

return function(call)
    if reach(call, to) or or_to and reach(call, or_to) then return end
    call:say { "Nobody can take your call right now. Please try again later.", voice = voice }
end
