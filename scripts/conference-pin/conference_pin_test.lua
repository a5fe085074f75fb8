local ASK = "Please enter your conference PIN, and press the hash key."
local HOST = "Welcome. You are the host. Press star to leave, which ends the conference."
local GUEST = "Welcome. Press star to leave."
local OUT = "You have left the conference. Goodbye."

local function reach(t, pin, from)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    local caller = t:call("+15550100", { from = from or "+12025550143" })
    caller:hears(ASK)
    if pin then caller:press(pin .. "#") end
    return caller
end

scenario("a guest hears music until the host is there, and both hear each other", function(t)
    local guest = reach(t, "771020")
    guest:hears(GUEST)
    guest:hears_sound()
    local host = reach(t, "482913", "+12025550144")
    host:hears(HOST)
    host:waits("1s")
    guest:plays_tone(450)
    host:plays_tone(800)
    t:together(function() guest:hears_tones { 800 } end, function() host:hears_tones { 450 } end)
    host:press("*")
    t:together(function() host:hears(OUT) host:ends("completed") end, function() guest:hears(OUT) guest:ends("completed") end)
    t:settles()
end)

scenario("two guests wait for the host", function(t)
    local ann, bob = reach(t, "771020"), reach(t, "771020", "+12025550144")
    ann:hears(GUEST)
    bob:hears(GUEST)
    ann:plays_tone(2500) -- higher than any of the music's
    bob:hears_no_tone(2500, "5s")
    assert(t:rooms().Staff.status == "init")
end)

scenario("rooms are apart, and who listens is not heard", function(t)
    local host, guest = reach(t, "930417"), reach(t, "204863", "+12025550144")
    local other = reach(t, "482913", "+12025550145")
    host:hears(HOST)
    guest:hears(GUEST)
    other:hears(HOST)
    host:plays_tone(450)
    guest:plays_tone(800)
    guest:hears_tones { 450 }
    t:together(function() host:hears_no_tone(800, "2s") end, function() other:hears_no_tone(450, "2s") end)
end)

scenario("a wrong PIN gets two more chances, and guessing locks the number for an hour", function(t)
    local caller = reach(t, "1111")
    caller:hears("There is no conference with that PIN.")
    caller:hears(ASK)
    caller:hears("I did not hear a PIN.")
    caller:hears(ASK)
    caller:press("2222#")
    caller:hears("Goodbye.")
    caller:ends("completed")
    caller = reach(t, "3333")
    caller:hears("There is no conference with that PIN.")
    caller:hears(ASK)
    caller:press("4444#")
    caller:hears("There is no conference with that PIN.")
    caller:hears(ASK)
    caller:press("5555#")
    caller:hears("Goodbye.")
    t:number("+15550100", { voice = t:flow("flow.lua") })
    caller = t:call("+15550100", { from = "+12025550143" })
    caller:hears_match("^This line is locked")
    caller:hears("Goodbye.")
    t:waits("1h")
    caller = reach(t, "771020")
    caller:hears(GUEST)
end)
