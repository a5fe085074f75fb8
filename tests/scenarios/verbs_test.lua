-- Every verb, each behaviour through both doors: as markup that a web application answers, and as a
-- handler in Lua. What the caller notices must be the same.

local NUMBER = "+15550100"

local doors = {
  { "markup", function(t, flow)
    t:number(NUMBER, { voice = "/voice" })
    t:web("/voice", "<Response>" .. flow.markup .. "</Response>")
    -- What a handler does with the result, the application does with the next document.
    t:web("/got", function(request)
      return "<Response><Say>Got " .. (request.params.Digits or "") .. ".</Say></Response>"
    end)
  end },
  { "Lua", function(t, flow)
    t:file("flow.lua", "return function(call)\n" .. flow.lua .. "\nend")
    t:number(NUMBER, { voice = t:folder("flow.lua") })
  end },
}

local function both(name, flow, body)
  for _, door in ipairs(doors) do
    scenario(name .. " (" .. door[1] .. ")", function(t)
      door[2](t, flow)
      local caller = t:call(NUMBER)
      body(t, caller)
      t:settles()
    end)
  end
end

-- A WAV file of so many seconds of a tone.
local function wav(seconds)
  local samples = {}
  for i = 1, 8000 * seconds do samples[i] = string.pack("<i2", i % 16 < 8 and 8000 or -8000) end
  local data = table.concat(samples)
  return string.pack("<c4I4c4c4I4I2I2I4I4I2I2c4I4", "RIFF", 36 + #data, "WAVE", "fmt ", 16, 1, 1,
    8000, 16000, 2, 16, "data", #data) .. data
end

-- Say

both("the caller hears one prompt after the other", {
  markup = "<Say>First.</Say><Say>Second.</Say>",
  lua = "call:say('First.') call:say{ 'Second.' }",
}, function(t, caller)
  caller:hears("First.")
  caller:hears("Second.")
  caller:ends("completed")
end)

both("a loop repeats the prompt", {
  markup = "<Say loop='3'>Again.</Say>",
  lua = "call:say{ 'Again.', loop = 3 }",
}, function(t, caller)
  caller:hears("Again.")
  caller:ends("completed")
  assert(#caller:journal("verb") == 1)
  local played = caller:journal("play")
  assert(#played == 1 and played[1].loops == 3)
end)

-- Sms

both("a text is sent in the middle of a call, to who calls", {
  markup = "<Sms>Your ticket is 4711.</Sms><Say>Next.</Say>",
  lua = "local got = call:sms('Your ticket is 4711.') "
    .. "assert(got.smsStatus == 'sending' and got.smsSid:find('^SM')) call:say('Next.')",
}, function(t, caller)
  local text = caller:reads("Your ticket is 4711.")
  assert(text.from == NUMBER and text.to == "+15550199")
  caller:hears("Next.")
  caller:ends("completed")
end)

both("a text that cannot be sent is said, and the call goes on", {
  markup = "<Sms to='+19005550100'>Hello.</Sms><Sms from='+14155550100'>Hello.</Sms><Say>Next.</Say>",
  lua = "assert(call:sms{ 'Hello.', to = '+19005550100' }.smsStatus == 'invalid') "
    .. "assert(call:sms{ 'Hello.', from = '+14155550100' }.smsSid == nil) call:say('Next.')",
}, function(t, caller)
  caller:hears("Next.")
  caller:ends("completed")
  local warnings = caller:journal("warn")
  assert(#warnings == 2 and warnings[1].code == 14101 and warnings[2].code == 14102)
  caller:reads_nothing("1m")
end)

scenario("the action of a text leads on, its callback is told what becomes of it", function(t)
  t:number(NUMBER, { voice = "/voice" })
  t:web("/voice", "<Response><Pause/><Sms action='/sent' statusCallback='/told'>Hello.</Sms><Say>Never.</Say></Response>")
  t:web("/sent", "<Response><Say>Over.</Say></Response>")
  t:web("/told", { status = 204 })
  local caller = t:call(NUMBER)
  caller:delivery("delivered", { after = "20s" })
  local sid = t:expect_request("/sent", { SmsStatus = "sending", SmsSid = true }).params.SmsSid
  caller:hears("Over.")
  caller:ends("completed")
  t:expect_request("/told", { MessageSid = sid, MessageStatus = "sent", To = "+15550199" })
  local last = t:expect_request("/told", { MessageSid = sid, MessageStatus = "delivered" })
  assert(last.at == 21)
end)

-- Play

both("a file from the web is played to its end", {
  markup = "<Play>http://media.test/two.wav</Play><Say>Over.</Say>",
  lua = "call:play('http://media.test/two.wav') call:say('Over.')",
}, function(t, caller)
  caller:ends() -- the file is not there yet
  t:web("http://media.test/two.wav", { body = wav(2), type = "audio/wav" })
  caller = t:call(NUMBER)
  local began = t:now()
  caller:hears_sound()
  caller:hears_start("Over.")
  assert(t:now() - began >= 2 and t:now() - began < 2.2)
  caller:hears("Over.")
  caller:ends("completed")
end)

both("keys are sent to the caller", {
  markup = "<Play digits='12w3'/>",
  lua = "call:play{ digits = '12w3' }",
}, function(t, caller)
  caller:ends("completed")
  caller:hears_digits("12w3") -- with the pause
end)

-- Pause

both("a pause is silence of its length", {
  markup = "<Say>One.</Say><Pause length='3'/><Say>Two.</Say>",
  lua = "call:say('One.') call:pause{ length = 3 } call:say('Two.')",
}, function(t, caller)
  caller:hears("One.")
  caller:hears_nothing("2.9s")
  caller:hears("Two.")
  caller:ends("completed")
end)

both("a pause at the beginning lets the phone ring", {
  markup = "<Pause length='4'/><Say>Hello.</Say>",
  lua = "call:pause{ length = 4 } call:say('Hello.')",
}, function(t, caller)
  caller:waits("3.5s")
  caller:rings()
  caller:hears("Hello.")
  caller:ends("completed")
end)

-- Gather

local ask = {
  markup = "<Gather action='/got' numDigits='2' timeout='3'><Say>Two keys, please.</Say></Gather>" ..
    "<Say>Nothing.</Say>",
  lua = [[
    local got = call:gather{ numDigits = 2, timeout = 3, say = "Two keys, please." }
    if got.digits and got.digits ~= "" then call:say("Got " .. got.digits .. ".")
    else call:say("Nothing.") end]],
}

both("keys during the prompt end the prompt", ask, function(t, caller)
  caller:hears_start("Two keys, please.")
  caller:waits("0.2s")
  caller:press("4")
  caller:hears("Two keys, please.") -- as far as it came
  caller:waits("2.5s")
  caller:press("2")
  caller:hears("Got 42.")
  caller:ends("completed")
end)

both("the finish key ends a shorter input", ask, function(t, caller)
  caller:hears("Two keys, please.")
  caller:press("7#")
  caller:hears("Got 7.")
  caller:ends("completed")
end)

both("each key begins the time anew", ask, function(t, caller)
  caller:hears("Two keys, please.")
  caller:waits("2.9s")
  caller:press("1")
  caller:hears_nothing("2.9s")
  caller:hears("Got 1.")
  caller:ends("completed")
end)

both("who presses nothing goes on", ask, function(t, caller)
  caller:hears("Two keys, please.")
  caller:hears_nothing("2.9s")
  caller:hears("Nothing.")
  caller:ends("completed")
end)

both("who hangs up while he is asked is gone", ask, function(t, caller)
  caller:hears_start("Two keys, please.")
  caller:hangs_up()
  caller:ends("completed")
end)

-- Record

local record = {
  markup = "<Record action='/done' maxLength='10' timeout='2' playBeep='false'/><Say>Empty.</Say>",
  lua = [[
    local got = call:record{ maxLength = 10, timeout = 2, playBeep = false }
    call:say("Thank you.")]],
}

both("a message is recorded until the caller is silent", record, function(t, caller)
  t:web("/done", "<Response><Say>Thank you.</Say></Response>")
  caller:is_answered()
  caller:speaks("3s")
  caller:hears("Thank you.")
  caller:ends("completed")
  local recordings = caller:journal("recording")
  assert(recordings[#recordings].state == "completed")
end)

-- Redirect

both("a call goes on with another document", {
  markup = "<Redirect>http://app.test/next</Redirect><Say>Never.</Say>",
  lua = "call:redirect('http://app.test/next') call:say('Never.')",
}, function(t, caller)
  t:web("/next", "<Response><Say>Here.</Say></Response>")
  t:expect_request("/next", { CallStatus = true })
  caller:hears("We are sorry. An application error has occurred. Goodbye.")
  caller:ends("completed")
  caller = t:call(NUMBER)
  caller:hears("Here.")
  caller:ends("completed")
end)

both("the operator sends a call elsewhere", {
  markup = "<Pause length='60'/>",
  lua = "call:pause{ length = 60 }",
}, function(t, caller)
  t:web("/elsewhere", "<Response><Say>Elsewhere.</Say></Response>")
  caller:waits("5s")
  t:redirect(caller, "/elsewhere")
  caller:hears("Elsewhere.")
  caller:ends("completed")
end)

-- Hangup, Reject

both("a hang-up ends the call where it stands", {
  markup = "<Say>Bye.</Say><Hangup/><Say>Never.</Say>",
  lua = "call:say('Bye.') call:hangup() call:say('Never.')",
}, function(t, caller)
  caller:hears("Bye.")
  caller:ends("completed")
end)

both("a rejected call is never answered", {
  markup = "<Reject reason='busy'/>",
  lua = "call:reject{ reason = 'busy' }",
}, function(t, caller)
  caller:ends("busy")
  assert(#caller:journal("answer") == 0)
end)

-- Echo

both("an echo sends back what it hears", {
  markup = "<Echo/>",
  lua = "call:echo()",
}, function(t, caller)
  caller:is_answered()
  t:together(function() caller:speaks("1s") end, function() caller:hears_sound() end)
  caller:hangs_up()
  caller:ends("completed")
end)

-- Several at once

both("callers do not hear each other", {
  markup = "<Gather action='/got' numDigits='1'><Say>A key, please.</Say></Gather>",
  lua = "local got = call:gather{ numDigits = 1, say = 'A key, please.' } call:say('Got ' .. got.digits .. '.')",
}, function(t, caller)
  local other = t:call(NUMBER, { from = "+15550177" })
  t:together(function()
    caller:hears("A key, please.")
    caller:press("1")
    caller:hears("Got 1.")
    caller:ends("completed")
  end, function()
    other:hears("A key, please.")
    other:waits("1s")
    other:press("2")
    other:hears("Got 2.")
    other:ends("completed")
  end)
end)
