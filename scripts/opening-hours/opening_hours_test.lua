-- Scenarios begin on Thursday, 1 January 2026, at midnight UTC: 7 PM of 31 December in New York.
local function call_after(t, wait)
    t:number("+15550100", { voice = t:flow("flow.lua") })
    t:waits(wait)
    return t:call("+15550100")
end

scenario("closed for the night; a holiday is passed over", function(t)
    local caller = call_after(t, "1s")
    caller:hears("Thank you for calling Acme. We are closed at the moment. "
        .. "We open again on Friday at 9 AM. Goodbye.")
    caller:ends("completed")
end)

scenario("closed for a holiday, with its name", function(t)
    local caller = call_after(t, "17h") -- noon
    caller:hears("Thank you for calling Acme. We are closed today for New Year's Day. "
        .. "We open again tomorrow at 9 AM. Goodbye.")
end)

scenario("open to the minute", function(t)
    local caller = call_after(t, "38h") -- 9 AM on Friday
    caller:hears_match("^Thank you for calling Acme. We are open")
    caller:ends("completed")
end)

scenario("a minute before, still closed", function(t)
    local caller = call_after(t, "2279m")
    caller:hears_match("We open again today at 9 AM")
end)
