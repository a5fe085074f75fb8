-- Call queue, the customers' side: wait, with music and your place in the line.

local log = require "log"

local queue = "support"
local most = 50 -- who wait at once
local voice = "woman"

return function(call)
    call:say { "Welcome. All of us are talking right now.", voice = voice }
    local got = call:enqueue { queue, waitUrl = "wait.lua", maxQueueSize = most }
    if got.queueResult == "queue-full" then
        call:say { "Too many callers are waiting. Please call again later.", voice = voice }
    elseif got.queueResult == "leave" then
        call:say { "We call you back. Goodbye.", voice = voice }
        log.info("call back " .. call.from)
    end
end
