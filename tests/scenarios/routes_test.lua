-- Calls out along the routes of almon.lua: which way, what when it fails, who is shown.
local NUMBER, APP = "+15550100", "http://app.test"
local THERE = "+493012345678"

local function flow(t, dial)
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", ("<Response>%s</Response>"):format(dial))
  t:web("/after", function(request)
    return ("<Response><Say>It was %s.</Say></Response>"):format(request.params.DialCallStatus)
  end)
end

local function dial(noun, attributes)
  return ("<Dial action='%s/after' timeout='10' %s>%s</Dial>"):format(APP, attributes or "", noun)
end

-- The trunks that the calls of `party` were offered for, in their order.
local function trunks(ann)
  local out = {}
  for _, line in ipairs(ann:journal("offer")) do out[#out + 1] = line.trunk or "-" end
  return table.concat(out, " ")
end

local TWO = [[
  route { "*", gateway = "local", trunk = "second" }
  route { "+49*", gateway = "local", trunk = "first" }
]]

for _, cause in ipairs { "congestion", "error" } do
  scenario(("a carrier that fails (%s) leaves the call to the next"):format(cause), function(t)
    t:config(TWO)
    flow(t, dial("<Number>" .. THERE .. "</Number>"))
    local bob = t:callee(THERE, { { rings = false, fails = cause, after = "1s" }, { answers = "2s" } })
    local ann = t:call(NUMBER)
    bob:rings()
    bob:rings()
    bob:is_answered()
    assert(bob:calls() == 2, "two offers")
    assert(trunks(bob) == "first second", trunks(bob))
    bob:hangs_up()
    ann:hears("It was completed.")
    ann:ends("completed")
    t:settles()
  end)
end

scenario("a callee who is busy is busy on every way", function(t)
  t:config(TWO)
  flow(t, dial("<Number>" .. THERE .. "</Number>"))
  local bob = t:callee(THERE, { busy = true })
  local ann = t:call(NUMBER)
  ann:hears("It was busy.")
  assert(bob:calls() == 1, "one offer")
  t:settles()
end)

scenario("when every way fails the outcome is failed", function(t)
  t:config(TWO)
  flow(t, dial("<Number>" .. THERE .. "</Number>"))
  local bob = t:callee(THERE, { rings = false, fails = "congestion" })
  local ann = t:call(NUMBER)
  ann:hears("It was failed.")
  assert(bob:calls() == 2, "two offers")
  t:settles()
end)

scenario("a gateway that is not there, and a full route, are passed over", function(t)
  t:config [[
    gateway { name = "gone", token = "x" }
    route { "+4930*", gateway = "gone" }
    route { "+49*", gateway = "local", trunk = "small", limit = 0 }
    route { "*", gateway = "local", trunk = "last" }
  ]]
  flow(t, dial("<Number>" .. THERE .. "</Number>"))
  local bob = t:callee(THERE, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  assert(trunks(bob) == "last", trunks(bob))
  local said = bob:journal("warn")
  assert(#said == 2 and said[1].text:find("'gone' is not linked", 1, true), "the first")
  assert(said[2].text:find("it has its 0 calls (limit)", 1, true), "the second")
  bob:hangs_up()
  ann:hears("It was completed.")
  t:settles()
end)

scenario("byoc takes its trunk and no other", function(t)
  t:config(TWO)
  flow(t, dial("<Number byoc='second'>" .. THERE .. "</Number>"))
  local bob = t:callee(THERE, { rings = false, fails = "congestion" })
  local ann = t:call(NUMBER)
  ann:hears("It was failed.")
  assert(bob:calls() == 1 and trunks(bob) == "second", trunks(bob))
  t:settles()
end)

scenario("the route says who calls", function(t)
  t:config [[ route { "*", gateway = "local", caller_id = "+15550177" } ]]
  flow(t, dial("<Number>" .. THERE .. "</Number>", "callerId='+15550199'"))
  local bob = t:callee(THERE, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_called { from = "+15550177", to = THERE }
  bob:is_answered()
  bob:hangs_up()
  ann:hears("It was completed.")
  t:settles()
end)

scenario("a caller id of somebody else is no call", function(t)
  flow(t, dial("<Number>" .. THERE .. "</Number>", "callerId='+15550142'"))
  local bob = t:callee(THERE)
  local ann = t:call(NUMBER)
  ann:hears("It was failed.")
  bob:never_called()
  local said = ann:journal("warn")
  assert(#said == 1 and said[1].code == 13214, "13214")
  t:settles()
end)

scenario("numbers are called in E.164 however they are written", function(t)
  flow(t, dial("<Number>(415) 555-0100</Number>"))
  local bob = t:callee("+14155550100", { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_called { to = "+14155550100" }
  bob:is_answered()
  bob:hangs_up()
  ann:hears("It was completed.")
  t:settles()
end)

-- threats.md D10
scenario("a long sendDigits is pressed to its end", function(t)
  local keys = ("1234567890*#ABCD"):rep(12)
  flow(t, dial(("<Number sendDigits='%s'>%s</Number>"):format(keys:lower(), THERE)))
  local bob = t:callee(THERE, { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_answered()
  bob:waits("60s")
  bob:hears_digits(keys)
  bob:hangs_up()
  ann:hears("It was completed.")
  t:settles()
end)

scenario("a SIP address is called with the name and password that the flow gives, and no other sees them", function(t)
  t:config [[ route { "sip:*@pbx.example", gateway = "local", trunk = "pbx" } ]]
  flow(t, dial("<Sip username='me' password='secret'>sip:bob@pbx.example</Sip>"))
  local bob = t:callee("sip:bob@pbx.example", { answers = "1s" })
  local ann = t:call(NUMBER)
  bob:is_called { to = "sip:bob@pbx.example", user = "me", password = "secret", trunk = "pbx" }
  bob:is_answered()
  bob:hangs_up()
  ann:hears("It was completed.")
  for _, party in ipairs { ann, bob } do
    for _, line in ipairs(party:journal()) do
      for _, value in pairs(line) do assert(value ~= "secret", "the password is in the journal") end
    end
  end
  t:settles()
end)
