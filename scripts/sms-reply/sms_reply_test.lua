-- Scenarios begin on Thursday, 1 January 2026, at midnight UTC: 7 PM of 31 December in New York.
local NUMBER, ANN = "+15550100", "+12025550143"

local function flow(t)
    t:number(NUMBER, { message = t:flow("flow.lua"), opt_out = false })
end

scenario("keywords are answered, however they are written", function(t)
    flow(t)
    local ann = t:text(NUMBER, { from = ANN, body = "HOURS" })
    ann:reads("We are open Monday to Friday, 9 AM to 5:30 PM.")
    ann:text(" where are you? ")
    ann:reads("12 Example Street, Springfield.")
    ann:text("Price")
    ann:reads_match("^A wash is")
end)

scenario("anything else: closed, with the hour at which it opens", function(t)
    flow(t)
    local ann = t:text(NUMBER, { from = ANN, body = "Can I come by?" })
    ann:reads("Thank you. We are closed, and open again on Friday at 9 AM.")
end)

scenario("anything else while it is open", function(t)
    flow(t)
    t:waits("38h") -- Friday, 9 AM
    t:text(NUMBER, { from = ANN, body = "Can I come by?" }):reads_match("^Thank you, somebody will write back")
end)

scenario("who says STOP gets no more replies until START", function(t)
    flow(t)
    local ann = t:text(NUMBER, { from = ANN, body = "Stop" })
    ann:reads_match("^Acme: you will get no more messages")
    ann:text("hours")
    ann:reads_nothing("1m")
    ann:text("START")
    ann:reads_match("^Acme: welcome back")
    ann:text("hours")
    ann:reads_match("^We are open")
end)

scenario("STOP is a word of its own, and HELP says what there is", function(t)
    flow(t)
    local ann = t:text(NUMBER, { from = ANN, body = "Please stop by" })
    ann:reads_match("^Thank you")
    ann:text("help")
    ann:reads_match("^Acme: write HOURS")
end)

scenario("two machines that answer each other come to an end", function(t)
    flow(t)
    local ann = t:text(NUMBER, { from = ANN, body = "hours" })
    for _ = 2, 20 do ann:text("hours") end
    for _ = 1, 20 do ann:reads_match("^We are open") end
    ann:text("hours")
    ann:reads_nothing("59m")
    t:waits("2m")
    ann:text("hours")
    ann:reads_match("^We are open")
end)
