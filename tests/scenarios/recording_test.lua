-- Start and Stop of Recording through both doors; what is in the files is looked at in test_recording.c.

local NUMBER = "+15550100"

local doors = {
  { "markup", function(t, flow)
    t:number(NUMBER, { voice = "/voice" })
    t:web("/voice", "<Response>" .. flow.markup .. "</Response>")
  end },
  { "Lua", function(t, flow)
    t:number(NUMBER, { voice = t:file("flow.lua", "return function(call)\n" .. flow.lua .. "\nend") })
  end },
}

local function both(name, flow, body)
  for _, door in ipairs(doors) do
    scenario(name .. " (" .. door[1] .. ")", function(t)
      door[2](t, flow)
      t:web("http://app.test/told", "")
      local caller = t:call(NUMBER)
      body(t, caller)
      t:settles()
    end)
  end
end

both("a recording runs beside what is said", {
  markup = [[<Start><Recording recordingStatusCallback='http://app.test/told'
    recordingStatusCallbackEvent='in-progress completed'/></Start><Say>Hello.</Say>]],
  lua = [[
    call:start{ recording = { recordingStatusCallback = "http://app.test/told",
      recordingStatusCallbackEvent = "in-progress completed" } }
    call:say("Hello.")]],
}, function(t, caller)
  local begun = t:expect_request("http://app.test/told", { RecordingStatus = "in-progress", CallSid = caller:sid(),
    RecordingDuration = false, RecordingSource = "StartCallRecordingTwiML" })
  caller:hears("Hello.")
  caller:ends("completed")
  t:expect_request("http://app.test/told", { RecordingStatus = "completed", RecordingDuration = true,
    RecordingSid = begun.params.RecordingSid, RecordingUrl = begun.params.RecordingUrl, RecordingChannels = "2",
    RecordingTrack = "both", RecordingStartTime = true, CallStatus = "completed" })
end)

both("it is stopped by its name", {
  markup = [[<Start><Recording name='mine' track='inbound' recordingStatusCallback='http://app.test/told'/></Start>
    <Gather timeout='3'/><Stop><Recording name='mine'/></Stop><Gather timeout='3'/>]],
  lua = [[
    call:start{ recording = { name = "mine", track = "inbound",
      recordingStatusCallback = "http://app.test/told" } }
    call:gather{ timeout = 3 }
    call:stop{ recording = { name = "mine" } }
    call:gather{ timeout = 3 }]],
}, function(t, caller)
  caller:speaks("1s")
  caller:waits("1.9s")
  t:expect_no_request("http://app.test/told")
  caller:waits("0.3s")
  t:expect_request("http://app.test/told", { RecordingStatus = "completed", RecordingDuration = "1",
    RecordingTrack = "inbound", RecordingChannels = "1", CallStatus = "in-progress" })
  caller:ends("completed")
end)

both("a name that runs already is said, and the call goes on", {
  markup = "<Start><Recording name='a'/><Recording name='a'/></Start><Say>Going on.</Say>",
  lua = [[
    call:start{ { recording = { name = "a" } }, { recording = { name = "a" } } }
    call:say("Going on.")]],
}, function(t, caller)
  caller:hears("Going on.")
  caller:ends("completed")
  t:settles()
  assert(caller:journal("warn")[1].code == 14300 and #caller:journal("warn") == 1)
end)

both("a Record beside it is one of its own", {
  markup = [[<Start><Recording recordingStatusCallback='http://app.test/told'/></Start>
    <Record playBeep='false' timeout='2' action='http://app.test/done'/>]],
  lua = [[
    call:start{ recording = { recordingStatusCallback = "http://app.test/told" } }
    local got = call:record{ playBeep = false, timeout = 2 }
    if not got.recordingUrl then call:say("No recording.") end]],
}, function(t, caller)
  t:web("http://app.test/done", "<Response/>")
  caller:speaks("2s")
  caller:ends("completed")
  t:settles()
  local sids = {}
  for _, line in ipairs(caller:journal("recording")) do
    if line.state == "completed" then sids[#sids + 1] = line.source end
  end
  assert(table.concat(sids, " ") == "RecordVerb StartCallRecordingTwiML")
end)
