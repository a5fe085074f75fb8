-- Transfers over SIP: the verb Refer (twiml-voice.md §7), and Dial's referUrl, through both doors.
local dial = require "dial"
local talk = dial.talk

local NUMBER, BOB, APP = "+15550100", "+15550101", "http://app.test"
local CAROL = "sip:carol@example.com"

local function told(p)
  return ("%s %s %s"):format(p.ReferCallStatus or p.referCallStatus,
    p.ReferSipResponseCode or p.referSipResponseCode or "-",
    p.NotifySipResponseCode or p.notifySipResponseCode or "-")
end

local function warned(caller, code)
  for _, line in ipairs(caller:journal("warn")) do
    if line.code == code then return true end
  end
end

local doors = {
  markup = function(t, to)
    t:number(NUMBER, { voice = "/voice" })
    t:web("/voice", "<Response><Refer action='/after'><Sip>" .. to .. "</Sip></Refer><Say>Never.</Say></Response>")
    t:web("/after", function(r) return "<Response><Say>" .. told(r.params) .. "</Say></Response>" end)
  end,
  Lua = function(t, to)
    t:number(NUMBER, { voice = t:file("refer.lua", ([[
return function(call)
  local p = call:refer{ sip = %q }
  call:say(("%%s %%s %%s"):format(p.referCallStatus, p.referSipResponseCode or "-", p.notifySipResponseCode or "-"))
end]]):format(to)) })
  end,
}

local function both(name, to, body)
  for _, door in ipairs{ "markup", "Lua" } do
    scenario(("%s (%s)"):format(name, door), function(t)
      doors[door](t, to)
      body(t, door)
      t:settles()
    end)
  end
end

local function sip_call(t)
  return t:call(NUMBER, { from = "sip:ann@example.com", params = { SipCallId = "4711" } })
end

-- §7: every result of the table.
for _, row in ipairs{
  { "taken and answered", { 202, 200 }, "in-progress 202 200" },
  { "taken, and busy", { 202, 486 }, "busy 202 486" },
  { "taken, and busy everywhere", { 202, 600 }, "busy 202 600" },
  { "taken, and nobody answers", { 202, 408 }, "no-answer 202 408" },
  { "taken, and unavailable", { 202, 480 }, "no-answer 202 480" },
  { "taken, and not found", { 202, 404 }, "failed 202 404" },
  { "taken, and it fails over there", { 202, 503 }, "failed 202 503" },
  { "refused", { 603 }, "failed 603 -" },
  { "a gateway that cannot", { 501 }, "failed 501 -" },
} do
  both("a transfer is " .. row[1], CAROL, function(t)
    local ann = sip_call(t)
    ann:is_referred(CAROL)
    if row[2][2] then
      ann:refer_status(202)
      ann:hears_nothing("3s") -- nothing is known yet
      ann:refer_status(202, 100)
      ann:hears_nothing("1s")
    end
    ann:refer_status(row[2][1], row[2][2])
    ann:hears(row[3])
    ann:ends("completed")
  end)
end

both("a transfer of which nothing is heard ends after two minutes", CAROL, function(t)
  local ann = sip_call(t)
  ann:is_referred(CAROL)
  ann:refer_status(202)
  ann:hears_nothing("119s")
  ann:hears("no-answer 202 -")
  ann:ends("completed")
end)

both("a caller who hangs up meanwhile has canceled it", CAROL, function(t, door)
  local ann = sip_call(t)
  ann:is_referred(CAROL)
  ann:refer_status(202)
  ann:hangs_up()
  t:settles()
  if door == "markup" then
    t:expect_request("/after", { ReferCallStatus = "canceled", ReferSipResponseCode = false,
      NotifySipResponseCode = false, CallStatus = "completed" })
  end
end)

both("a call that is not from SIP cannot be transferred", CAROL, function(t)
  local ann = t:call(NUMBER)
  ann:hears("failed - -")
  ann:ends("completed")
  assert(warned(ann, 13801))
end)

both("only SIP addresses can be referred to", "+15550101", function(t)
  local ann = sip_call(t)
  ann:hears("failed - -")
  ann:ends("completed")
  assert(warned(ann, 13802))
end)

scenario("without an action the next verb runs", function(t)
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", "<Response><Refer><Sip>" .. CAROL .. "</Sip></Refer><Say>Next.</Say></Response>")
  local ann = sip_call(t)
  ann:is_referred(CAROL)
  ann:refer_status(202, 200)
  ann:hears("Next.")
  ann:ends("completed")
end)

scenario("the action's method is obeyed, and a redirect from outside replaces a transfer", function(t)
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", "<Response><Refer action='/after' method='GET'><Sip>" .. CAROL .. "</Sip></Refer></Response>")
  t:web("/after", "<Response/>")
  t:web("/other", "<Response><Say>Other.</Say></Response>")
  local ann = sip_call(t)
  ann:is_referred(CAROL)
  ann:refer_status(202, 200)
  assert(t:expect_request("/after", { ReferCallStatus = "in-progress" }).method == "GET")
  ann:ends("completed")
  ann = sip_call(t)
  ann:is_referred(CAROL)
  t:redirect(ann, "/other")
  ann:refer_status(202, 200) -- nobody waits for that any more
  ann:hears("Other.")
  ann:ends("completed")
  t:expect_no_request("/after")
end)

-- Dial's referUrl (§5, §5.1)

dial.both("the called party transfers the caller", { referUrl = APP .. "/refer", { "Number", BOB } }, function(t)
  t:web("/refer", "<Response><Say>Elsewhere.</Say></Response>")
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  talk(ann, bob)
  local response, notify = bob:refers(CAROL)
  assert(response == 202 and notify == 200)
  t:expect_request("/refer", { ReferTransferTarget = CAROL, CallSid = ann:sid() })
  bob:ends("completed")
  ann:hears("Elsewhere.")
  ann:ends("completed")
  t:expect_no_request("/after") -- the document takes over instead of the action
end)

dial.both("referMethod is obeyed", { referUrl = APP .. "/refer", referMethod = "GET", { "Number", BOB } }, function(t)
  t:web("/refer", "<Response/>")
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  talk(ann, bob)
  bob:refers(CAROL)
  assert(t:expect_request("/refer", { ReferTransferTarget = CAROL }).method == "GET")
  ann:ends("completed")
end)

dial.both("without referUrl a transfer is declined, and the talk goes on", { { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  talk(ann, bob)
  local response, notify = bob:refers(CAROL)
  assert(response == 603 and notify == 0)
  talk(ann, bob)
  assert(warned(ann, 13802))
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

dial.both("a caller's own wish is declined", { referUrl = APP .. "/refer", { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  talk(ann, bob)
  assert(ann:refers(CAROL) == 603)
  assert(warned(ann, 13802))
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
  t:expect_no_request("/refer")
end)
