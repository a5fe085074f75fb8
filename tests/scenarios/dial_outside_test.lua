-- Dial: what comes from outside (rest-api.md §2.1) and at the same instant.
local dial = require "dial"
local both, talk, whisper = dial.both, dial.talk, dial.whisper

local NUMBER, BOB, EVE = "+15550100", "+15550101", "+15550102"
local APP = "http://app.test"

-- from outside

local function elsewhere(t)
  t:web("/elsewhere", "<Response><Say>Elsewhere.</Say></Response>")
end

both("the caller is redirected while it rings: the callee is let go", { { "Number", BOB } }, function(t)
  elsewhere(t)
  local bob = t:callee(BOB)
  local ann = t:call(NUMBER)
  bob:rings()
  bob:waits("1s")
  t:redirect(ann, "/elsewhere")
  bob:ends("canceled")
  ann:hears("Elsewhere.")
  ann:ends("completed")
end)

both("the caller is redirected while both talk: the callee's call ends", { { "Number", BOB } }, function(t)
  elsewhere(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  talk(ann, bob)
  t:redirect(ann, "/elsewhere")
  bob:ends("completed")
  ann:hears("Elsewhere.")
  ann:ends("completed")
end)

both("the callee is redirected while both talk: the caller goes on after Dial", { { "Number", BOB } },
  function(t, door)
    elsewhere(t)
    local bob = t:callee(BOB, { answers = "1s" })
    local ann = t:call(NUMBER)
    bob:is_answered()
    talk(ann, bob)
    t:redirect(bob, "/elsewhere")
    if door == "markup" then t:expect_request("/after", { DialCallDuration = false }) end
    t:together(function()
      bob:hears("Elsewhere.")
      bob:ends("completed")
    end, function()
      ann:hears_match("^After [%a-]+, no s, bridged true%.$")
      ann:ends("completed")
    end)
  end)

both("the callee is redirected during his whisper", { { "Number", BOB, url = APP .. "/whisper" } }, function(t)
  elsewhere(t)
  whisper(t, "<Say>A caller who has a long story to tell.</Say>")
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:hears_start("A caller who has a long story to tell.")
  bob:waits("0.3s")
  t:redirect(bob, "/elsewhere")
  t:together(function()
    bob:hears("A caller who has a long story to tell.")
    bob:hears("Elsewhere.")
    bob:ends("completed")
  end, function()
    ann:hears_match("^After [%a-]+, .* s, bridged false%.$")
    ann:ends("completed")
  end)
end)

both("both calls are ended from outside while they talk", { { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  talk(ann, bob)
  t:hangup(bob)
  bob:ends("completed")
  ann:hears_match("^After completed, %d s, bridged true%.$")
  ann:ends("completed")
  ann = t:call(NUMBER)
  bob:rings()
  bob:is_answered()
  t:hangup(ann)
  bob:ends("completed")
  ann:ends("completed")
end)

-- races

both("the answer comes at the instant of the time-out", { timeout = 10, { "Number", BOB } }, function(t)
  for _, at in ipairs { "9.98s", "10s", "10.02s", "14.98s", "15s", "15.02s" } do
    local bob = t:callee(BOB, { answers = at })
    local ann = t:call(NUMBER)
    bob:rings()
    bob:waits("17s")
    if bob:status() == "in-progress" then bob:hangs_up() end
    ann:hears_match("^After [cn]o")
    ann:ends("completed")
    bob:ends()
    assert(bob:status() == "completed" or bob:status() == "no-answer", bob:status())
  end
end)

both("the caller hangs up at the instant of the answer", { { "Number", BOB } }, function(t)
  for _, wait in ipairs { "1.98s", "2s", "2.02s" } do
    local bob = t:callee(BOB, { answers = "2s" })
    local ann = t:call(NUMBER)
    ann:waits(wait)
    ann:hangs_up()
    bob:ends()
    ann:ends("completed")
    assert(bob:status() == "completed" or bob:status() == "canceled", bob:status())
  end
end)

both("both hang up at the same instant", { { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  bob:waits("1s")
  t:together(function() ann:hangs_up() end, function() bob:hangs_up() end)
  bob:ends("completed")
  ann:ends("completed")
end)

both("the whole link is full of one caller's calls, one after the other", { { "Number", BOB } }, function(t)
  local bob = t:callee(BOB, { answers = "0.5s" })
  for _ = 1, 20 do
    local ann = t:call(NUMBER)
    bob:rings()
    bob:is_answered()
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
  end
  assert(bob:calls() == 20)
end)
