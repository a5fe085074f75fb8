local ASK = "Please enter your PIN, and press the hash key."

local function reach(t)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    return t:call("+15550100", { from = "+12025550143" })
end

scenario("a right PIN opens, also one that is typed over the prompt", function(t)
    local caller = reach(t)
    caller:hears_start(ASK)
    caller:press("4711#")
    caller:hears(ASK)
    caller:hears("Hello, Ann.")
    caller:hears_match("^You are in")
    caller:ends("completed")
end)

scenario("a wrong PIN and silence get another chance", function(t)
    local caller = reach(t)
    caller:hears(ASK)
    caller:press("1111#")
    caller:hears("That is not right.")
    caller:hears(ASK)
    caller:hears("I did not hear a PIN.")
    caller:hears(ASK)
    caller:press("280391#")
    caller:hears("Hello, Bob.")
end)

scenario("guessing locks the number for an hour, and not longer", function(t)
    local caller = reach(t)
    for _ = 1, 3 do
        caller:hears(ASK)
        caller:press("0000#")
        if _ < 3 then caller:hears("That is not right.") end
    end
    caller:hears("Goodbye.")
    caller:ends("completed")

    caller = t:call("+15550100", { from = "+12025550143" })
    caller:hears(ASK)
    caller:press("0000#")
    caller:hears("That is not right.")
    caller:hears(ASK)
    caller:press("0000#")
    caller:hears("Goodbye.")

    caller = t:call("+15550100", { from = "+12025550143" })
    caller:hears_match("^This line is locked")
    local other = t:call("+15550100", { from = "+12025550144" })
    other:hears(ASK) -- nobody else is locked out
    t:waits("1h")
    caller = t:call("+15550100", { from = "+12025550143" })
    caller:hears(ASK)
    caller:press("4711#")
    caller:hears("Hello, Ann.")
end)
