-- Call queue, the agents' side: call this number, and take one customer after another. The star
-- key ends a conversation.

local queue = "support"
local wait = 600    -- seconds for the next customer
local voice = "woman"

return function(call)
    call:say { "You are on duty.", voice = voice }
    while true do
        local got = call:dial { timeout = wait, hangupOnStar = true, queue = { queue, url = "taken.xml" } }
        if got.dialCallStatus ~= "completed" then break end
        call:say { "Next.", voice = voice }
    end
    call:say { "Nobody is waiting. Goodbye.", voice = voice }
end
