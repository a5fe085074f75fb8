-- Conferences: every attribute of <Conference>, every event with what it tells, every reason, through
-- both doors where the door matters (twiml-voice.md §5.4).

local NUMBER = "+15550100"
local TOLD = "statusCallback='/told' statusCallbackEvent='start end join leave mute hold modify speaker announcement'"

-- A call that enters the room "Room" with these attributes.
local function enters(t, attributes, options)
  t:web("/voice", "<Response><Dial " .. (options and options.dial or "") .. "><Conference " .. (attributes or "") ..
    ">Room</Conference></Dial><Say>Out.</Say></Response>")
  t:number(NUMBER, { voice = "/voice" })
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
