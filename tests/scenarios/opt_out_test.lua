-- STOP, START and HELP: what the law asks for holds whatever a flow does.

local NUMBER, ANN, BOB = "+15550100", "+12025550142", "+12025550143"

local function chatty(t, options)
  options = options or {}
  options.message = "/sms"
  t:number(NUMBER, options)
  t:web("/sms", '<Response><Message action="/told">Buy more</Message></Response>')
  t:web("/told", { status = 204 })
end

scenario("after STOP nothing is sent to him any more, and the application is told", function(t)
  chatty(t)
  local ann = t:text(NUMBER, { from = ANN, body = "Stop" })
  ann:reads_match("^You have successfully been unsubscribed%.")
  local request = t:expect_request("/sms")
  assert(request.params.Body == "Stop")
  local told = t:expect_request("/told")
  assert(told.params.MessageStatus == "failed" and told.params.ErrorCode == "21610")
  ann:text("hello")
  ann:reads_nothing("1m")
  -- Somebody else is not concerned.
  t:text(NUMBER, { from = BOB, body = "hello" }):reads("Buy more")
end)

scenario("a second STOP is obeyed in silence", function(t)
  chatty(t)
  local ann = t:text(NUMBER, { from = ANN, body = "STOP" })
  ann:reads_match("^You have successfully been unsubscribed%.")
  ann:text("STOP")
  ann:reads_nothing("1m")
end)

scenario("START opens the way again", function(t)
  chatty(t)
  local ann = t:text(NUMBER, { from = ANN, body = "STOP" })
  ann:reads_match("^You have successfully been unsubscribed%.")
  ann:text("start")
  -- The flow's answer to it comes, too.
  local texts = { ann:reads_match(".*").body, ann:reads_match(".*").body }
  table.sort(texts)
  assert(texts[1] == "Buy more", texts[1])
  assert(texts[2]:find("^You have successfully been re%-subscribed"), texts[2])
end)

scenario("YES of who never said STOP is for the flow alone", function(t)
  chatty(t)
  local ann = t:text(NUMBER, { from = ANN, body = "YES" })
  ann:reads("Buy more")
  ann:reads_nothing("1m")
end)

scenario("HELP is answered beside the flow", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", "<Response/>")
  t:text(NUMBER, { from = ANN, body = "help" }):reads("Reply STOP to unsubscribe.")
end)

scenario("what waits for its gateway is not sent after STOP either", function(t)
  chatty(t)
  t:web("/sms", function(request)
    if request.params.Body == "STOP" then return "<Response/>" end
    return '<Response><Message to="' .. ANN .. '">Late</Message></Response>'
  end)
  local ann = t:text(NUMBER, { from = ANN, body = "STOP" })
  ann:reads_match("^You have successfully been unsubscribed%.")
  t:text(NUMBER, { from = BOB, body = "tell her" }):reads_nothing("1m")
  ann:reads_nothing("1m")
end)

scenario("a number may leave it all to its flow", function(t)
  chatty(t, { opt_out = false })
  local ann = t:text(NUMBER, { from = ANN, body = "STOP" })
  ann:reads("Buy more")
  ann:text("hello")
  ann:reads("Buy more")
end)
