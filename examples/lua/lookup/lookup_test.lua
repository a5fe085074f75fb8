local URL = "https://shop.example.com/orders"
local ASK = "Please enter your order number, then press the hash key."

local function ask(t, answer)
    t:web(URL, answer)
    local caller = t:call("+15550100", { from = "+12025550143" })
    caller:hears(ASK)
    caller:press("77#")
    return caller
end

local order = { type = "application/json", body = '{"date":"2 January","state":"on its way","courier":"+12025550188"}' }

scenario("an order is found and read out", function(t)
    t:number("+15550100", { voice = t:flow("lookup.lua") })
    local caller = ask(t, order)
    t:expect_request(URL, { number = "77", phone = "+12025550143" })
    caller:hears("Your order of 2 January is on its way.")
    caller:hears("The courier's number is 2 0 2, 5 5 5, 0 1 8 8.")
    caller:ends("completed")
end)

scenario("who asks for the third time is told more", function(t)
    t:number("+15550100", { voice = t:flow("lookup.lua") })
    for i = 1, 3 do
        local caller = ask(t, order)
        caller:hears_match("^Your order")
        caller:hears_match("^The courier")
        if i == 3 then caller:hears_match("^You have asked several times today") end
        caller:ends("completed")
    end
end)

scenario("no such order", function(t)
    t:number("+15550100", { voice = t:flow("lookup.lua") })
    ask(t, { status = 404, body = "" }):hears_match("^There is no order with that number")
end)

scenario("the shop is down, or too slow", function(t)
    t:number("+15550100", { voice = t:flow("lookup.lua") })
    ask(t, { status = 503, body = "" }):hears_match("^I cannot reach the shop")
    ask(t, { error = "connect" }):hears_match("^I cannot reach the shop")
    ask(t, { delay = "10s", body = "{}" }):hears_match("^I cannot reach the shop")
end)

scenario("no number was entered", function(t)
    t:number("+15550100", { voice = t:flow("lookup.lua") })
    local caller = t:call("+15550100")
    caller:hears(ASK)
    caller:hears("I did not hear a number. Goodbye.")
    caller:ends("completed")
end)
