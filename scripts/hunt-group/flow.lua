-- Hunt group: the members of a team are rung one after another until one answers.

local kv = require "kv"

local members = { "+15550190", "+15550191", "+15550192" } -- numbers, or "client:ann"
local seconds = 15        -- of ringing for each
-- "linear": always from the first; "rotary": each call begins with the member after the one with
-- whom the last call began, so that the work is shared.
local order = "rotary"
local rounds = 2          -- how often all are tried
local voice = "woman"

local function dial(call, member)
    local client = member:match("^client:(.+)")
    return call:dial { timeout = seconds, answerOnBridge = true,
        client = client, number = not client and member or nil }
end

return function(call)
    local first = order == "rotary" and kv.increment("hunt-group") - 1 or 0
    for i = 0, rounds * #members - 1 do
        local got = dial(call, members[(first + i) % #members + 1])
        if got.dialCallStatus == "completed" then return end
    end
    call:say { "All of us are busy. Please call again later.", voice = voice }
end
