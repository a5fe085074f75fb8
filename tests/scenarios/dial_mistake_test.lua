-- Dial: what is wrong with it is said with Twilio's code, costs only what is wrong, and the action is told "failed"
-- when nobody is left to call (twiml-voice.md §5, §12).

local NUMBER, BOB = "+15550100", "+15550101"
local APP = "http://app.test"

-- One call into <Dial …>…</Dial> with an action: what it comes to, with the codes of its warnings.
local function call(t, dial)
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", "<Response>" .. dial .. "</Response>")
  t:web("/after", function(r) return "<Response><Say>" .. r.params.DialCallStatus .. ".</Say></Response>" end)
  return t:call(NUMBER)
end

local function warned(ann, code)
  for _, e in ipairs { "warn", "error" } do
    for _, line in ipairs(ann:journal(e)) do
      if line.code == code then return end
    end
  end
  local seen = {}
  for _, line in ipairs(ann:journal("warn")) do seen[#seen + 1] = line.code .. " " .. line.text end
  error("no " .. code .. ", but " .. table.concat(seen, "; "), 2)
end

for _, row in ipairs {
  { "nobody to call", "<Dial action='/after'/>", 13223 },
  { "no number", "<Dial action='/after'>hello</Dial>", 13224 },
  { "an identity that nobody has", "<Dial action='/after'><Client>nobody</Client></Dial>", 13225 },
  { "a caller id that is somebody else's", "<Dial action='/after' callerId='+4930123456'>" .. BOB .. "</Dial>", 13214 },
  { "a premium-rate number", "<Dial action='/after'>+19005550100</Dial>", 13225 },
} do
  scenario(row[1] .. ": nobody is called", function(t)
    local bob = t:callee(BOB, { answers = "1s" })
    local ann = call(t, row[2])
    ann:hears("failed.")
    ann:ends("completed")
    warned(ann, row[3])
    bob:never_called()
  end)
end

scenario("of several parties only the wrong one is left out", function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  local ann = call(t, "<Dial action='/after'><Number>hello</Number><Number>" .. BOB .. "</Number></Dial>")
  bob:is_answered()
  bob:hangs_up()
  ann:hears("completed.")
  ann:ends("completed")
  warned(ann, 13224)
end)

scenario("more than ten parties: the first ten are called", function(t)
  local nouns, callees = {}, {}
  for i = 1, 12 do
    local number = ("+155501011%02d"):format(i)
    nouns[i], callees[i] = "<Number>" .. number .. "</Number>", t:callee(number, { busy = true })
  end
  local ann = call(t, "<Dial action='/after'>" .. table.concat(nouns) .. "</Dial>")
  ann:hears("busy.")
  ann:ends("completed")
  warned(ann, 13250)
  callees[10]:is_called()
  callees[11]:never_called()
  callees[12]:never_called()
end)

scenario("a conference beside a number is refused", function(t)
  local ann = call(t, "<Dial action='/after'><Conference>Room</Conference><Number>" .. BOB .. "</Number></Dial>")
  ann:waits("1s")
  warned(ann, 13000)
  ann:hangs_up()
end)

scenario("attributes out of their bounds are said, and the usual holds", function(t)
  local bob = t:callee(BOB)
  local ann = call(t, "<Dial action='/after' timeout='1' timeLimit='0' method='PUT' record='maybe' ringTone='xx'>" ..
    BOB .. "</Dial>")
  bob:rings()
  local began = t:now()
  bob:ends("no-answer")
  assert(t:now() - began >= 5 and t:now() - began <= 40)
  ann:hears("no-answer.")
  ann:ends("completed")
  for _, code in ipairs { 13212, 13216, 13210, 13217, 13220 } do warned(ann, code) end
end)

scenario("action and whisper by GET", function(t)
  local bob = t:callee(BOB, { answers = "1s" })
  t:web("/whisper", "<Response><Say>A caller.</Say></Response>")
  local ann = call(t, "<Dial action='/after' method='GET'><Number url='/whisper' method='GET'>" .. BOB .. "</Number></Dial>")
  bob:hears("A caller.")
  assert(t:expect_request("/whisper").method == "GET")
  bob:hangs_up()
  assert(t:expect_request("/after").method == "GET")
  ann:hears("completed.")
  ann:ends("completed")
end)

for _, row in ipairs {
  { "cannot be had", { error = "connect" } },
  { "is an error", { status = 500 } },
  { "is no markup", { body = "Hello", type = "application/json" } },
} do
  scenario("a whisper that " .. row[1] .. ": the callee is let go, and nobody was bridged", function(t)
    t:web("/whisper", row[2])
    local bob = t:callee(BOB, { answers = "1s" })
    local ann = call(t, "<Dial action='/after'><Number url='/whisper'>" .. BOB .. "</Number></Dial>")
    bob:is_answered()
    bob:ends("completed")
    t:expect_request("/after", { DialBridged = "false" })
    ann:hears_match("^%a+%.$")
    ann:ends("completed")
  end)
end

scenario("Sip: one address after the other", function(t)
  local first = t:callee("sip:one@example.com*", { fails = "congestion" })
  local second = t:callee("sip:two@example.com*", { answers = "1s" })
  local ann = call(t, "<Dial action='/after'><Sip><Uri priority='1'>sip:one@example.com</Uri>" ..
    "<Uri priority='2'>sip:two@example.com</Uri></Sip></Dial>")
  first:is_called()
  second:is_answered()
  second:hangs_up()
  ann:hears("completed.")
  ann:ends("completed")
end)

scenario("many calls in a row: Dial after Dial in one document", function(t)
  local verbs, callees = {}, {}
  for i = 1, 6 do
    local number = ("+155501011%02d"):format(i)
    verbs[i] = "<Dial>" .. number .. "</Dial>"
    callees[i] = t:callee(number, i % 2 == 0 and { busy = true } or { answers = "0.5s" })
  end
  local ann = call(t, table.concat(verbs) .. "<Say>Done.</Say>")
  for i = 1, 6 do
    if i % 2 == 0 then
      callees[i]:is_called()
    else
      callees[i]:is_answered()
      callees[i]:hangs_up()
    end
  end
  ann:hears("Done.")
  ann:ends("completed")
end)
