-- Text messages, each behaviour through both doors: as markup that a web application answers, and as
-- a handler in Lua. What who writes notices must be the same.

local NUMBER, ANN, BOB = "+15550100", "+12025550142", "+12025550143"

local doors = {
  { "markup", function(t, flow)
    t:number(NUMBER, { message = "/sms" })
    t:web("/sms", "<Response>" .. flow.markup .. "</Response>")
  end },
  { "Lua", function(t, flow)
    t:file("flow.lua", "return function(message)\n" .. flow.lua .. "\nend")
    t:number(NUMBER, { message = t:folder("flow.lua") })
  end },
}

local function both(name, flow, body)
  for _, door in ipairs(doors) do
    scenario(name .. " (" .. door[1] .. ")", function(t)
      t:web("/told", { status = 204 })
      door[2](t, flow)
      body(t, t:text(NUMBER, { from = ANN, body = "Hello" }))
      t:settles()
    end)
  end
end

-- --- Message ---

both("a message is answered to who wrote it, by the number that he wrote to", {
  markup = "<Message>Hello yourself</Message>",
  lua = "message:reply 'Hello yourself'",
}, function(t, ann)
  local text = ann:reads("Hello yourself")
  assert(text.from == NUMBER and text.to == ANN)
  ann:reads_nothing("1m")
end)

both("several replies come in their order", {
  markup = "<Message>One</Message><Message>Two</Message><Message>Three</Message>",
  lua = "for _, word in ipairs { 'One', 'Two', 'Three' } do message:reply(word) end",
}, function(t, ann)
  ann:reads("One")
  ann:reads("Two")
  ann:reads("Three")
end)

both("its text may stand in several bodies", {
  markup = "<Message><Body>Hello </Body><Body>world</Body></Message>",
  lua = "message:message{ body = { 'Hello ', 'world' } }",
}, function(t, ann)
  ann:reads("Helloworld") -- white space around the text of an element does not count
end)

both("files go along as their URLs", {
  markup = "<Message>Look:<Media>http://media.test/one.png</Media><Media>http://media.test/two.png</Media></Message>"
    .. "<Message><Media>http://media.test/three.png</Media></Message>",
  lua = "message:reply{ 'Look:', media = { 'http://media.test/one.png', 'http://media.test/two.png' } }"
    .. "message:reply{ media = 'http://media.test/three.png' }",
}, function(t, ann)
  local text = ann:reads("Look:")
  assert(#text.media == 2 and text.media[1] == "http://media.test/one.png"
    and text.media[2] == "http://media.test/two.png")
  assert(ann:reads("").media[1] == "http://media.test/three.png")
end)

both("somebody else may be told", {
  markup = "<Message to='" .. BOB .. "'>Ann wrote</Message>",
  lua = "message:message{ 'Ann wrote', to = '" .. BOB .. "' }",
}, function(t, ann)
  t:callee(BOB):reads("Ann wrote")
  ann:reads_nothing("1s")
end)

both("its callback is told of each state but the first, with the SID and who wrote", {
  markup = "<Message action='/told'>Hello</Message>",
  lua = "local got = message:reply{ 'Hello', action = 'http://app.test/told' }"
    .. " assert(got.messageStatus == 'queued' and got.messageSid:find('^SM%x+$'))",
}, function(t, ann)
  local sent = t:expect_request("/told", { MessageStatus = "sent", SmsStatus = "sent", From = NUMBER,
    To = ANN, MessageSid = true, ApiVersion = "2010-04-01", AccountSid = true, ErrorCode = false,
    Body = false })
  t:expect_request("/told", { MessageStatus = "delivered", MessageSid = sent.params.MessageSid,
    SmsSid = sent.params.MessageSid, RawDlrDoneDate = "2601010000" })
end)

both("statusCallback is the older name of action, and GET is a method", {
  markup = "<Message statusCallback='/told' method='GET'>Hello</Message>",
  lua = "message:reply{ 'Hello', statusCallback = 'http://app.test/told', method = 'GET' }",
}, function(t, ann)
  assert(t:expect_request("/told", { MessageStatus = "sent" }).method == "GET")
  t:expect_request("/told", { MessageStatus = "delivered" })
end)

both("what cannot be sent is said with its code, and the rest goes on", {
  markup = "<Message to='+19005550100'>Dear</Message><Message from='+14155550100'>Not ours</Message>"
    .. "<Message>" .. ("x"):rep(1601) .. "</Message><Message/><Message to='" .. NUMBER .. "'>Me</Message>"
    .. "<Message><Media>ftp://x/file.png</Media></Message><Message>Good</Message>",
  lua = "local function code(options) return message:message(options).errorCode end\n"
    .. "assert(code{ 'Dear', to = '+19005550100' } == '14101')\n"
    .. "assert(code{ 'Not ours', from = '+14155550100' } == '14102')\n"
    .. "assert(code(('x'):rep(1601)) == '14103' and code{} == '14103')\n"
    .. "assert(code{ 'Me', to = '" .. NUMBER .. "' } == '21266')\n"
    .. "assert(code{ media = 'ftp://x/file.png' } == '21620') message:reply 'Good'",
}, function(t, ann)
  ann:reads("Good")
  local codes = {}
  for _, line in ipairs(ann:journal("warn")) do codes[line.code] = true end
  assert(codes[14101] and codes[14102] and codes[14103] and codes[21266])
end)

-- --- Redirect ---

both("a redirect leads on, what follows it is not reached", {
  markup = "<Message>One</Message><Redirect>/next</Redirect><Message>Never</Message>",
  lua = "message:reply 'One' message:redirect 'http://app.test/next' message:reply 'Never'",
}, function(t, ann)
  t:web("/next", "<Response><Message>Two</Message></Response>")
  ann:text("Again")
  ann:reads("One")
end)

scenario("a redirected document is asked with the message again", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", "<Response><Redirect method='GET'>/next?step=2</Redirect></Response>")
  t:web("/next", "<Response><Message>Two</Message></Response>")
  local ann = t:text(NUMBER, { from = ANN, body = "Hello" })
  ann:reads("Two")
  t:expect_request("/next", { Body = "Hello", From = ANN, step = "2", MessageSid = ann:sid() })
end)

-- --- the request ---

scenario("the application is told of the message", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", "<Response/>")
  local ann = t:text(NUMBER, { from = ANN, body = "Grüße {an} 😀" })
  local r = t:expect_request("/sms", { From = ANN, To = NUMBER, Body = "Grüße {an} 😀", NumMedia = "0",
    NumSegments = "1", SmsStatus = "received", ApiVersion = "2010-04-01", AccountSid = true,
    MessageStatus = false, CallSid = false, Direction = false })
  assert(r.method == "POST" and r.params.MessageSid:find("^SM%x+$"))
  assert(r.params.SmsSid == r.params.MessageSid and r.params.SmsMessageSid == r.params.MessageSid)
  assert(r.params.MessageSid == ann:sid())
  ann:reads_nothing("1m")
end)

scenario("files that came are told of", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", "<Response/>")
  local ann = t:text(NUMBER, { from = ANN, body = "", params = { MediaUrl0 = "http://media.test/a.png",
    MediaContentType0 = "image/png", FromCity = "BERLIN" } })
  t:expect_request("/sms", { Body = "", NumMedia = "1", MediaUrl0 = "http://media.test/a.png",
    MediaContentType0 = "image/png", FromCity = "BERLIN" })
  assert(ann:sid():find("^MM"))
end)

-- --- answers ---

scenario("plain text is sent back as it is", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", { body = "1 < 2 & so on", type = "text/plain" })
  t:text(NUMBER, "Hello"):reads("1 < 2 & so on")
end)

for _, answer in ipairs { { "nothing", status = 204 }, { "an empty text", body = "", type = "text/plain" },
  { "an empty document", body = "<Response/>" } } do
  scenario(table.remove(answer, 1) .. " is no reply, and no mistake", function(t)
    t:number(NUMBER, { message = "/sms" })
    t:web("/sms", answer)
    local ann = t:text(NUMBER, "Hello")
    t:expect_request("/sms")
    ann:reads_nothing("1m")
    assert(#ann:journal("error") == 0 and #ann:journal("warn") == 0, (ann:journal("warn")[1] or {}).text)
  end)
end

scenario("what fails goes to the fallback, with code and URL", function(t)
  t:number(NUMBER, { message = "/sms", message_fallback = "/other" })
  t:web("/sms", { status = 500 })
  t:web("/other", "<Response><Message>We will write back.</Message></Response>")
  t:text(NUMBER, "Hello"):reads("We will write back.")
  t:expect_request("/other", { ErrorCode = "11200", ErrorUrl = "http://app.test/sms", Body = "Hello" })
end)

scenario("without a fallback nothing is said to who wrote", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", "<Response><Message>")
  local ann = t:text(NUMBER, "Hello")
  ann:reads_nothing("1m")
  assert(ann:journal("error")[1].code == 12100)
end)

scenario("verbs of calls are left out with 14110", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", "<Response><Say>Hello</Say><Message>Hello</Message></Response>")
  local ann = t:text(NUMBER, "Hello")
  ann:reads("Hello")
  assert(ann:journal("warn")[1].code == 14110)
end)

scenario("a redirect without end has one", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:config("limits { documents_per_call = 10 }")
  t:web("/sms", "<Response><Redirect>/sms</Redirect></Response>")
  local ann = t:text(NUMBER, "Hello")
  t:settles()
  assert(#t:requests("/sms") == 10 and ann:journal("error")[1].code == 14106)
end)

-- --- Lua ---

scenario("a handler knows its message", function(t)
  t:number(NUMBER, { message = t:file("flow.lua", [[
    function on_message(message)
      message:reply(("%s %s %s %d %s %s %s"):format(message.from, message.to, message.body, message.segments,
        message.status, message.direction, message.params.Body))
      assert(message.sid == message.params.MessageSid and message.account == message.params.AccountSid)
      for _, name in ipairs { "say", "caller_name", "gather", "hangup", "answer", "forwarded_from" } do
        assert(not pcall(function() return message[name] end), name)
      end
    end
    function on_call(call) call:say "no" end]]) })
  local ann = t:text(NUMBER, { from = ANN, body = "Hello" })
  ann:reads(ANN .. " " .. NUMBER .. " Hello 1 received inbound Hello")
  t:settles()
  assert(#ann:journal("error") == 0)
end)

scenario("a mistake in a handler has its line, and goes to the fallback", function(t)
  t:number(NUMBER, { message = t:file("flow.lua", [[
    return function(message)
      message:reply{ "Hello", stausCallback = "/x" }
    end]]), message_fallback = "/other" })
  t:web("/other", "<Response><Message>Sorry.</Message></Response>")
  local ann = t:text(NUMBER, "Hello")
  ann:reads("Sorry.")
  local text = ann:journal("error")[1].text
  assert(text:find("flow.lua:2: message:reply: no option 'stausCallback' in Message: did you mean 'statusCallback'?",
    1, true), text)
end)

scenario("a handler of calls on a message says what is wrong", function(t)
  t:number(NUMBER, { message = t:file("flow.lua", "return function(call)\n  call:say 'Hello'\nend") })
  local ann = t:text(NUMBER, "Hello")
  t:settles()
  local text = ann:journal("error")[1].text
  assert(text:find("flow.lua:2: message has no 'say': that is for calls", 1, true), text)
end)

scenario("a local document may hold {{ }} and <Lua>", function(t)
  t:number(NUMBER, { message = t:file("sms.xml", [[
    <Response>
      <Message>{{ Body:upper() }} &amp; more</Message>
      <Lua>message:reply("in Lua: " .. message.body)</Lua>
      <Message>Over</Message>
    </Response>]]) })
  local ann = t:text(NUMBER, "a < b")
  ann:reads("A < B & more")
  ann:reads("in Lua: a < b")
  ann:reads("Over")
end)

scenario("a handler runs markup, redirects, and keeps values between messages", function(t)
  t:file("thanks.xml", "<Response><Message>Thank you.</Message></Response>")
  t:number(NUMBER, { message = t:file("flow.lua", [[
    local kv = require "kv"
    local twiml = require "twiml"
    return function(message)
      local n = kv.increment("texts/" .. message.from)
      message:run(twiml.document { twiml.Message { "Text ", n, twiml.Media "http://media.test/n.png" } })
      message:redirect "thanks.xml"
    end]]) })
  local ann = t:text(NUMBER, "Hello")
  assert(ann:reads("Text 1").media[1] == "http://media.test/n.png")
  ann:reads("Thank you.")
  ann:text("Hello")
  ann:reads("Text 2")
  ann:reads("Thank you.")
end)

scenario("a handler without end harms nobody else", function(t)
  t:number(NUMBER, { message = t:file("flow.lua", "return function(message) while true do end end") })
  t:number("+15550101", { message = "/sms" })
  t:web("/sms", "<Response><Message>Here</Message></Response>")
  local ann = t:text(NUMBER, "Hello")
  t:text("+15550101", { from = BOB, body = "Hello" }):reads("Here")
  t:settles()
  assert(ann:journal("error")[1].code == 82002)
end)

-- --- gateways ---

scenario("the same message twice is one", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", "<Response><Message>Once</Message></Response>")
  local ann = t:text(NUMBER, { from = ANN, body = "Hello", id = "x1" })
  ann:text("Hello", { id = "x1" })
  ann:reads("Once")
  ann:reads_nothing("1m")
  assert(#t:requests("/sms") == 1)
end)

scenario("a number without a flow for messages refuses them", function(t)
  t:number(NUMBER, { voice = "/voice" })
  t:text(NUMBER, { body = "Hello", refused = "unroutable" })
end)

scenario("replies wait while their gateway is away", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", { body = "<Response><Message action='/told'>Late</Message></Response>", delay = "5s" })
  t:web("/told", { status = 204 })
  local ann = t:text(NUMBER, { from = ANN, body = "Hello" })
  t:breaks_link()
  ann:reads("Late")
  t:expect_request("/told", { MessageStatus = "sent" })
  t:expect_request("/told", { MessageStatus = "delivered" })
end)

scenario("a gateway that says nothing is given the message again, which is the same one", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", "<Response><Message>Hello</Message></Response>")
  local ann = t:callee(ANN)
  ann:delivery("nothing")
  t:text(NUMBER, { from = ANN, body = "Hello" })
  ann:reads("Hello")
  ann:reads_nothing("5m")
end)

scenario("what a carrier says of a message reaches its callback", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", "<Response><Message action='/told'>Hello</Message></Response>")
  t:web("/told", { status = 204 })
  t:callee(ANN):delivery("undelivered", { code = 30005, after = "1m" })
  t:text(NUMBER, { from = ANN, body = "Hello" })
  t:expect_request("/told", { MessageStatus = "sent", ErrorCode = false })
  assert(t:expect_request("/told", { MessageStatus = "undelivered", ErrorCode = "30005" }).at == 60)
  t:callee(ANN):delivery("failed")
  t:text(NUMBER, { from = ANN, body = "Hello" })
  t:expect_request("/told", { MessageStatus = "failed", ErrorCode = "30008" })
  t:settles()
  t:expect_no_request("/told")
end)

scenario("a call and a text of the same number are two", function(t)
  t:number(NUMBER, { voice = "/voice", message = "/sms" })
  t:web("/voice", "<Response><Say>Hello</Say><Pause length='5'/></Response>")
  t:web("/sms", "<Response><Message>Hello back</Message></Response>")
  local ann = t:call(NUMBER, { from = ANN })
  ann:hears("Hello")
  ann:text("Hello")
  ann:reads("Hello back")
  assert(#ann:journal("message") == 0)
  ann:ends("completed")
end)

scenario("two machines that answer each other come to an end", function(t)
  t:number(NUMBER, { message = "/sms" })
  t:web("/sms", "<Response><Message>Thank you for writing</Message></Response>")
  t:waits("1s")
  local machine = t:text(NUMBER, { from = ANN, body = "Thank you for writing" })
  for _ = 1, 30 do
    machine:reads("Thank you for writing")
    machine:text("Thank you for writing")
  end
  machine:reads_nothing("1s")
  t:text(NUMBER, { from = "+12025550143", body = "Hello" }):reads("Thank you for writing")
  t:waits("2s")
  machine:text("Hello?")
  machine:reads("Thank you for writing")
end)
