-- Tones: who hears whom, and nobody else.

local ECHO = [[<Response><Echo/></Response>]]

scenario("a caller hears his own tone back from Echo, and no other", function(t)
  t:number("+15550100", t:file("echo.xml", ECHO))
  local ann, ben = t:call("+15550100"), t:call("+15550100", { codec = "L16/16000" })
  ann:is_answered()
  ben:is_answered()
  ann:plays_tone(450)
  ben:plays_tone(700)
  t:together(
    function() ann:hears_tones { 450 } end,
    function() ben:hears_tones { 700 } end,
    function() ben:hears_no_tone(450, "2s") end
  )
  ann:plays_tone(600)
  ann:hears_tone(600)
  ann:hears_tones { 600 }
  ben:hears_tones { 700 }
  ann:plays_tone(false)
  ann:hears_tones {}
  ann:hears_no_tone(600, "1s")
  ann:hangs_up()
  ben:hangs_up()
end)

scenario("who hears a tone that he should not hear fails, and so does who hears none", function(t)
  t:number("+15550100", t:file("echo.xml", ECHO))
  local ann = t:call("+15550100")
  ann:is_answered()
  ann:plays_tone(450)
  local function fails(what, ...)
    local good, why = pcall(what, ...)
    assert(not good and why:find("expected to hear", 1, true), why)
  end
  fails(function() ann:hears_no_tone(450, "1s") end)
  fails(function() ann:hears_tone(700) end)
  fails(function() ann:hears_tones { 700 } end)
  fails(function() ann:hears_tones {} end)
  ann:hears_tones { 450 }
end)

scenario("a callee whom nobody calls was never called", function(t)
  local bob = t:callee("+15550101", { rings = "1s", answers = "3s" })
  bob:never_called()
  assert(bob:calls() == 0)
  local good, why = pcall(function() bob:rings() end)
  assert(not good and why:find("expected +15550101 to be called, nobody did", 1, true), why)
  good, why = pcall(function() bob:press("1") end)
  assert(not good and why:find("expected +15550101 to be called", 1, true), why)
end)
