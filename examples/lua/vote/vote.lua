-- A vote by text message: everybody has one, and may change his mind.

local kv = require "kv"

local choices <const> = { a = "Apples", b = "Bananas", c = "Cherries" }

local function tally()
    local votes = { a = 0, b = 0, c = 0 }
    for _, row in ipairs(kv.list("vote/")) do votes[row.value] = votes[row.value] + 1 end
    return ("Apples %d, Bananas %d, Cherries %d."):format(votes.a, votes.b, votes.c)
end

return function(message)
    local word = message.body:lower():match("%a+")
    if choices[word] then
        kv.set("vote/" .. message.from, word)
        message:reply(choices[word] .. " it is. So far: " .. tally())
    elseif word == "result" then
        message:reply(tally())
    else
        message:reply "Write A for apples, B for bananas, C for cherries, or RESULT."
    end
end
