-- Conferences: every attribute of <Conference>, every event with what it tells, every reason, through
-- both doors where the door matters (twiml-voice.md §5.4).

local NUMBER = "+15550100"
local TOLD = "statusCallback='/told' statusCallbackEvent='start end join leave mute hold modify speaker announcement'"

-- Each scenario runs through both doors: as markup that an application answers, and as a handler.
local door
local plain = scenario
local function scenario(name, body)
  for _, this in ipairs { "markup", "Lua" } do
    plain(name .. " (" .. this .. ")", function(t)
      door = this
      body(t)
    end)
  end
end

-- name='value' … as the options of a call in Lua.
local function options_of(attributes)
  local options = {}
  for name, value in attributes:gmatch("(%w+)='([^']*)'") do
    options[#options + 1] = ("%s = %q"):format(name, (value:gsub("^/", "http://app.test/")))
  end
  return table.concat(options, ", ")
end

-- A call that enters the room "Room" with these attributes.
local function enters(t, attributes, options)
  local dial = options and options.dial or ""
  t:web("/voice", ("<Response><Dial %s><Conference %s>Room</Conference></Dial><Say>Out.</Say></Response>")
    :format(dial, attributes or ""))
  t:number(NUMBER, { voice = "/voice" })
  if door == "Lua" then
    t:number(NUMBER, { voice = t:file("enters.lua", ("return function(call) call:dial { conference = { 'Room', %s }, %s } call:say('Out.') end")
      :format(options_of(attributes or ""), options_of(dial))) })
  end
  t:web("/told", "")
  local caller = t:call(NUMBER, { from = options and options.from })
  caller:is_answered()
  return caller
end

-- The next events, in order: { name, params… }.
local function told(t, ...)
  local all = {}
  for i, want in ipairs { ... } do
    if type(want) == "string" then want = { want } end
    local params = { StatusCallbackEvent = want[1] }
    for k, v in pairs(want) do if k ~= 1 then params[k] = v end end
    all[i] = t:expect_request("/told", params).params
  end
  return table.unpack(all)
end

local function two(t, first, second)
  local ann = enters(t, (first or "") .. " " .. TOLD, { from = "+15550111" })
  local bob = enters(t, second or "", { from = "+15550122" })
  return ann, bob
end

local function hear_each_other(t, ann, bob)
  ann:plays_tone(450)
  bob:plays_tone(800)
  t:together(function() ann:hears_tones { 800 } end, function() bob:hears_tones { 450 } end)
end

scenario("two callers hear each other, whatever door they came through", function(t)
  t:file("flow.lua", "return function(call) call:dial{ conference = { 'Room', beep = false } } call:say('Out.') end")
  local ann = enters(t, "beep='false'")
  t:number("+15550200", { voice = t:folder("flow.lua") })
  local bob = t:call("+15550200", { from = "+15550177" })
  hear_each_other(t, ann, bob)
  assert(#t:rooms().Room.members == 2)
  ann:hangs_up()
  bob:waits("1s")
  t:end_room("Room")
  bob:hears("Out.")
  bob:ends("completed")
  t:settles()
end)

-- How often he was warned with this code.
local function warned(caller, code)
  local n = 0
  for _, line in ipairs(caller:journal("warn")) do if line.code == code then n = n + 1 end end
  return n
end

-- What is heard before it begins

scenario("music plays until the conference begins, and not after", function(t)
  local ann = enters(t)
  ann:hears_sound()
  ann:waits("60s")
  ann:hears_sound() -- it is repeated
  assert(t:rooms().Room.status == "init")
  local bob = enters(t)
  t:waits("1s") -- the beep
  t:together(function() ann:hears_nothing("10s") end, function() bob:hears_nothing("10s") end)
  assert(t:rooms().Room.status == "in-progress")
end)

scenario("an empty waitUrl is silence", function(t)
  local ann = enters(t, "waitUrl=''")
  ann:hears_nothing("10s")
end)

scenario("a document is heard once while waiting, then there is silence", function(t)
  t:web("/wait", "<Response><Say>Please wait.</Say><Pause length='1'/><Say>You are the first.</Say></Response>")
  local ann = enters(t, "waitUrl='/wait' waitMethod='GET' " .. TOLD)
  ann:hears("Please wait.")
  ann:hears("You are the first.")
  ann:hears_nothing("30s")
  local request = t:expect_request("/wait", { ConferenceSid = t:rooms().Room.sid, FriendlyName = "Room",
    CallSid = ann:sid(), CallStatus = "in-progress" })
  assert(request.method == "GET")
  t:expect_no_request("/wait")
  ann:hangs_up()
  t:settles()
end)

scenario("waitUrl is posted, and a Redirect repeats it", function(t)
  t:web("/wait", "<Response><Say>Please wait.</Say><Redirect/></Response>")
  local ann = enters(t, "waitUrl='/wait'")
  for _ = 1, 3 do
    ann:hears("Please wait.")
    assert(t:expect_request("/wait").method == "POST")
  end
  enters(t)
  ann:waits("1s")
  assert(#t:requests("/wait") <= 4) -- it has begun: nobody asks any more
  local n = #t:requests("/wait")
  ann:waits("20s")
  assert(#t:requests("/wait") == n)
end)

scenario("a file of sound is repeated until the conference begins", function(t)
  local samples = {}
  for i = 1, 8000 do samples[i] = string.pack("<i2", i % 16 < 8 and 8000 or -8000) end
  local data = table.concat(samples)
  t:web("http://media.test/hold.wav", { type = "audio/wav", body = string.pack("<c4I4c4c4I4I2I2I4I4I2I2c4I4", "RIFF",
    36 + #data, "WAVE", "fmt ", 16, 1, 1, 8000, 16000, 2, 16, "data", #data) .. data })
  local ann = enters(t, "waitUrl='http://media.test/hold.wav'")
  ann:hears_sound()
  ann:waits("30s")
  ann:hears_sound()
  assert(ann:journal("play")[1].loops == 1000)
end)

scenario("a handler in Lua may say what is heard while waiting", function(t)
  t:file("wait.lua", "return function(call) call:say('From Lua.') end")
  t:file("flow.lua", "return function(call) call:dial{ conference = { 'Room', waitUrl = 'wait.lua' } } end")
  t:number(NUMBER, { voice = t:folder("flow.lua") })
  local ann = t:call(NUMBER)
  ann:hears("From Lua.")
  ann:hears_nothing("5s")
end)

scenario("who cannot be made to wait is not in the conference", function(t)
  t:web("/wait", { status = 500 })
  local ann = enters(t, "waitUrl='/wait' " .. TOLD)
  ann:hears("Out.")
  ann:ends("completed")
  told(t, "participant-join",
    { "participant-leave", ReasonParticipantLeft = "participant_add_failed", ParticipantCallStatus = "in-progress" },
    { "conference-end", ReasonConferenceEnded = "last-participant-left", CallSidEndingConference = ann:sid() })
  t:settles()
end)

scenario("whose waiting is a handler that breaks is not in it either, and his flow goes on", function(t)
  t:file("wait.lua", "return function(call) call:say('From Lua.') error('broken') end")
  t:file("in.xml", "<Response><Dial action='http://app.test/after'><Conference waitUrl='wait.lua'>Room</Conference></Dial></Response>")
  t:file("in.lua", "return function(call) call:dial{ conference = { 'Room', waitUrl = 'wait.lua' }, action = 'http://app.test/after' } end")
  t:number(NUMBER, { voice = t:folder(door == "Lua" and "in.lua" or "in.xml") })
  t:web("/after", "<Response><Say>Out.</Say></Response>")
  local ann = t:call(NUMBER)
  ann:hears("From Lua.")
  ann:hears("Out.")
  t:expect_request("/after", { DialCallStatus = "failed" })
  ann:ends("completed")
  t:settles()
end)

scenario("… unless it begins before that is known", function(t)
  t:web("/wait", { status = 500, delay = 5 })
  local ann = enters(t, "waitUrl='/wait' beep='false'")
  local bob = enters(t, "beep='false'")
  t:waits("20s")
  hear_each_other(t, ann, bob)
end)

scenario("it may end while a waitUrl is still asked for", function(t)
  t:web("/wait", { body = "<Response><Say>Never.</Say></Response>", delay = 5 })
  local ann = enters(t, "waitUrl='/wait'")
  local bob = enters(t, "startConferenceOnEnter='false' waitUrl='/wait'")
  t:waits("1s")
  t:end_room("Room")
  t:together(function() ann:hears("Out.") ann:ends("completed") end, function() bob:hears("Out.") bob:ends("completed") end)
  t:settles()
end)

scenario("one may leave at the instant at which another comes", function(t)
  local ann = enters(t, TOLD)
  local bob
  t:together(function() ann:hangs_up() end, function() bob = enters(t, TOLD) end)
  bob:hangs_up()
  t:settles()
  local joined, left, over = 0, 0, 0
  for _, r in ipairs(t:requests("/told")) do
    local e = r.params.StatusCallbackEvent
    joined = joined + (e == "participant-join" and 1 or 0)
    left = left + (e == "participant-leave" and 1 or 0)
    over = over + (e == "conference-end" and 1 or 0)
  end
  assert(joined == 2 and left == 2 and over >= 1)
  assert(next(t:rooms()) == nil)
end)

scenario("a document for those who wait holds few verbs", function(t)
  t:web("/wait", "<Response><Gather><Say>Never.</Say></Gather><Hangup/><Say>Wait.</Say></Response>")
  local ann = enters(t, "waitUrl='/wait'")
  ann:hears("Wait.")
  assert(warned(ann, 13238) == 2)
end)

scenario("who could not be made to wait ends nothing", function(t)
  t:web("/wait", { status = 500 })
  local ann = enters(t, "startConferenceOnEnter='false' waitUrl=''")
  local bob = enters(t, "startConferenceOnEnter='false' endConferenceOnExit='true' waitUrl='/wait'")
  bob:hears("Out.")
  ann:hears_nothing("5s")
  assert(#t:rooms().Room.members == 1)
end)

-- Who may begin it, and who ends it

scenario("it begins with the first who may begin it, when two are in it", function(t)
  local ann = enters(t, "startConferenceOnEnter='false' waitUrl='' beep='false' " .. TOLD)
  local bob = enters(t, "startConferenceOnEnter='false' waitUrl='' beep='false'")
  ann:plays_tone(450)
  bob:hears_no_tone(450, "3s") -- both wait
  assert(t:rooms().Room.status == "init")
  local eve = enters(t, "waitUrl='' beep='false'")
  t:together(function() bob:hears_tones { 450 } end, function() eve:hears_tones { 450 } end)
  told(t, { "participant-join", StartConferenceOnEnter = "false" }, "participant-join",
    { "participant-join", StartConferenceOnEnter = "true" }, "conference-start")
  local late = enters(t, "startConferenceOnEnter='false' waitUrl='' beep='false'")
  late:hears_tones { 450 } -- it is under way
end)

scenario("the last who leaves ends it, and its name begins anew", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  local sid = t:rooms().Room.sid
  ann:hangs_up()
  bob:hears_nothing("5s") -- one is left, and it goes on
  bob:hangs_up()
  t:settles()
  local joined, _, started, left, last, over = told(t, { "participant-join", CallSid = ann:sid(), ConferenceSid = sid },
    { "participant-join", CallSid = bob:sid() }, { "conference-start", CallSid = false },
    { "participant-leave", CallSid = ann:sid(), ReasonParticipantLeft = "participant_hung_up", ParticipantCallStatus = "completed" },
    { "participant-leave", CallSid = bob:sid() },
    { "conference-end", CallSid = false, ReasonConferenceEnded = "last-participant-left", Reason = "The last participant left",
      CallSidEndingConference = bob:sid(), ParticipantLabelEndingConference = false })
  for i, params in ipairs { joined, _, started, left, last, over } do
    assert(params.SequenceNumber == tostring(i - 1) and params.FriendlyName == "Room" and params.Timestamp:find("2026"))
    assert(params.ConferenceSid == sid and params.AccountSid:find("^AC"))
  end
  assert(joined.Muted == "false" and joined.Hold == "false" and joined.Coaching == "false" and joined.EndConferenceOnExit == "false"
    and joined.StartConferenceOnEnter == "true" and joined.ParticipantLabel == nil)
  enters(t)
  assert(t:rooms().Room.sid ~= sid and t:rooms().Room.status == "init")
end)

scenario("it ends with who has endConferenceOnExit: all others go on with their own flows", function(t)
  t:web("/after", "<Response><Say>After.</Say></Response>")
  local ann = enters(t, "endConferenceOnExit='true' participantLabel='boss' " .. TOLD)
  local bob = enters(t, "", { dial = "action='/after'" })
  local eve = enters(t)
  ann:hangs_up()
  t:together(function() bob:hears("After.") bob:ends("completed") end, function() eve:hears("Out.") eve:ends("completed") end)
  t:expect_request("/after", { CallSid = bob:sid(), DialCallStatus = "answered", DialCallSid = false, DialCallDuration = false })
  told(t, { "participant-join", ParticipantLabel = "boss", EndConferenceOnExit = "true" }, "participant-join", "conference-start",
    "participant-join", { "participant-leave", CallSid = ann:sid(), ReasonParticipantLeft = "participant_hung_up" },
    { "participant-leave", CallSid = bob:sid(), ReasonParticipantLeft = "moderator_ended_conference", ParticipantCallStatus = "in-progress" },
    { "participant-leave", CallSid = eve:sid(), ReasonParticipantLeft = "moderator_ended_conference" },
    { "conference-end", ReasonConferenceEnded = "participant-with-end-conference-on-exit-left", CallSidEndingConference = ann:sid(),
      ParticipantLabelEndingConference = "boss" })
  t:settles()
end)

scenario("those who wait go on too when who may end it gives up", function(t)
  local ann = enters(t, "startConferenceOnEnter='false'")
  local bob = enters(t, "startConferenceOnEnter='false' endConferenceOnExit='true'")
  bob:hangs_up()
  ann:hears("Out.")
  ann:ends("completed")
  t:settles()
end)

scenario("who hangs up still makes the action's request", function(t)
  t:web("/after", "<Response/>")
  local ann = enters(t, "", { dial = "action='/after'" })
  ann:hangs_up()
  t:expect_request("/after", { DialCallStatus = "answered", CallStatus = "completed" })
  t:settles()
end)

scenario("the operator ends it", function(t)
  local ann, bob = two(t)
  t:end_room("Room")
  t:together(function() ann:hears("Out.") end, function() bob:hears("Out.") end)
  t:settles()
  told(t, "participant-join", "participant-join", "conference-start",
    { "participant-leave", ReasonParticipantLeft = "conference_ended_via_api" },
    { "participant-leave", ReasonParticipantLeft = "conference_ended_via_api" },
    { "conference-end", ReasonConferenceEnded = "conference-ended-via-api", CallSidEndingConference = false })
end)

scenario("who is kicked goes on with his own flow", function(t)
  local ann, bob = two(t)
  t:kick("Room", bob)
  bob:hears("Out.")
  t:kick("Room", ann)
  ann:hears("Out.")
  t:settles()
  told(t, "participant-join", "participant-join", "conference-start",
    { "participant-leave", CallSid = bob:sid(), ReasonParticipantLeft = "participant_updated_via_api", ParticipantCallStatus = "in-progress" },
    { "participant-leave", CallSid = ann:sid() },
    { "conference-end", ReasonConferenceEnded = "last-participant-kicked" })
end)

scenario("to kick who has endConferenceOnExit ends it", function(t)
  local ann, bob = two(t, "endConferenceOnExit='true' participantLabel='boss'")
  t:kick("Room", "boss")
  t:together(function() ann:hears("Out.") end, function() bob:hears("Out.") end)
  t:settles()
  told(t, "participant-join", "participant-join", "conference-start", "participant-leave", "participant-leave",
    { "conference-end", ReasonConferenceEnded = "participant-with-end-conference-on-exit-kicked" })
end)

scenario("who is sent elsewhere leaves, and may come back", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  t:web("/elsewhere", "<Response><Say>Elsewhere.</Say><Redirect>/voice</Redirect></Response>")
  t:redirect(bob, "/elsewhere")
  bob:hears("Elsewhere.")
  hear_each_other(t, ann, bob)
  t:hangup(bob)
  told(t, "participant-join", "participant-join", "conference-start",
    { "participant-leave", CallSid = bob:sid(), ReasonParticipantLeft = "participant_updated_via_api", ParticipantCallStatus = "in-progress" },
    { "participant-join", CallSid = bob:sid() }, "participant-speech-start", "participant-speech-start",
    { "participant-leave", CallSid = bob:sid(), ReasonParticipantLeft = "participant_updated_via_api", ParticipantCallStatus = "completed" })
end)

scenario("the star leaves the conference where the Dial says so", function(t)
  t:web("/after", "<Response><Say>After.</Say></Response>")
  local ann = enters(t, "beep='false' " .. TOLD, { dial = "hangupOnStar='true' action='/after'" })
  local bob = enters(t, "beep='false'")
  bob:press("*")
  bob:hears_nothing("2s")
  ann:press("*")
  ann:hears("After.")
  t:expect_request("/after", { DialCallStatus = "answered" })
  told(t, "participant-join", "participant-join", "conference-start", { "participant-leave", ReasonParticipantLeft = "participant_hung_up" })
end)

scenario("timeLimit bounds the time in it", function(t)
  local ann = enters(t, "waitUrl=''", { dial = "timeLimit='90'" })
  ann:hears_nothing("89s")
  ann:hears("Out.")
  ann:ends("completed")
end)

-- Who may enter

scenario("a full conference is not entered", function(t)
  local ann, bob = two(t)
  t:web("/after", "<Response><Say>Full.</Say></Response>")
  local eve = enters(t, "maxParticipants='2'", { dial = "action='/after'" })
  eve:hears("Full.")
  t:expect_request("/after", { DialCallStatus = "failed" })
  assert(warned(eve, 16020) == 1)
  assert(#t:rooms().Room.members == 2)
  enters(t) -- his own bound is the default
  assert(#t:rooms().Room.members == 3)
end)

scenario("limits of the configuration hold", function(t)
  t:config("limits { rooms = 1, room_members = 2 }")
  local ann, bob = two(t)
  local eve = enters(t)
  eve:hears("Out.")
  assert(warned(eve, 16020) == 1)
  t:web("/other", "<Response><Dial><Conference>Other</Conference></Dial><Say>Out.</Say></Response>")
  t:number("+15550200", { voice = "/other" })
  eve = t:call("+15550200")
  eve:hears("Out.")
  assert(warned(eve, 16099) == 1)
end)

scenario("a label is one participant's", function(t)
  local ann, bob = two(t, "participantLabel='ann'", "participantLabel='bob'")
  local eve = enters(t, "participantLabel='ann'")
  eve:hears("Out.")
  assert(warned(eve, 16025) == 1)
  eve = enters(t, "participantLabel='" .. ann:sid() .. "'")
  eve:hears("Out.")
  assert(warned(eve, 16025) == 1)
  ann:hangs_up()
  ann:waits("1s")
  eve = enters(t, "participantLabel='ann'")
  eve:waits("1s")
  local members = t:rooms().Room.members
  assert(#members == 2 and members[1].label == "bob" and members[2].label == "ann" and members[2].call == eve:sid())
end)

scenario("a label with a slash is left out, and a room without a name is none", function(t)
  local ann = enters(t, "participantLabel='a/b'")
  ann:waits("1s")
  assert(warned(ann, 16025) == 1 and t:rooms().Room.members[1].label == nil)
  if door == "Lua" then
    t:number(NUMBER, { voice = t:file("none.lua", "return function(call) call:dial { conference = '' } call:say('Out.') end") })
  else
    t:web("/none", "<Response><Dial><Conference/></Dial><Say>Out.</Say></Response>")
    t:number(NUMBER, { voice = "/none" })
  end
  local bob = t:call(NUMBER)
  bob:hears("Out.")
  assert(warned(bob, 13237) == 1)
end)

-- Who is heard by whom

scenario("a muted caller listens", function(t)
  local ann, bob = two(t, "beep='false'", "muted='true' beep='false'")
  ann:plays_tone(450)
  bob:plays_tone(800)
  bob:hears_tones { 450 }
  ann:hears_no_tone(800, "2s")
  t:change("Room", bob, { muted = false })
  ann:hears_tones { 800 }
  t:change("Room", bob, { muted = false }) -- nothing new
  t:change("Room", ann, { muted = true })
  bob:waits("1s")
  bob:hears_no_tone(450, "2s")
  told(t, { "participant-join", Muted = "false" }, { "participant-join", Muted = "true" }, "conference-start", "participant-speech-start",
    { "participant-unmute", CallSid = bob:sid(), Muted = "false" }, "participant-speech-start",
    { "participant-mute", CallSid = ann:sid(), Muted = "true" }, { "participant-speech-stop", CallSid = ann:sid() })
end)

scenario("a coach is heard by one alone", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  local coach = enters(t, "beep='false' coach='" .. bob:sid() .. "'")
  ann:plays_tone(450)
  bob:plays_tone(800)
  coach:plays_tone(1500)
  t:together(function() ann:hears_tones { 800 } end, function() bob:hears_tones { 450, 1500 } end,
    function() coach:hears_tones { 450, 800 } end)
  assert(t:rooms().Room.members[3].coached == bob:sid())
  t:change("Room", coach, { coach = ann })
  t:together(function() ann:hears_tones { 800, 1500 } end, function() bob:hears_tones { 450 } end)
  bob:hangs_up()
  t:change("Room", coach, { coach = false })
  ann:hears_tones { 1500 }
  t:change("Room", coach, { coach = ann })
  ann:waits("1s")
  ann:hears_tones { 1500 }
  told(t, "participant-join", "participant-join", "conference-start",
    { "participant-join", Coaching = "true", CallSidToCoach = bob:sid() },
    "participant-speech-start", "participant-speech-start",
    { "participant-modify", CallSid = coach:sid(), Coaching = "true", CallSidToCoach = ann:sid() }, "participant-leave",
    { "participant-modify", Coaching = "false", CallSidToCoach = false })
end)

scenario("a coach whom nobody is left to hear is heard by nobody", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  local eve = enters(t, "beep='false'")
  local coach = enters(t, "beep='false' coach='" .. bob:sid() .. "'")
  bob:hangs_up()
  coach:plays_tone(1500)
  t:together(function() ann:hears_no_tone(1500, "2s") end, function() eve:hears_no_tone(1500, "2s") end)
end)

scenario("… until the coached one comes back", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  t:web("/away", "<Response><Pause length='3'/><Redirect>/back</Redirect></Response>")
  t:web("/back", "<Response><Dial><Conference beep='false'>Room</Conference></Dial></Response>")
  local coach = enters(t, "beep='false' coach='" .. bob:sid() .. "'")
  t:redirect(bob, "/away")
  coach:plays_tone(1500)
  t:waits("5s")
  t:together(function() bob:hears_tones { 1500 } end, function() ann:hears_no_tone(1500, "2s") end)
end)

scenario("a coach who came first, and whom he coaches, both wait", function(t)
  local bob = enters(t, "startConferenceOnEnter='false' waitUrl='' beep='false'")
  local coach = enters(t, "startConferenceOnEnter='false' waitUrl='' beep='false' coach='" .. bob:sid() .. "'")
  local ann = enters(t, "beep='false'")
  coach:plays_tone(1500)
  t:together(function() bob:hears_tones { 1500 } end, function() ann:hears_no_tone(1500, "2s") end)
end)

scenario("whom nobody knows nobody can coach", function(t)
  t:web("/after", "<Response><Say>After.</Say></Response>")
  local ann = enters(t, "coach='CA00000000000000000000000000000001'", { dial = "action='/after'" })
  ann:hears("After.")
  assert(warned(ann, 13240) == 1 and t:rooms().Room == nil)
  t:expect_request("/after", { DialCallStatus = "failed" })
  local bob = enters(t)
  local eve = enters(t, "coach='" .. ann:sid() .. "'")
  eve:hears("Out.")
  assert(#t:rooms().Room.members == 1)
end)

scenario("who is on hold hears music and nobody, and nobody hears him", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  ann:plays_tone(450)
  bob:plays_tone(800)
  bob:hears_tones { 450 }
  t:change("Room", bob, { hold = true })
  bob:hears_sound()
  t:together(function() bob:hears_no_tone(450, "3s") end, function() ann:waits("1s") ann:hears_no_tone(800, "2s") end)
  t:change("Room", bob, { hold = false })
  t:together(function() bob:hears_tones { 450 } end, function() ann:hears_tones { 800 } end)
  t:web("/hold", "<Response><Say>On hold.</Say></Response>")
  t:change("Room", bob, { hold = true, hold_url = "/hold" })
  bob:hears("On hold.")
  bob:hears_nothing("5s")
  t:change("Room", bob, { hold_url = "/hold" }) -- another one while he is held
  bob:hears("On hold.")
  told(t, "participant-join", "participant-join", "conference-start", "participant-speech-start", "participant-speech-start",
    { "participant-hold", CallSid = bob:sid(), Hold = "true" }, { "participant-speech-stop", CallSid = bob:sid() },
    { "participant-unhold", Hold = "false" }, { "participant-speech-start", CallSid = bob:sid() }, "participant-hold")
end)

scenario("hold music that cannot be had is silence", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  t:web("/hold", { status = 404 })
  t:change("Room", bob, { hold = true, hold_url = "/hold" })
  bob:hears_nothing("5s")
  t:change("Room", bob, { hold = false })
  hear_each_other(t, ann, bob)
end)

scenario("a conference in which one is held from the start keeps him so", function(t)
  local ann = enters(t, "beep='false' waitUrl=''")
  t:change("Room", ann, { hold = true, hold_url = "" })
  local bob = enters(t, "beep='false'")
  ann:plays_tone(450)
  bob:hears_no_tone(450, "2s")
  t:change("Room", ann, { hold = false })
  bob:hears_tone(450)
end)

-- Announcements

scenario("an announcement is heard by all but those on hold", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  local eve = enters(t, "beep='false'")
  t:change("Room", eve, { hold = true, hold_url = "" })
  t:web("/announce", "<Response><Say>Five minutes left.</Say></Response>")
  t:announce("Room", "/announce")
  t:together(function() ann:hears_sound() end, function() bob:hears_sound() end, function() eve:hears_nothing("3s") end)
  t:expect_request("/announce", { ConferenceSid = t:rooms().Room.sid, FriendlyName = "Room", CallSid = false })
  told(t, "participant-join", "participant-join", "conference-start", "participant-join", "participant-hold",
    { "announcement-end", AnnounceUrl = "http://app.test/announce", CallSid = false, ReasonAnnouncementFailed = false })
end)

scenario("an announcement may be a file of the flow, or a handler in Lua, which is no call", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  t:file("note.xml", "<Response><Say>For all in {{ ConferenceSid }}.</Say></Response>")
  t:announce("Room", t:folder("note.xml"))
  t:together(function() ann:hears_sound() end, function() bob:hears_sound() end)
  t:waits("20s")
  t:file("note.lua", "return function(call) call:say('One.') call:hangup() call:say('Two.') end")
  t:announce("Room", t:folder("note.lua"))
  t:together(function() ann:hears_sound() end, function() bob:hears_sound() end)
  t:waits("5s")
  assert(#t:rooms().Room.members == 2)
  t:file("broken.lua", "return function(call) error('broken') end")
  t:announce("Room", t:folder("broken.lua"))
  told(t, "participant-join", "participant-join", "conference-start", "announcement-end", "announcement-end", "announcement-fail")
  hear_each_other(t, ann, bob)
end)

scenario("an announcement that cannot be had is told of", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  t:web("/announce", { status = 404 })
  t:announce("Room", "/announce")
  t:change("Room", bob, { announce = "/announce" })
  t:waits("1s")
  told(t, "participant-join", "participant-join", "conference-start",
    { "announcement-fail", AnnounceUrl = "http://app.test/announce", CallSid = false, ReasonAnnouncementFailed = true },
    { "announcement-fail", AnnounceUrl = "http://app.test/announce", CallSid = bob:sid(), ReasonAnnouncementFailed = true })
  hear_each_other(t, ann, bob)
end)

-- Whatever is wrong with what one is to hear, he stays where he is.
for _, row in ipairs {
  { "an error", "error('broken')" }, { "an endless loop", "while true do end" },
  { "an error in a document of its own", "call:run('<Response><Lua>error(1)</Lua></Response>')" },
} do
  scenario("an announcement to one by a handler with " .. row[1] .. " is told of, and he stays", function(t)
    local ann, bob = two(t, "beep='false'", "beep='false'")
    t:number(NUMBER, { voice = "/voice", voice_fallback = "/sorry" })
    t:file("broken.lua", "return function(call) " .. row[2] .. " end")
    t:change("Room", bob, { announce = t:folder("broken.lua") })
    t:waits("5s")
    told(t, "participant-join", "participant-join", "conference-start",
      { "announcement-fail", CallSid = bob:sid(), ReasonAnnouncementFailed = true })
    hear_each_other(t, ann, bob)
    t:expect_no_request("/sorry")
  end)
end

scenario("an announcement takes the place of the one before", function(t)
  two(t, "beep='false'", "beep='false'")
  t:web("/long", "<Response><Pause length='60'/><Say>Never.</Say></Response>")
  t:web("/short", "<Response><Say>Short.</Say></Response>")
  t:announce("Room", "/long")
  t:waits("5s")
  t:announce("Room", "/short")
  t:waits("5s")
  told(t, "participant-join", "participant-join", "conference-start",
    { "announcement-fail", AnnounceUrl = "http://app.test/long" }, { "announcement-end", AnnounceUrl = "http://app.test/short" })
end)

scenario("an announcement to one is heard by him, over the others or the music", function(t)
  local ann = enters(t, "beep='false' " .. TOLD)
  t:web("/announce", "<Response><Say>For you.</Say></Response>")
  t:change("Room", ann, { announce = "/announce" })
  ann:hears("For you.")
  ann:hears_sound() -- the music again
  local bob = enters(t, "beep='false'")
  ann:plays_tone(450)
  bob:hears_tone(450)
  t:change("Room", bob, { announce = "/announce" })
  bob:hears("For you.")
  bob:hears_tones { 450 }
  t:change("Room", bob, { hold = true })
  t:change("Room", bob, { announce = "/announce" })
  bob:hears("For you.")
  bob:hears_sound()
  t:expect_request("/announce", { CallSid = ann:sid(), ConferenceSid = true })
  told(t, "participant-join", { "announcement-end", CallSid = ann:sid(), AnnounceUrl = "http://app.test/announce" },
    "participant-join", "conference-start", "participant-speech-start", { "announcement-end", CallSid = bob:sid() },
    "participant-hold", { "announcement-end", CallSid = bob:sid(), Hold = "true" })
end)

scenario("an announcement to one is heard to its end, also when he is put on hold meanwhile", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  t:web("/announce", "<Response><Say>One.</Say><Pause length='3'/><Say>Two.</Say></Response>")
  t:change("Room", bob, { announce = "/announce" })
  bob:hears("One.")
  t:change("Room", bob, { hold = true })
  bob:hears("Two.")
  bob:hears_sound() -- now the music
end)

scenario("no beep is heard behind an announcement", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  t:web("/announce", "<Response><Say>Five minutes left.</Say></Response>")
  t:announce("Room", "/announce")
  ann:hears_sound()
  enters(t)
  told(t, "participant-join", "participant-join", "conference-start", "participant-join", "announcement-end")
  ann:hears_nothing("2s")
end)

scenario("an announcement ends with the conference", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  t:web("/long", "<Response><Say>One.</Say><Pause length='60'/><Say>Never.</Say></Response>")
  t:web("/slow", { body = "<Response><Say>Never.</Say></Response>", delay = 10 })
  t:announce("Room", "/long")
  t:change("Room", ann, { announce = "/slow" })
  t:waits("1s")
  t:end_room("Room")
  t:together(function() ann:hears("Out.") ann:ends("completed") end, function() bob:hears("Out.") bob:ends("completed") end)
  t:settles()
end)

-- Other changes

scenario("a participant's role is changed while he is in it", function(t)
  local ann, bob = two(t, "beep='false' waitUrl=''", "beep='false' waitUrl=''")
  t:change("Room", ann, { ends = true })
  t:change("Room", ann, { ends = true })
  ann:hangs_up()
  bob:hears("Out.")
  told(t, "participant-join", "participant-join", "conference-start",
    { "participant-modify", CallSid = ann:sid(), EndConferenceOnExit = "true" }, "participant-leave")
end)

scenario("what a caller hears while he waits is changed", function(t)
  local ann = enters(t, "waitUrl='' " .. TOLD)
  t:web("/wait", "<Response><Say>Please wait.</Say></Response>")
  t:change("Room", ann, { wait_url = "/wait" })
  ann:hears("Please wait.")
  told(t, "participant-join", "participant-modify")
end)

-- Beeps

local beeps = { { "true", true, true }, { "false", false, false }, { "onEnter", true, false }, { "onExit", false, true } }
for _, case in ipairs(beeps) do
  scenario("beep='" .. case[1] .. "' is heard so", function(t)
    local ann = enters(t, "waitUrl='' beep='false'")
    enters(t, "beep='false'")
    ann:hears_nothing("2s")
    local eve = enters(t, "beep='" .. case[1] .. "'")
    if case[2] then ann:hears_sound() ann:waits("1s") else ann:hears_nothing("1s") end
    ann:hears_nothing("1s")
    eve:hangs_up()
    if case[3] then ann:hears_sound() else ann:hears_nothing("1s") end
  end)
end

scenario("the beep of leaving is switched", function(t)
  local ann, bob = two(t, "waitUrl='' beep='false'", "beep='false'")
  t:change("Room", bob, { beep_exit = true })
  bob:hangs_up()
  ann:hears_sound()
end)

-- Recording

scenario("it is recorded from its start, without what is heard before", function(t)
  t:config("server { public_url = 'https://almon.test' }")
  t:web("/recorded", "")
  local ann = enters(t, "record='record-from-start' trim='do-not-trim' beep='false' recordingStatusCallback='/recorded' " ..
    "recordingStatusCallbackEvent='in-progress completed absent' recordingStatusCallbackMethod='GET' " .. TOLD)
  ann:waits("30s")
  assert(#t:requests("/recorded") == 0)
  local sid = t:rooms().Room.sid
  local bob = enters(t, "beep='false'")
  bob:speaks("4s")
  t:end_room("Room")
  t:settles()
  local began = t:expect_request("/recorded", { RecordingStatus = "in-progress", ConferenceSid = sid, CallSid = false,
    RecordingSource = "Conference", RecordingChannels = "1", RecordingTrack = "both" })
  assert(began.method == "GET")
  local recording = t:expect_request("/recorded", { RecordingStatus = "completed", ConferenceSid = sid, RecordingDuration = "4",
    RecordingUrl = true, RecordingStartTime = true }).params
  assert(recording.RecordingUrl:find("^https://almon.test/2010%-04%-01/Accounts/AC%w+/Recordings/" .. recording.RecordingSid .. "$"))
end)

scenario("eventCallbackUrl, the old way, is told of the recording's end", function(t)
  t:web("/ended", "")
  enters(t, "record='record-from-start' trim='do-not-trim' beep='false' eventCallbackUrl='/ended'")
  local sid = t:rooms().Room.sid
  local bob = enters(t, "beep='false'")
  bob:speaks("4s")
  t:end_room("Room")
  t:settles()
  local ended = t:expect_request("/ended", { EventName = "conference-record-end", ConferenceSid = sid, FriendlyName = "Room",
    AccountSid = true, CallSid = false, Duration = "4" })
  assert(ended.method == "POST" and ended.params.RecordingUrl:find("/Recordings/RE%x+$"))
  assert(tonumber(ended.params.RecordingFileSize) >= 4 * 16000, ended.params.RecordingFileSize)
  t:expect_no_request("/ended")
end)

scenario("it is recorded once, whoever wishes it", function(t)
  t:web("/recorded", "")
  local record = "beep='false' record='record-from-start' recordingStatusCallback='/recorded' recordingStatusCallbackEvent='in-progress completed'"
  for _ = 1, 3 do enters(t, record) end
  t:waits("2s")
  t:end_room("Room")
  t:settles()
  assert(#t:requests("/recorded") == 2)
end)

scenario("who comes later may wish it to be recorded", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  t:web("/recorded", "")
  t:waits("10s")
  local eve = enters(t, "beep='false' record='record-from-start' recordingStatusCallback='/recorded'")
  eve:speaks("3s")
  t:end_room("Room")
  t:settles()
  t:expect_request("/recorded", { RecordingStatus = "completed", RecordingDuration = "3" })
end)

-- Callbacks

scenario("the first in it says who is told, and how", function(t)
  t:web("/other", "")
  local ann = enters(t, "statusCallback='/told' statusCallbackMethod='GET' statusCallbackEvent='start leave'")
  local bob = enters(t, "statusCallback='/other' statusCallbackEvent='start end join leave'")
  bob:hangs_up()
  ann:hangs_up()
  t:settles()
  assert(#t:requests("/other") == 0)
  local all = t:requests("/told")
  assert(#all == 3 and all[1].method == "GET" and all[1].params.StatusCallbackEvent == "conference-start"
    and all[2].params.StatusCallbackEvent == "participant-leave" and all[2].params.SequenceNumber == "1")
end)

scenario("without an event named nothing is told", function(t)
  local ann = enters(t, "statusCallback='/told'")
  ann:hangs_up()
  t:settles()
  assert(#t:requests("/told") == 0)
end)

scenario("who speaks is told of", function(t)
  local ann, bob = two(t, "beep='false'", "beep='false'")
  ann:speaks("2s")
  assert(t:rooms().Room.members[1].speaking)
  t:waits("3s")
  assert(not t:rooms().Room.members[1].speaking)
  bob:speaks("0.02s") -- too short
  told(t, "participant-join", "participant-join", "conference-start",
    { "participant-speech-start", CallSid = ann:sid(), Muted = "false" }, { "participant-speech-stop", CallSid = ann:sid() })
  t:waits("3s")
  t:expect_no_request("/told")
end)

scenario("the answers of callbacks change nothing", function(t)
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", "<Response><Dial><Conference " .. TOLD .. ">Room</Conference></Dial><Say>Out.</Say></Response>")
  t:web("/told", { status = 500, delay = 3 })
  local ann = t:call(NUMBER)
  ann:hears_sound()
  t:kick("Room", ann)
  ann:hears("Out.")
  ann:ends("completed")
  t:settles()
  assert(#t:requests("/told") == 3)
end)

-- What Dial adds

scenario("Dial records one caller's side and what he hears of the conference", function(t)
  t:web("/recorded", "")
  t:web("/after", "<Response/>")
  local ann = enters(t, "beep='false' waitUrl='' " .. TOLD, { dial = "record='record-from-answer-dual' trim='do-not-trim' action='/after' " ..
    "recordingStatusCallback='/recorded'" })
  ann:waits("10s") -- not what is heard before it begins
  local bob = enters(t, "beep='false'")
  bob:speaks("3s")
  ann:hangs_up()
  assert(#t:rooms().Room.members == 1) -- he is out while the file is written
  bob:hangs_up()
  t:settles()
  t:expect_request("/recorded", { CallSid = ann:sid(), ConferenceSid = false, RecordingSource = "DialVerb", RecordingChannels = "2",
    RecordingDuration = "3" })
  t:expect_request("/after", { DialCallStatus = "answered", DialBridged = "true", RecordingUrl = true, RecordingSid = true })
  told(t, "participant-join", "participant-join", "conference-start", "participant-speech-start",
    { "participant-leave", CallSid = ann:sid(), ReasonParticipantLeft = "participant_hung_up" })
end)

scenario("who was in it alone was bridged with nobody", function(t)
  t:web("/after", "<Response/>")
  local ann = enters(t, "", { dial = "action='/after'" })
  t:kick("Room", ann)
  t:expect_request("/after", { DialCallStatus = "answered", DialBridged = "false" })
end)

-- Calls that talk already

scenario("two who talk are moved into a conference, and a third comes in", function(t)
  t:web("/room", "<Response><Dial><Conference beep='false' waitUrl=''>Room</Conference></Dial><Say>Out.</Say></Response>")
  t:web("/dial", "<Response><Dial action='/room'><Number>+15550101</Number></Dial></Response>")
  t:number("+15550300", { voice = "/dial" })
  local bob = t:callee("+15550101", { answers = 0 })
  local ann = t:call("+15550300")
  bob:is_answered()
  hear_each_other(t, ann, bob)
  t:redirect(bob, "/room") -- which ends the Dial: its action leads the other there
  t:together(function() ann:hears_tones { 800 } end, function() bob:hears_tones { 450 } end)
  local eve = enters(t, "beep='false'")
  eve:hears_tones { 450, 800 }
  assert(#t:rooms().Room.members == 3)
  t:kick("Room", bob)
  bob:hears("Out.")
  bob:ends("completed")
  ann:hangs_up()
  eve:hangs_up()
  t:settles()
end)
