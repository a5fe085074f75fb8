-- Dial: what is recorded, in which mode, and who is told (twiml-voice.md §5, webhooks.md §4).
local dial = require "dial"
local both, talk = dial.both, dial.talk

local NUMBER, BOB = "+15550100", "+15550101"
local APP = "http://app.test"

for _, row in ipairs {
  { "record-from-answer", "1", "answer" },
  { "record-from-answer-dual", "2", "answer" },
  { "record-from-ringing", "1", "ringing" },
  { "record-from-ringing-dual", "2", "ringing" },
  { "true", "1", "answer" },
} do
  local mode, channels, from = table.unpack(row)
  both("record='" .. mode .. "'", { record = mode, recordingStatusCallback = APP .. "/recorded",
    { "Number", BOB } }, function(t, door)
    t:web("/recorded", "")
    local bob = t:callee(BOB, { rings = "0.5s", answers = "4s" })
    local ann = t:call(NUMBER)
    bob:is_answered()
    talk(ann, bob)
    bob:waits("3s")
    bob:hangs_up()
    if door == "markup" then
      t:expect_request("/after", { DialCallStatus = "completed", RecordingUrl = true })
    end
    ann:hears_match("^After completed")
    ann:ends("completed")
    t:settles()
    local r = t:expect_request("/recorded", { CallSid = ann:sid(), RecordingSource = "DialVerb",
      RecordingStatus = "completed", RecordingChannels = channels, RecordingSid = true,
      RecordingTrack = "both" })
    local seconds = tonumber(r.params.RecordingDuration)
    if from == "answer" then assert(seconds >= 3 and seconds <= 4, seconds)
    else assert(seconds >= 6 and seconds <= 8, seconds) end
  end)
end

both("do-not-record: nothing is recorded", { record = "do-not-record", recordingStatusCallback = APP .. "/recorded",
  { "Number", BOB } }, function(t)
  t:web("/recorded", "")
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
  t:settles()
  t:expect_no_request("/recorded")
end)

for _, track in ipairs { "inbound", "outbound" } do
  both("recordingTrack='" .. track .. "' is one channel", { record = "record-from-answer-dual", recordingTrack = track,
    recordingStatusCallback = APP .. "/recorded", { "Number", BOB } }, function(t)
    t:web("/recorded", "")
    local bob = t:callee(BOB, { answers = "1s" })
    local ann = t:call(NUMBER)
    bob:is_answered()
    talk(ann, bob)
    bob:waits("2s")
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
    t:settles()
    t:expect_request("/recorded", { RecordingTrack = track, RecordingChannels = "1" })
  end)
end

both("who is not reached is not recorded", { record = "record-from-answer",
  recordingStatusCallback = APP .. "/recorded", recordingStatusCallbackEvent = "in-progress completed absent",
  { "Number", BOB } }, function(t, door)
  t:web("/recorded", "")
  local bob = t:callee(BOB, { busy = "2s" })
  local ann = t:call(NUMBER)
  bob:ends("busy")
  if door == "markup" then t:expect_request("/after", { RecordingUrl = false }) end
  ann:hears_match("^After busy")
  ann:ends("completed")
  t:settles()
  t:expect_no_request("/recorded")
end)

both("the caller hangs up: what was said is kept", { record = "record-from-answer",
  recordingStatusCallback = APP .. "/recorded", recordingStatusCallbackEvent = "in-progress completed absent",
  { "Number", BOB } }, function(t)
  t:web("/recorded", "")
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  talk(ann, bob)
  ann:waits("2s")
  ann:hangs_up()
  bob:ends("completed")
  t:settles()
  t:expect_request("/recorded", { RecordingStatus = "in-progress", CallSid = ann:sid() })
  local r = t:expect_request("/recorded", { RecordingStatus = "completed", CallSid = ann:sid() })
  assert(tonumber(r.params.RecordingDuration) >= 2)
end)
