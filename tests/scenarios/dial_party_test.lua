-- Dial: what is said of each party (twiml-voice.md §5.3): whispers, callbacks, clients, SIP addresses.
local dial = require "dial"
local both, talk, whisper = dial.both, dial.talk, dial.whisper

local NUMBER, BOB, EVE = "+15550100", "+15550101", "+15550102"
local APP = "http://app.test"

-- §5.3: whisper

both("a whisper is for the callee alone, then both talk", { { "Number", BOB, url = APP .. "/whisper" } },
  function(t)
    whisper(t, "<Say>A caller.</Say>")
    local bob = t:callee(BOB, { answers = "1s" })
    local ann = t:call(NUMBER)
    bob:hears_start("A caller.")
    t:expect_request("/whisper", { CallSid = bob:sid(), ParentCallSid = ann:sid(), To = BOB,
      Direction = "outbound-dial", CallStatus = "in-progress" })
    bob:plays_tone(700)
    ann:hears_no_tone(700, "0.3s")
    bob:hears("A caller.")
    talk(ann, bob)
    bob:hangs_up()
    ann:hears_match("^After completed, %d s, bridged true%.$")
    ann:ends("completed")
  end)

both("who was heard before his answer is not heard during his whisper: it rings again",
  { ringTone = "uk", { "Number", BOB, url = APP .. "/whisper" } }, function(t)
    whisper(t, "<Say>A caller who has a long story to tell.</Say>")
    local bob = t:callee(BOB, { early = true })
    local ann = t:call(NUMBER)
    bob:rings()
    bob:plays_tone(700)
    ann:hears_tones { 700 }
    bob:answer()
    bob:hears_start("A caller who has a long story to tell.")
    ann:hears_no_tone(700, "0.5s")
    ann:hears_tones { 400, 450 }
    bob:hears("A caller who has a long story to tell.")
    talk(ann, bob)
    bob:hangs_up()
    ann:hears_match("^After completed, %d s, bridged true%.$")
    ann:ends("completed")
  end)

local SCREEN = "<Gather numDigits='1' timeout='3' action='" .. APP .. "/accept'><Say>Press 1.</Say></Gather><Hangup/>"

both("a screened call is taken", { { "Number", BOB, url = APP .. "/whisper" } }, function(t)
  whisper(t, SCREEN)
  t:web("/accept", function(r) return r.params.Digits == "1" and "<Response/>" or "<Response><Hangup/></Response>" end)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:hears("Press 1.")
  bob:press("1")
  t:expect_request("/accept", { Digits = "1", CallSid = bob:sid() })
  talk(ann, bob)
  bob:hangs_up()
  ann:hears_match("^After completed, %d s, bridged true%.$")
  ann:ends("completed")
end)

both("a screened call is turned down", { { "Number", BOB, url = APP .. "/whisper" } }, function(t)
  whisper(t, SCREEN)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:hears("Press 1.")
  bob:ends("completed")
  ann:hears_match("^After [%a-]+, %d* ?n?o? ?s, bridged false%.$")
  ann:ends("completed")
end)

both("the callee hangs up during his whisper", { { "Number", BOB, url = APP .. "/whisper" } }, function(t)
  whisper(t, "<Say>A caller who has a long story to tell.</Say>")
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:hears_start("A caller who has a long story to tell.")
  bob:waits("0.5s")
  bob:hangs_up()
  ann:hears_match("^After [%a-]+, .* s, bridged false%.$")
  ann:ends("completed")
end)

both("the caller hangs up during the whisper", { { "Number", BOB, url = APP .. "/whisper" } }, function(t)
  whisper(t, "<Say>A caller who has a long story to tell.</Say>")
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:hears_start("A caller who has a long story to tell.")
  bob:waits("0.5s")
  ann:hangs_up()
  ann:ends("completed")
  bob:ends()
  assert(bob:status() == "completed")
end)

both("answerOnBridge: the whisper is not yet the bridge", { answerOnBridge = true,
  { "Number", BOB, url = APP .. "/whisper" } }, function(t)
  whisper(t, "<Say>A caller.</Say>")
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:hears_start("A caller.")
  ann:rings()
  bob:hears("A caller.")
  ann:is_answered()
  talk(ann, bob)
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

for _, url in ipairs { "ftp://app.test/whisper", "http://", "file:///etc/passwd" } do
  both("a whisper that cannot even be asked for, " .. url .. ", ends the call of the callee alone",
    { { "Number", BOB, url = url } }, function(t)
      local bob = t:callee(BOB, { answers = "1s" })
      local ann = t:call(NUMBER)
      bob:ends("completed")
      ann:hears_match("^After completed, %d s, bridged false%.$")
      ann:ends("completed")
    end)
end

both("Dial within a whisper is refused", { { "Number", BOB, url = APP .. "/whisper" } }, function(t)
  whisper(t, "<Say>A caller.</Say><Dial>+15550102</Dial>")
  local bob = t:callee(BOB, { answers = "1s" })
  local eve = t:callee(EVE)
  local ann = t:call(NUMBER)
  bob:hears("A caller.")
  talk(ann, bob)
  eve:never_called()
  local warned = false
  for _, line in ipairs(bob:journal("warn")) do warned = warned or line.code == 13201 end
  assert(warned, "no 13201")
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

-- status callbacks of a noun (webhooks.md §3)

local ALL = "initiated ringing answered completed"

both("a noun's callbacks tell of the new call", { { "Number", BOB, statusCallback = APP .. "/status",
  statusCallbackEvent = ALL } }, function(t)
  t:web("/status", "")
  local bob = t:callee(BOB, { rings = "1s", answers = "3s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  bob:waits("5s")
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
  t:settles()
  local common = { CallSid = bob:sid(), ParentCallSid = ann:sid(), Direction = "outbound-dial", To = BOB,
    From = "+15550199", CallbackSource = "call-progress-events" }
  for i, status in ipairs { "initiated", "ringing", "in-progress", "completed" } do
    local want = { CallStatus = status, SequenceNumber = tostring(i - 1),
      CallDuration = i == 4 and "5" or false }
    for k, v in pairs(common) do want[k] = v end
    t:expect_request("/status", want)
  end
  t:expect_no_request("/status")
end)

both("without a list of events only the end is told", { { "Number", BOB, statusCallback = APP .. "/status" } },
  function(t)
    t:web("/status", "")
    local bob = t:callee(BOB, { busy = "2s" })
    local ann = t:call(NUMBER)
    bob:ends("busy")
    ann:hears_match("^After busy")
    ann:ends("completed")
    t:settles()
    t:expect_request("/status", { CallStatus = "busy", CallSid = bob:sid(), CallDuration = "0" })
    t:expect_no_request("/status")
  end)

both("each party has callbacks of its own", { { "Number", BOB, statusCallback = APP .. "/bob" },
  { "Number", EVE, statusCallback = APP .. "/eve", statusCallbackMethod = "GET", statusCallbackEvent = "answered" } },
  function(t)
    t:web("/bob", "")
    t:web("/eve", "")
    local bob = t:callee(BOB)
    local eve = t:callee(EVE, { answers = "2s" })
    local ann = t:call(NUMBER)
    eve:is_answered()
    bob:ends("canceled")
    eve:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
    t:settles()
    t:expect_request("/bob", { CallStatus = "canceled" })
    t:expect_request("/eve", { CallStatus = "in-progress" })
    t:expect_no_request("/bob")
    t:expect_no_request("/eve")
  end)

-- nouns

both("Client: an identity", { { "Client", "joe" } }, function(t)
  local joe = t:callee("client:joe", { answers = "1s" })
  local ann = t:call(NUMBER)
  joe:is_called { to = "client:joe" }
  joe:is_answered()
  talk(ann, joe)
  joe:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

scenario("Client: its parameters go with the offer", function(t)
  local joe = t:callee("client:joe", { answers = "1s" })
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", [[<Response><Dial><Client><Identity>joe</Identity><Parameter name="order" value="47 11"/>
    </Client></Dial></Response>]])
  local ann = t:call(NUMBER)
  joe:is_called { params = { order = "47 11" } }
  joe:is_answered()
  joe:hangs_up()
  ann:ends("completed")
end)

-- What cannot be told to a gateway costs neither the call nor, as it once did, the gateway's link.
scenario("Client: a parameter that no device can be told is left out, the rest goes", function(t)
  local joe = t:callee("client:joe", { answers = "1s" })
  local list = { '<Parameter name="a" value="two&#10;lines"/>',
    ('<Parameter name="%s" value="1"/>'):format(("n"):rep(65)), '<Parameter name="order" value="4711"/>' }
  for i = 1, 20 do list[#list + 1] = ('<Parameter name="p%d" value="%s"/>'):format(i, ("x"):rep(1000)) end
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", "<Response><Dial><Client><Identity>joe</Identity>" .. table.concat(list) ..
    "</Client></Dial></Response>")
  local ann = t:call(NUMBER)
  joe:is_called { params = { order = "4711", a = false, p7 = ("x"):rep(1000), p8 = false } }
  joe:is_answered()
  t:call(NUMBER):hangs_up()
  joe:hangs_up()
  ann:ends("completed")
end)

scenario("Sip: headers that are no text are left out, the rest goes", function(t)
  local joe = t:callee("sip:joe@example.com*", { answers = "1s" })
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", "<Response><Dial><Sip>sip:joe@example.com?X-A=%FF&amp;X-B=a%01&amp;X-C%20d=1&amp;X-D=gr%C3%BCn" ..
    "</Sip></Dial></Response>")
  local ann = t:call(NUMBER)
  joe:is_called { params = { ["SipHeader_X-A"] = false, ["SipHeader_X-B"] = false, ["SipHeader_X-C d"] = false,
    ["SipHeader_X-D"] = "grün" } }
  joe:is_answered()
  t:call(NUMBER):hangs_up()
  joe:hangs_up()
  ann:ends("completed")
end)

both("Sip: a URI", { { "Sip", "sip:joe@example.com" } }, function(t)
  local joe = t:callee("sip:joe@example.com*", { answers = "1s" })
  local ann = t:call(NUMBER)
  joe:rings()
  joe:is_answered()
  talk(ann, joe)
  joe:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

scenario("Sip: headers in the URI go with the offer", function(t)
  local joe = t:callee("sip:joe@example.com*", { answers = "1s" })
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", "<Response><Dial><Sip>sip:joe@example.com?X-Order=4711</Sip></Dial></Response>")
  local ann = t:call(NUMBER)
  joe:is_called { params = { ["SipHeader_X-Order"] = "4711" } }
  joe:is_answered()
  joe:hangs_up()
  ann:ends("completed")
end)

scenario("of several <Uri> the lower priority is tried first, then the larger weight; <Headers> go to each", function(t)
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", "<Response><Dial><Sip><Uri priority='2'>sip:c@example.com</Uri>" ..
    "<Uri priority='1' weight='10'>sip:b@example.com</Uri><Uri priority='1' weight='90'>sip:a@example.com</Uri>" ..
    "<Headers><Header name='X-Order' value='4711'/><Header name='Via' value='evil'/></Headers></Sip></Dial></Response>")
  local callees = {}
  for i, who in ipairs { "a", "b", "c" } do
    callees[i] = t:callee("sip:" .. who .. "@example.com", { fails = "congestion", after = "1s" })
  end
  local ann = t:call(NUMBER)
  for i, callee in ipairs(callees) do
    callee:is_called { params = { ["SipHeader_X-Order"] = "4711", SipHeader_Via = false } }
    callee:ends("failed")
    assert(t:now() >= i and t:now() < i + 0.1, t:now())
  end
  ann:ends("completed")
end)
