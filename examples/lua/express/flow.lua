-- The dialogue is here, the data are the application's (app.mjs): it knows the customers, takes the
-- orders, and goes on with the call itself where it wants to.
local http = require "http"
local log = require "log"
local menu = require "menu"
local template = require "template"

local app = "http://127.0.0.1:3000"

local function order(call)
    local got = call:gather { numDigits = 2, timeout = 5, finishOnKey = "#",
        say = "How many boxes of apples would you like? Press the hash key when you are done." }
    local count = tonumber(got.digits)
    if not count or count == 0 then
        call:say("No apples, then.")
        return menu.top
    end
    local answer, why = http.post(app .. "/orders", { json = { phone = call.from, boxes = count } })
    if not (answer and answer.ok) then
        log.error("no order: %s", why or "status " .. answer.status)
        call:say("I am sorry, I could not place your order.")
        return menu.top
    end
    call:say(template.fill("Thank you. Your order has the number {number|spell}.", answer.json))
    return menu.top
end

return function(call)
    local answer = http.get(app .. "/customers", { query = { phone = call.from } })
    local name = answer and answer.json and answer.json.name

    menu.run(call, {
        hello = name and ("Hello, %s."):format(name) or "Welcome to the apple shop.",
        prompt = "To order, press 1. To hear about our apples, press 2. To talk to the application, press 3.",
        keys = {
            ["1"] = order,
            ["2"] = { say = "They are red, and they are sweet." },
            ["3"] = app .. "/voice", -- markup from Express takes over
            ["9"] = menu.hangup,
        },
    })
end
