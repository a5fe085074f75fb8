local APP = "http://127.0.0.1:3000"
local ASK = "To order, press 1. To hear about our apples, press 2. To talk to the application, press 3."

local function reach(t, customer)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    t:web(APP .. "/customers", customer)
    return t:call("+15550100", { from = "+12025550143" })
end

local ann = { type = "application/json", body = '{"name":"Ann"}' }

scenario("a customer orders, and hears the order's number", function(t)
    t:web(APP .. "/orders", { status = 201, type = "application/json", body = '{"number":1001}' })
    local caller = reach(t, ann)
    caller:hears("Hello, Ann.")
    t:expect_request(APP .. "/customers", { phone = "+12025550143" })
    caller:hears(ASK)
    caller:press("1")
    caller:hears_match("^How many boxes")
    caller:press("2#")
    t:expect_request(APP .. "/orders")
    caller:hears("Thank you. Your order has the number 1 0 0 1.")
    caller:hears(ASK)
    caller:press("9")
    caller:ends("completed")
end)

scenario("the application is down: the flow still answers", function(t)
    t:web(APP .. "/orders", { error = "connect" })
    local caller = reach(t, { error = "connect" })
    caller:hears("Welcome to the apple shop.")
    caller:hears(ASK)
    caller:press("1")
    caller:hears_match("^How many boxes")
    caller:press("2#")
    caller:hears("I am sorry, I could not place your order.")
    caller:hears(ASK)
    caller:hangup()
end)

scenario("the application takes the call over", function(t)
    t:web(APP .. "/voice", "<Response><Say>This is Express. There are 0 orders today.</Say></Response>")
    local caller = reach(t, ann)
    caller:hears("Hello, Ann.")
    caller:hears(ASK)
    caller:press("3")
    caller:hears("This is Express. There are 0 orders today.")
    caller:ends("completed")
end)
