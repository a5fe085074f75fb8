-- Find me: one number after another, wherever you may be; whoever answers is asked whether he
-- takes the call, so that a mailbox of your carrier never does.

local places = {            -- in this order
    { number = "+15550190", seconds = 15 },
    { number = "+15550191", seconds = 20 },
    { client = "ann", seconds = 15 },
}
local name = "Ann Lee"
local voice = "woman"
-- Where the caller goes when you are nowhere: another flow of this folder or a URL; nil: goodbye.
local otherwise = nil

return function(call)
    call:say { "Please hold while I find " .. name .. ".", voice = voice }
    for _, place in ipairs(places) do
        local party = { place.number or place.client, url = "screen.lua" }
        local got = call:dial { timeout = place.seconds,
            number = place.number and party, client = place.client and party }
        if got.dialBridged == "true" then return end
    end
    if otherwise then return call:redirect(otherwise) end
    call:say { name .. " cannot be reached right now. Goodbye.", voice = voice }
end
