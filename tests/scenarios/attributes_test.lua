-- Attributes that other scenarios have no place for (twiml-voice.md §5): those that exist so that documents
-- written for Twilio go as they are, wrong values with their warnings, and the methods of callbacks.
local dial = require "dial"
local both, talk = dial.both, dial.talk

local NUMBER, BOB = "+15550100", "+15550101"

-- All but that what follows a Dial with an action is never reached.
local function warnings(call)
  local codes = {}
  for _, line in ipairs(call:journal("warn")) do
    if not line.text:find("takes over") then codes[#codes + 1] = line.code end
  end
  table.sort(codes)
  return table.concat(codes, " ")
end

-- Called, answered, talked with, and not a word of complaint.
local function goes_as_without(t, who)
  local bob = t:callee(who, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  talk(ann, bob)
  bob:hangs_up()
  ann:hears_match("^After completed")
  ann:ends("completed")
  assert(warnings(ann) == "", warnings(ann))
  t:expect_no_request("/notify")
end

local compatible = {
  callReason = "Your order", events = "call-progress-event", passports = "eyJh,eyJi",
  recordingConfigurationId = "RC1",
}

local function with(noun)
  local copy = { noun }
  for k, v in pairs(compatible) do copy[k] = v end
  return copy
end

both("what only Twilio's network can do changes nothing: Number", with{ "Number", BOB }, function(t)
  goes_as_without(t, BOB)
end)

both("what only Twilio's network can do changes nothing: Client",
  with{ "Client", "bob", clientNotificationUrl = "http://app.test/notify" }, function(t)
    goes_as_without(t, "client:bob")
  end)

both("what only Twilio's network can do changes nothing: Conference",
  with{ "Conference", "Room", jitterBufferSize = "small", region = "de1", recordingConfigurationId = "RC1", beep = "false" },
  function(t)
    local ann, bob = t:call(NUMBER), t:call(NUMBER)
    t:waits("1s")
    talk(ann, bob)
    t:end_room("Room")
    ann:hears_match("^After answered")
    bob:hears_match("^After answered")
    ann:ends("completed")
    assert(warnings(ann) == "", warnings(ann))
  end)

both("what only TaskRouter can do changes nothing: Queue",
  { { "Queue", "support", reservationSid = "WR1", postWorkActivitySid = "WA1" } }, function(t)
    t:number("+15550150", { voice = "/waits" })
    t:web("/waits", "<Response><Enqueue>support</Enqueue></Response>")
    local bob = t:call("+15550150")
    bob:hears_sound()
    local ann = t:call(NUMBER)
    ann:waits("1s")
    talk(ann, bob)
    bob:hangs_up()
    ann:hears_match("^After completed")
    ann:ends("completed")
    assert(warnings(ann) == "", warnings(ann))
  end)

-- A handler that writes such a thing is told at once, with its line.
for _, row in ipairs {
  { "muted", "perhaps", 13230 }, { "endConferenceOnExit", "maybe", 13231 }, { "startConferenceOnEnter", "1", 13232 },
  { "waitMethod", "PUT", 13234 }, { "beep", "loud", 13235 }, { "trim", "yes", 13239 },
} do
  scenario(("Conference: %s='%s' is a warning, and the usual holds"):format(row[1], row[2]), function(t)
    t:number(NUMBER, { voice = "/voice" })
    t:web("/voice", ("<Response><Dial><Conference %s='%s'>Room</Conference></Dial></Response>"):format(row[1], row[2]))
    local ann, bob = t:call(NUMBER), t:call(NUMBER)
    t:waits("5s")
    talk(ann, bob)
    assert(warnings(ann) == tostring(row[3]), warnings(ann))
    ann:hangs_up()
    bob:hangs_up()
    t:settles()
  end)
end

for _, row in ipairs { { "Number", BOB }, { "Sip", "sip:bob@example.com" } } do
  both(row[1] .. ": amdStatusCallback is requested as amdStatusCallbackMethod says", {
    { row[1], row[2], machineDetection = "Enable", amdStatusCallback = "http://app.test/amd", amdStatusCallbackMethod = "GET" },
  }, function(t)
    local bob = t:callee(row[2], { answers = "1s" })
    local ann = t:call(NUMBER)
    bob:is_answered()
    bob:greets("human")
    bob:waits("3s")
    assert(t:expect_request("/amd", { AnsweredBy = "human", CallSid = bob:sid() }).method == "GET")
    bob:hangs_up()
    ann:hears_match("^After completed")
  end)
end
