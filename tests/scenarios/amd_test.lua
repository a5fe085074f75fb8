-- Who answered a Dial (twiml-voice.md §11, webhooks.md §5): a human, a machine, a fax; told to the callback,
-- without holding up the call.
local dial = require "dial"
local both, talk = dial.both, dial.talk

local NUMBER, BOB = "+15550100", "+15550101"
local APP = "http://app.test"

local function party(options)
  local noun = { "Number", BOB, amdStatusCallback = APP .. "/amd" }
  for k, v in pairs(options) do noun[k] = v end
  return { noun }
end

-- Bob answers so; the verdict, after so many seconds.
local function verdict(t, greeting, answered_by, least, most)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  if greeting then bob:greets(greeting) end
  local amd = t:expect_request("/amd", { AnsweredBy = answered_by, CallSid = bob:sid(), AccountSid = true })
  local ms = tonumber(amd.params.MachineDetectionDuration)
  assert(ms >= least and ms <= most, "after " .. ms .. " ms")
  local line = bob:journal("amd")[1]
  assert(line.verdict == answered_by and line.ms == ms)
  return ann, bob, amd
end

for _, mode in ipairs{ "Enable", "DetectMessageEnd" } do
  both("a short greeting is a human's: " .. mode, party{ machineDetection = mode }, function(t)
    local ann, bob, amd = verdict(t, "human", "human", 1900, 2200)
    assert(amd.params.From == nil and amd.params.AnsweredBy) -- these four alone
    talk(ann, bob) -- nothing was held up
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
    t:expect_no_request("/amd")
  end)

  both("a fax is known by its tone: " .. mode, party{ machineDetection = mode }, function(t)
    local ann, bob = verdict(t, "fax", "fax", 400, 1200)
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
  end)

  both("who says nothing is not known: " .. mode, party{ machineDetection = mode }, function(t)
    local ann, bob = verdict(t, nil, "unknown", 4900, 5200)
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
  end)

  both("who sends nothing at all is not known at the timeout: " .. mode,
    party{ machineDetection = mode, machineDetectionTimeout = 7 }, function(t)
      local bob = t:callee(BOB, { answers = "1s" })
      local ann = t:call(NUMBER)
      bob:mutes()
      bob:is_answered()
      bob:waits("7.6s")
      local amd = t:expect_request("/amd", { AnsweredBy = "unknown" })
      assert(tonumber(amd.params.MachineDetectionDuration) >= 7000)
      bob:hangs_up()
      ann:hears_match("^After completed")
      ann:ends("completed")
      t:expect_no_request("/amd")
    end)

  both("who hangs up before it is clear is not known: " .. mode, party{ machineDetection = mode }, function(t)
    local bob = t:callee(BOB, { answers = "1s" })
    local ann = t:call(NUMBER)
    bob:is_answered()
    bob:waits("1s")
    bob:hangs_up()
    t:expect_request("/amd", { AnsweredBy = "unknown", CallSid = bob:sid() })
    ann:hears_match("^After completed")
    ann:ends("completed")
    t:expect_no_request("/amd")
  end)
end

both("a long greeting is a machine's", party{ machineDetection = "Enable" }, function(t)
  local ann, bob = verdict(t, "machine", "machine_start", 2400, 3000)
  talk(ann, bob)
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

both("a machine's beep is the time to speak", party{ machineDetection = "DetectMessageEnd" }, function(t)
  local ann, bob = verdict(t, "beep", "machine_end_beep", 4300, 4800)
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)

both("a machine without a beep has ended when it is silent", party{ machineDetection = "DetectMessageEnd" },
  function(t)
    local ann, bob = verdict(t, "machine", "machine_end_silence", 5800, 6600)
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
  end)

both("a machine that still speaks at the timeout",
  party{ machineDetection = "DetectMessageEnd", machineDetectionTimeout = 4 }, function(t)
    local ann, bob = verdict(t, "machine", "machine_end_other", 4000, 4000)
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
  end)

both("its thresholds are obeyed",
  party{ machineDetection = "Enable", machineDetectionSpeechThreshold = 5000,
    machineDetectionSpeechEndThreshold = 500, machineDetectionSilenceTimeout = 2000 }, function(t)
    -- The same greeting, but one of five seconds would be a machine's, and half a second is an end.
    local ann, bob = verdict(t, "machine", "human", 4300, 4700)
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
  end)

both("its silence timeout is obeyed", party{ machineDetection = "Enable", machineDetectionSilenceTimeout = 2000 },
  function(t)
    local ann, bob = verdict(t, nil, "unknown", 1900, 2200)
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
  end)

both("whom one presses keys at is known already",
  party{ machineDetection = "Enable", sendDigits = "12" }, function(t)
    local bob = t:callee(BOB, { answers = "1s" })
    local ann = t:call(NUMBER)
    bob:is_answered()
    bob:waits("7s")
    assert(#bob:journal("amd") == 0)
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
    t:expect_no_request("/amd")
  end)

both("without a callback it is in the journal", { { "Number", BOB, machineDetection = "Enable" } }, function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  bob:greets("human")
  bob:waits("2s")
  assert(bob:journal("amd")[1].verdict == "human")
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
end)
