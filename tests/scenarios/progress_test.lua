-- Whatever a call is doing, it may be given another document, be ended by an operator, or hang up
-- (rest-api.md §2.1): at once, once, and those who were with it are let go. Each verb in progress, through both doors.

local NUMBER, AGENT, BOB = "+15550100", "+15550101", "+15550110"
local APP = "http://app.test"
local LONG = "This is a long story that somebody tells, and it goes on for quite some time."

local function talk(a, b)
  a:plays_tone(450)
  b:plays_tone(700)
  a:hears_tones { 700 }
  b:hears_tones { 450 }
end

-- A name, markup, Lua, what has it in progress (its results are the other parties), how these end. `before` prepares
-- what must be there first; `heard` is the prompt that is cut off.
local verbs = {
  { "Say", "<Say>" .. LONG .. "</Say>", "call:say('" .. LONG .. "')", function(_, ann)
    ann:hears_start(LONG)
    ann:waits("1s")
  end, heard = LONG },
  { "Pause", "<Pause length='60'/>", "call:pause(60)", function(_, ann) ann:waits("2s") end },
  { "Play of keys", "<Play digits='1WWWWWWWW2'/>", "call:play{ digits = '1WWWWWWWW2' }", function(_, ann) ann:waits("2s") end },
  { "Gather", "<Gather timeout='60'/>", "call:gather{ timeout = 60 }", function(_, ann)
    ann:waits("1s")
    ann:press("12")
    ann:waits("1s")
  end },
  { "Gather's prompt", "<Gather><Say>" .. LONG .. "</Say></Gather>", "call:gather{ say = '" .. LONG .. "' }",
    function(_, ann)
      ann:hears_start(LONG)
      ann:waits("1s")
    end, heard = LONG },
  { "Record", "<Record timeout='0' playBeep='false'/>", "call:record{ timeout = 0, playBeep = false }", function(_, ann)
    ann:waits("0.5s")
    ann:speaks("1s")
  end },
  { "Echo", "<Echo/>", "call:echo()", function(_, ann)
    ann:plays_tone(450)
    ann:hears_tones { 450 }
  end },
  { "a request", "<Redirect>" .. APP .. "/slow</Redirect>", "require('http').get('" .. APP .. "/slow')", function(t, ann)
    t:expect_request("/slow")
    ann:waits("2s")
  end },
  { "Dial that rings", "<Dial>" .. BOB .. "</Dial>", "call:dial('" .. BOB .. "')", function(_, _, bob)
    bob:rings()
    bob:waits("2s")
    return bob
  end, "canceled", before = function(t) return t:callee(BOB) end },
  { "Dial that rings at several places", "<Dial><Number>" .. BOB .. "</Number><Client>joe</Client></Dial>",
    "call:dial{ number = '" .. BOB .. "', client = 'joe' }", function(_, _, bob, joe)
      bob:rings()
      joe:rings()
      bob:waits("2s")
      return bob, joe
    end, "canceled", before = function(t) return t:callee(BOB), t:callee("client:joe") end },
  { "Dial that talks", "<Dial record='record-from-answer'>" .. BOB .. "</Dial>",
    "call:dial{ '" .. BOB .. "', record = 'record-from-answer' }", function(_, ann, bob)
      bob:is_answered()
      talk(ann, bob)
      return bob
    end, "completed", before = function(t) return t:callee(BOB, { answers = "1s" }) end },
  { "Dial that whispers", "<Dial><Number url='" .. APP .. "/whisper'>" .. BOB .. "</Number></Dial>",
    "call:dial{ number = { '" .. BOB .. "', url = '" .. APP .. "/whisper' } }", function(_, _, bob)
      bob:hears_start(LONG)
      bob:waits("1s")
      return bob
    end, "completed", before = function(t) return t:callee(BOB, { answers = "1s" }) end },
  { "a conference that has not begun", "<Dial><Conference waitUrl='" .. APP .. "/wait'>Room</Conference></Dial>",
    "call:dial{ conference = { 'Room', waitUrl = '" .. APP .. "/wait' } }", function(_, ann)
      ann:hears_start(LONG)
      ann:waits("1s")
    end, heard = LONG },
  { "a conference", "<Dial><Conference waitUrl='' beep='false' endConferenceOnExit='true' record='record-from-start'>" ..
    "Room</Conference></Dial>",
    "call:dial{ conference = { 'Room', waitUrl = '', beep = false, endConferenceOnExit = true, record = 'record-from-start' } }",
    function(t, ann)
      t:number(AGENT, { voice = "/agent" })
      t:web("/agent", "<Response><Dial><Conference waitUrl='' beep='false'>Room</Conference></Dial></Response>")
      local eve = t:call(AGENT)
      ann:is_answered()
      talk(ann, eve)
      return eve
    end, "completed" },
  { "a place in a queue", "<Enqueue waitUrl=''>Line</Enqueue>", "call:enqueue{ 'Line', waitUrl = '' }",
    function(_, ann) ann:waits("2s") end },
  { "a place in a queue, with something to hear", "<Enqueue waitUrl='" .. APP .. "/wait'>Line</Enqueue>",
    "call:enqueue{ 'Line', waitUrl = '" .. APP .. "/wait' }", function(_, ann)
      ann:hears_start(LONG)
      ann:waits("1s")
    end, heard = LONG },
  { "somebody's answer to his place in a queue", "<Enqueue waitUrl=''>Line</Enqueue>",
    "call:enqueue{ 'Line', waitUrl = '' }", function(t, ann)
      t:number(AGENT, { voice = "/agent" })
      t:web("/agent", "<Response><Dial><Queue>Line</Queue></Dial></Response>")
      ann:is_answered()
      local eve = t:call(AGENT)
      talk(ann, eve)
      return eve
    end, "completed" },
  { "what is said to him before he is taken", "<Enqueue waitUrl=''>Line</Enqueue>",
    "call:enqueue{ 'Line', waitUrl = '' }", function(t, ann)
      t:number(AGENT, { voice = "/agent" })
      t:web("/agent", "<Response><Dial timeout='5'><Queue url='/taken'>Line</Queue></Dial></Response>")
      ann:is_answered()
      local eve = t:call(AGENT)
      ann:hears_start(LONG)
      ann:waits("1s")
      return eve
    end, "completed", heard = LONG },
}

local ends = {
  { "is given another document", function(t, ann, heard)
    t:redirect(ann, "/elsewhere")
    if heard then ann:hears(heard) end -- as far as it went
    ann:hears("Elsewhere.")
    ann:ends("completed")
  end },
  { "is ended by an operator", function(t, ann)
    t:hangup(ann)
    ann:ends()
    assert(ann:status() == "completed", ann:status())
  end },
  { "hangs up", function(_, ann)
    ann:hangs_up()
    ann:ends()
    assert(ann:status() == "completed", ann:status())
  end },
  { "loses the link", function(t, ann)
    t:breaks_link()
    ann:ends()
    assert(ann:status() == "completed", ann:status())
  end, lost = true },
}

for _, row in ipairs(verbs) do
  local name, markup, lua, begin, status = table.unpack(row, 1, 5)
  for _, finish in ipairs(ends) do
    for _, door in ipairs { "markup", "Lua" } do
      scenario(("%s: the caller %s (%s)"):format(name, finish[1], door), function(t)
        t:web("/slow", { body = "<Response/>", delay = "30s" })
        for _, url in ipairs { "/whisper", "/wait", "/taken" } do
          t:web(url, "<Response><Say>" .. LONG .. "</Say></Response>")
        end
        t:web("/elsewhere", "<Response><Say>Elsewhere.</Say></Response>")
        if door == "markup" then
          t:number(NUMBER, { voice = "/voice" })
          t:web("/voice", "<Response><Say>Hello.</Say>" .. markup .. "<Say>Never.</Say></Response>")
        else
          t:number(NUMBER, { voice = t:file("flow.lua",
            "return function(call) call:say('Hello.') " .. lua .. " call:say('Never.') end") })
        end
        local prepared = table.pack((row.before or function() end)(t))
        local ann = t:call(NUMBER)
        ann:hears("Hello.")
        local others = { begin(t, ann, table.unpack(prepared)) }
        finish[2](t, ann, row.heard)
        for _, other in ipairs(others) do
          other:ends()
          local want = finish.lost and status == "canceled" and "canceled failed" or status
          assert(want:find(other:status(), 1, true), other:status())
        end
        t:settles()
      end)
    end
  end
end
