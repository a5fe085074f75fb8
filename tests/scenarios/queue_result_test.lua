-- QueueResult of callers who go while they are taken, and documents with verbs that may not stand there
-- (twiml-voice.md §6).
local TAKEN = "An agent comes to talk to you about everything"

local function setup(t, about)
  t:number("+15550100", { voice = "/in" })
  t:number("+15550200", { voice = "/agent" })
  t:web("/in", "<Response><Enqueue action='/left' waitUrl='/wait' waitUrlMethod='GET'>support</Enqueue></Response>")
  t:web("/wait", "<Response><Dial>+15550199</Dial><Say>Please hold</Say></Response>")
  t:web("/left", "<Response><Say>Goodbye</Say></Response>")
  t:web("/agent", "<Response><Dial action='/done' timeout='10'><Queue url='/about'>support</Queue></Dial></Response>")
  t:web("/about", about or "<Response><Gather/><Say>" .. TAKEN .. "</Say></Response>")
  t:web("/done", "<Response><Say>Next</Say></Response>")
  t:web("/other", "<Response><Say>Elsewhere</Say></Response>")
end

local function warned(call, code)
  for _, line in ipairs(call:journal("warn")) do
    if line.code == code then return true end
  end
  return false
end

scenario("who is given another document while he talks with his taker: redirected-from-bridged", function(t)
  setup(t, "<Response/>")
  local ann = t:call("+15550100")
  ann:hears("Please hold")
  assert(t:expect_request("/wait").method == "GET")
  assert(warned(ann, 14202), "no 14202")
  local agent = t:call("+15550200")
  t:waits("3s")
  t:redirect(ann, "http://app.test/other")
  t:together(function() ann:hears("Elsewhere") end, function() agent:hears("Next") end)
  t:expect_request("/left", { QueueResult = "redirected-from-bridged", QueueSid = true, QueueTime = true })
  t:expect_request("/done", { DialCallStatus = "completed", DialBridged = "true", DequeuedCallSid = ann:sid() })
end)

for _, how in ipairs { "hangs up", "is given another document" } do
  scenario("who " .. how .. " while he hears that he is taken: bridging-in-process", function(t)
    setup(t)
    local ann = t:call("+15550100")
    ann:hears_start("Please hold")
    local agent = t:call("+15550200")
    ann:hears_match("Please")
    ann:hears_start(TAKEN)
    assert(warned(ann, 14217), "no 14217")
    ann:waits("0.3s")
    if how == "hangs up" then ann:hangs_up() else t:redirect(ann, "http://app.test/other") end
    t:expect_request("/left", { QueueResult = "bridging-in-process", QueueSid = true, QueueTime = true })
    local bob = t:call("+15550100") -- is for the agent who still waits
    bob:hears(TAKEN)
    agent:waits("1s")
    bob:hangs_up()
    agent:hears("Next")
    t:expect_request("/done", { DialCallStatus = "completed", DequeuedCallSid = bob:sid() })
  end)
end

-- What cannot be had, or breaks, is an error of the queue's, also when a handler says what is heard.
for _, row in ipairs {
  { "a handler that breaks", "call:say('Please hold') error('broken')" },
  { "a handler that does not end", "call:say('Please hold') while true do end" },
} do
  for _, door in ipairs { "markup", "Lua" } do
    scenario(("waitUrl is %s: error (%s)"):format(row[1], door), function(t)
      setup(t)
      t:file("wait.lua", "return function(call) " .. row[2] .. " end")
      t:number("+15550100", { voice = t:file("in.xml",
        "<Response><Enqueue action='http://app.test/left' waitUrl='wait.lua'>support</Enqueue></Response>") })
      if door == "Lua" then
        t:number("+15550100", { voice = t:file("in.lua",
          "return function(call) call:enqueue{ 'support', waitUrl = 'wait.lua', action = 'http://app.test/left' } end") })
      end
      local ann = t:call("+15550100")
      ann:hears("Please hold")
      ann:hears("Goodbye")
      t:expect_request("/left", { QueueResult = "error", QueueSid = true, QueueTime = true })
      ann:ends("completed")
      t:settles()
    end)
  end
end

-- The timeout is how long the taker waits for somebody, not how long that one is told who comes.
for _, door in ipairs { "markup", "Lua" } do
  local function long(t)
    setup(t, "<Response><Say>" .. TAKEN .. "</Say><Pause length='20'/></Response>")
    if door == "Lua" then
      t:number("+15550200", { voice = t:file("agent.lua", [[return function(call)
        call:dial{ queue = { "support", url = "http://app.test/about" }, timeout = 10, action = "http://app.test/done" }
      end]]) })
    end
  end

  scenario(("a taker does not lose whom he has while that one hears his document (%s)"):format(door), function(t)
    long(t)
    local ann = t:call("+15550100")
    ann:hears_start("Please hold")
    local agent = t:call("+15550200")
    t:waits("26s")
    ann:plays_tone(500)
    agent:plays_tone(700)
    t:together(function() ann:hears_tone(700) end, function() agent:hears_tone(500) end)
    ann:hangs_up()
    agent:hears("Next")
    t:expect_request("/done", { DialCallStatus = "completed", DialBridged = "true", DequeuedCallSid = ann:sid() })
    t:settles()
  end)

  scenario(("whose caller gives up meanwhile waits anew, and no longer than that (%s)"):format(door), function(t)
    long(t)
    local ann = t:call("+15550100")
    ann:hears_start("Please hold")
    local agent = t:call("+15550200")
    t:waits("15s")
    ann:hangs_up()
    t:waits("9.5s")
    t:expect_no_request("/done")
    agent:hears("Next")
    t:expect_request("/done", { DialCallStatus = "no-answer", DialBridged = "false" })
    t:settles()
  end)
end

for _, door in ipairs { "markup", "Lua" } do
  scenario(("when no queue can be made: system-error (%s)"):format(door), function(t)
    t:config("limits { queues = 1 }")
    setup(t)
    t:number("+15550300", { voice = door == "Lua" and t:file("other.lua", [[return function(call)
      call:enqueue{ "sales", action = "http://app.test/left" }
    end]]) or "/sales" })
    t:web("/sales", "<Response><Enqueue action='/left'>sales</Enqueue></Response>")
    local ann = t:call("+15550100")
    ann:hears("Please hold")
    local bob = t:call("+15550300")
    bob:hears("Goodbye")
    t:expect_request("/left", { QueueResult = "system-error", QueueSid = false, QueueTime = false })
    assert(warned(bob, 12400))
    ann:hears("Please hold") -- whom it does not concern
    ann:hangs_up()
    t:settles()
  end)
end
