-- Finds a caller's order in another system, and remembers how often he has asked.
local http = require "http"
local kv = require "kv"
local phone = require "phone"

local shop = "https://shop.example.com/orders"

return function(call)
    local got = call:gather {
        timeout = 5, finishOnKey = "#",
        say = "Please enter your order number, then press the hash key.",
    }
    if not got.digits then return call:say("I did not hear a number. Goodbye.") end

    local answer, why = http.get(shop, { query = { number = got.digits, phone = call.from }, timeout = 4 })
    if not answer or answer.status >= 500 then
        print("the shop did not answer: " .. (why or answer.status))
        return call:say("I cannot reach the shop right now. Please call again in a few minutes.")
    elseif not (answer.ok and answer.json) then
        return call:say("There is no order with that number under your telephone number.")
    end

    call:say(("Your order of %s is %s."):format(answer.json.date, answer.json.state))
    if answer.json.courier then
        call:say("The courier's number is " .. phone.spell(answer.json.courier, phone.country(call.from)) .. ".")
    end
    if kv.increment("asked/" .. call.from, 1, "1d") > 2 then
        call:say("You have asked several times today. We will send you a message when something changes.")
    end
end
