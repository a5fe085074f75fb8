-- Dial: its outcomes, several parties, its attributes (twiml-voice.md §5 to §5.2).
local dial = require "dial"
local both, talk = dial.both, dial.talk

local NUMBER, BOB, EVE = "+15550100", "+15550101", "+15550102"
local APP = "http://app.test"

-- §5.1: outcomes

both("the callee hangs up: completed", { { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { rings = "1s", answers = "3s" })
  local ann = t:call(NUMBER)
  bob:is_called { from = "+15550199", to = BOB }
  bob:is_answered()
  talk(ann, bob)
  bob:waits("4.5s")
  bob:hangs_up()
  bob:ends("completed")
  ann:hears_match("^After completed, [56] s, bridged true%.$")
  ann:hears_no_tone(700, "0.1s")
  ann:ends("completed")
end)

both("the time limit ends it: completed", { timeLimit = 10, { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  local began = t:now()
  bob:ends("completed")
  assert(t:now() - began >= 9.9 and t:now() - began <= 10.2, t:now() - began)
  ann:hears("After completed, 10 s, bridged true.")
  ann:ends("completed")
end)

both("the caller's star ends it, the callee's does not", { hangupOnStar = true, { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  talk(ann, bob)
  bob:press("*")
  ann:press("12#")
  bob:waits("1s")
  bob:hears_tones { 450 }
  ann:press("*")
  bob:ends("completed")
  ann:hears_match("^After completed, %d s, bridged true%.$")
  ann:ends("completed")
end)

both("without hangupOnStar a star changes nothing", { { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  ann:press("*")
  bob:waits("2s")
  talk(ann, bob)
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

for _, row in ipairs {
  { "busy", { busy = "2s" }, "busy" },
  { "rejected", { rejects = "1s" }, "busy" },
  { "unroutable", { unreachable = true }, "failed" },
  { "congestion", { fails = "congestion" }, "failed" },
  { "error", { fails = "error", after = "2s" }, "failed" },
  { "no-answer", { fails = "no-answer", after = "3s" }, "no-answer" },
} do
  local cause, manner, want = table.unpack(row)
  both("a callee who refuses with " .. cause .. ": " .. want, { { "Number", BOB } }, function(t, door)
    local bob = t:callee(BOB, manner)
    local ann = t:call(NUMBER)
    bob:is_called()
    bob:ends(want)
    if door == "markup" then t:expect_request("/after", { DialCallStatus = want, DialCallSid = bob:sid() }) end
    ann:hears_match("^After " .. want:gsub("%-", "%%-") .. ", [n0]o? s, bridged false%.$")
    ann:ends("completed")
  end)
end

both("nobody at that number: failed", { { "Number", "+15550177" } }, function(t)
  local ann = t:call(NUMBER)
  ann:hears_match("^After failed, [n0]o? s, bridged false%.$")
  ann:ends("completed")
end)

both("not answered in time: no-answer", { timeout = 10, { "Number", BOB } }, function(t)
  local bob = t:callee(BOB)
  local ann = t:call(NUMBER)
  bob:rings()
  local began = t:now()
  bob:ends("no-answer")
  assert(t:now() - began >= 9.9 and t:now() - began <= 15.1, t:now() - began) -- five more are Twilio's
  ann:hears_match("^After no%-answer, [n0]o? s, bridged false%.$")
  ann:ends("completed")
end)

both("canceled from outside before the answer: canceled", { { "Number", BOB } }, function(t)
  local bob = t:callee(BOB)
  local ann = t:call(NUMBER)
  bob:rings()
  bob:waits("2s")
  t:hangup(bob)
  bob:ends("canceled")
  ann:hears_match("^After canceled, [n0]o? s, bridged false%.$")
  ann:ends("completed")
end)

both("the caller hangs up while it rings: the callee is let go", { { "Number", BOB } }, function(t, door)
  local bob = t:callee(BOB)
  local ann = t:call(NUMBER)
  bob:rings()
  bob:waits("2s")
  ann:hangs_up()
  bob:ends("canceled")
  ann:ends("completed")
  t:settles()
  if door == "markup" then
    t:expect_request("/after", { DialCallStatus = "canceled", DialCallSid = bob:sid(), DialCallDuration = "0",
      DialBridged = "false", CallStatus = "completed" })
  end
end)

both("the caller hangs up while both talk: the callee's call ends, too", { { "Number", BOB } }, function(t, door)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  talk(ann, bob)
  bob:waits("3s")
  ann:hangs_up()
  bob:ends("completed")
  ann:ends("completed")
  t:settles()
  if door == "markup" then
    t:expect_request("/after", { DialCallStatus = "completed", DialCallSid = bob:sid(), DialCallDuration = "4",
      DialBridged = "true", CallStatus = "completed" })
  end
end)

both("the caller hangs up: who would be the next is not called any more", { sequential = true,
  { "Number", BOB }, { "Number", EVE } }, function(t, door)
    local bob, eve = t:callee(BOB), t:callee(EVE)
    local ann = t:call(NUMBER)
    bob:rings()
    ann:hangs_up()
    bob:ends("canceled")
    ann:ends("completed")
    eve:never_called()
    if door == "markup" then t:expect_request("/after", { DialCallStatus = "canceled", DialCallSid = bob:sid() }) end
  end)

scenario("without an action the next verb runs", function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", "<Response><Dial>+15550101</Dial><Say>Next.</Say></Response>")
  local ann = t:call(NUMBER)
  bob:is_answered()
  bob:waits("1s")
  bob:hangs_up()
  ann:hears("Next.")
  ann:ends("completed")
end)

scenario("without an action and another verb the call ends", function(t)
  local bob = t:callee(BOB, { busy = true })
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", "<Response><Dial>+15550101</Dial></Response>")
  local ann = t:call(NUMBER)
  bob:is_called()
  ann:ends("completed")
end)

-- §5.2: several parties

both("all ring at once, the first to answer wins, the others are canceled",
  { { "Number", BOB }, { "Number", EVE }, { "Client", "joe" } }, function(t)
    local bob = t:callee(BOB, { rings = "1s" })
    local eve = t:callee(EVE, { answers = "4s" })
    local joe = t:callee("client:joe", { busy = "2s" })
    local ann = t:call(NUMBER)
    bob:rings()
    eve:rings()
    joe:rings()
    assert(t:now() < 0.1)
    joe:ends("busy")
    eve:is_answered()
    bob:ends("canceled")
    talk(ann, eve)
    eve:hangs_up()
    ann:hears_match("^After completed, %d s, bridged true%.$")
    ann:ends("completed")
  end)

both("when all are busy it is busy", { { "Number", BOB }, { "Number", EVE } }, function(t)
  local bob = t:callee(BOB, { busy = "1s" })
  local eve = t:callee(EVE, { busy = "2s" })
  local ann = t:call(NUMBER)
  bob:ends("busy")
  eve:ends("busy")
  ann:hears_match("^After busy")
  ann:ends("completed")
end)

both("when nobody answers all are let go", { timeout = 8, { "Number", BOB }, { "Number", EVE } }, function(t)
  local bob, eve = t:callee(BOB), t:callee(EVE)
  local ann = t:call(NUMBER)
  bob:rings()
  bob:ends("no-answer")
  eve:ends("no-answer")
  ann:hears_match("^After no%-answer")
  ann:ends("completed")
end)

both("two answer at the same instant: one of them talks", { { "Number", BOB }, { "Number", EVE } }, function(t)
  local bob = t:callee(BOB, { answers = "2s" })
  local eve = t:callee(EVE, { answers = "2s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  eve:rings()
  eve:waits("1s")
  talk(ann, bob)
  eve:hears_no_tone(450, "1s")
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
  eve:ends()
end)

both("sequential: one after the other", { sequential = true, timeout = 10,
  { "Number", BOB }, { "Number", EVE }, { "Number", "+15550103" } }, function(t)
  local bob = t:callee(BOB)
  local eve = t:callee(EVE, { busy = "1s" })
  local joe = t:callee("+15550103", { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:rings()
  eve:never_called()
  bob:ends("no-answer")
  eve:rings()
  joe:never_called()
  eve:ends("busy")
  joe:rings()
  joe:is_answered()
  talk(ann, joe)
  joe:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

both("sequential: who comes after the one that answers is not called",
  { sequential = true, { "Number", BOB }, { "Number", EVE } }, function(t)
    local bob = t:callee(BOB, { answers = "1s" })
    local eve = t:callee(EVE)
    local ann = t:call(NUMBER)
    bob:is_answered()
    bob:waits("1s")
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
    eve:never_called()
  end)

-- answerOnBridge, ringTone

both("answerOnBridge: the caller's telephone rings until both talk",
  { answerOnBridge = true, { "Number", BOB } }, function(t)
    local bob = t:callee(BOB, { rings = "1s" })
    local ann = t:call(NUMBER)
    bob:rings()
    bob:waits("4s")
    ann:rings()
    bob:answer()
    ann:is_answered()
    talk(ann, bob)
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
  end)

both("answerOnBridge: a refusal leaves the call ringing until the next verb",
  { answerOnBridge = true, { "Number", BOB } }, function(t)
    local bob = t:callee(BOB, { busy = "3s" })
    local ann = t:call(NUMBER)
    bob:rings()
    ann:rings()
    bob:ends("busy")
    ann:hears_match("^After busy")
    ann:ends("completed")
  end)

both("ringTone: the caller hears ringing as in that country, until the answer",
  { ringTone = "uk", { "Number", BOB } }, function(t)
    local bob = t:callee(BOB, { rings = "1s", answers = "8s" })
    local ann = t:call(NUMBER)
    bob:rings()
    ann:is_answered()
    ann:hears_tone(400)
    ann:hears_tone(450)
    bob:is_answered()
    ann:hears_no_tone(400, "5s")
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
  end)

-- callerId, sendDigits

both("callerId is what the callee sees", { callerId = NUMBER, { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_called { from = NUMBER }
  bob:is_answered()
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

both("sendDigits are pressed after the answer, before both talk",
  { { "Number", BOB, sendDigits = "12W3" } }, function(t)
    local bob = t:callee(BOB, { answers = "1s" })
    local ann = t:call(NUMBER)
    bob:is_answered()
    bob:plays_tone(700)
    ann:hears_no_tone(700, "1s")
    ann:hears_tones { 700 }
    bob:hears_digits("12W3")
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
  end)

-- sound before the answer

both("who is called is heard before he answers, instead of ringing", { { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { rings = "1s", early = true })
  local ann = t:call(NUMBER)
  bob:rings()
  bob:waits("2s")
  bob:plays_tone(700)
  ann:hears_tones { 700 }
  bob:answer()
  talk(ann, bob)
  bob:hangs_up()
  ann:hears_match("^After completed, [12] s, bridged true%.$")
  ann:ends("completed")
end)

both("who was heard and then is busy was not bridged", { { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { early = true })
  local ann = t:call(NUMBER)
  bob:rings()
  bob:plays_tone(700)
  ann:hears_tones { 700 }
  bob:busy()
  ann:hears_match("^After busy, [n0]o? s, bridged false%.$")
  ann:hears_no_tone(700, "0.1s")
  ann:ends("completed")
end)

both("of several parties nobody is heard before he answers", { { "Number", BOB }, { "Number", EVE } }, function(t)
  local bob = t:callee(BOB, { early = true })
  local eve = t:callee(EVE, { early = true, answers = "4s" })
  local ann = t:call(NUMBER)
  bob:rings()
  bob:plays_tone(700)
  ann:hears_no_tone(700, "3s")
  eve:is_answered()
  talk(ann, eve)
  eve:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

-- keys while both talk

both("keys reach the other while both talk, and not before", { { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { answers = "2s" })
  local ann = t:call(NUMBER)
  bob:rings()
  ann:press("1")
  bob:is_answered()
  talk(ann, bob)
  ann:press("23")
  bob:press("9")
  bob:waits("1s")
  bob:hears_digits("23")
  ann:hears_digits("9")
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

both("a star that is a tone ends it, too", { hangupOnStar = true, { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER, { keys = "tones" })
  bob:is_answered()
  bob:waits("0.5s")
  ann:press("7")
  bob:waits("1s")
  assert(bob:status() == "in-progress")
  ann:press("*")
  bob:ends("completed")
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

for _, codec in ipairs { "PCMA", "L16/8000", "L16/16000", "L16/24000" } do
  both("both talk on " .. codec, { record = "record-from-answer-dual", { "Number", BOB } }, function(t)
    local bob = t:callee(BOB, { answers = "1s" })
    local ann = t:call(NUMBER, { codec = codec })
    bob:is_called { codec = codec }
    bob:is_answered()
    talk(ann, bob)
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
  end)
end
