-- Help for tests of flows.
--
--   local test = require "test"
--   test.equal(menu_of(now).prompt, "We are open.")
--   test.raises(function() hours.open({ zone = "Mars" }) end, "no zone")
--
--   -- A handler alone, without an exchange: a call that answers what it is asked.
--   local call = test.call { from = "+12025550143", digits = { "1", "", "9" } }
--   flow(call)
--   test.equal(call.heard, { "Welcome.", "Press 1 …" })
--   test.equal(call.ended, "hangup")

local test = {}

local function shown(value, depth)
    if type(value) == "string" then return ("%q"):format(value) end
    if type(value) ~= "table" or depth > 4 then return tostring(value) end
    local keys, parts = {}, {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for _, key in ipairs(keys) do
        local name = math.type(key) == "integer" and "" or tostring(key) .. " = "
        parts[#parts + 1] = name .. shown(value[key], depth + 1)
    end
    return "{ " .. table.concat(parts, ", ") .. " }"
end

-- A value as text, tables whole and in a fixed order.
function test.show(value) return shown(value, 0) end

local function same(a, b, depth)
    if a == b then return true end
    if type(a) ~= "table" or type(b) ~= "table" or depth > 20 then return false end
    for key, value in pairs(a) do
        if not same(value, b[key], depth + 1) then return false end
    end
    for key in pairs(b) do
        if a[key] == nil then return false end
    end
    return true
end

function test.same(a, b) return same(a, b, 0) end

-- An error at the caller's line unless both are the same; tables are compared whole.
function test.equal(got, want, what)
    if same(got, want, 0) then return end
    error(("%sgot %s, want %s"):format(what and what .. ": " or "", shown(got, 0), shown(want, 0)), 2)
end

-- An error unless `f` raises one that holds `part`; returns its message.
function test.raises(f, part)
    local done, why = pcall(f)
    if done then error("no error was raised; " .. shown(part, 0) .. " was expected", 2) end
    why = tostring(why)
    if part and not why:find(part, 1, true) then
        error(("raised %s, want %s in it"):format(shown(why, 0), shown(part, 0)), 2)
    end
    return why
end

-- --- a call without an exchange ---

local ending = {}

local function text_of(given)
    return type(given) == "table" and given[1] or given
end

-- What is heard in { say = …, play = … } and lists of these.
local function hear(call, given)
    if type(given) ~= "table" then
        if given ~= nil then call.heard[#call.heard + 1] = tostring(given) end
        return
    end
    for _, item in ipairs(given) do hear(call, item) end
    if given.say then hear(call, given.say) end
    if given.play then call.heard[#call.heard + 1] = "[" .. tostring(text_of(given.play)) .. "]" end
end

-- A stand-in for `call`. `given`: from, to, params; digits: what each gather gets, in order ("" is
-- silence; behind the last the caller hangs up); recordings: what each record gets. Afterwards:
-- heard, the texts; did, the names of all verbs; ended: "hangup", "reject", "redirect", "caller";
-- target, where a redirect led. Run the handler with test.run(handler, call).
function test.call(given)
    given = given or {}
    local call = { from = given.from or "+12025550100", to = given.to or "+12025550199",
        sid = "CA00000000000000000000000000000000", params = given.params or {}, status = "in-progress",
        heard = {}, did = {}, documents = {} }
    local digits, recordings = { table.unpack(given.digits or {}) }, { table.unpack(given.recordings or {}) }

    local function did(name) call.did[#call.did + 1] = name end
    local function over(how, target)
        call.ended, call.target = how, target
        error(ending, 0)
    end
    function call:say(what) did("say") hear(call, text_of(what)) return true end
    function call:play(what) did("play") hear(call, { play = what }) return true end
    function call:pause() did("pause") return true end
    function call:echo() did("echo") return true end
    function call:answer() did("answer") end
    function call:on_hangup() end
    function call:run(markup) did("run") call.documents[#call.documents + 1] = markup end
    function call:gather(options)
        did("gather")
        hear(call, options)
        if #digits == 0 then over("caller") end
        local keys = table.remove(digits, 1)
        return keys == "" and {} or { digits = keys }
    end
    function call:record()
        did("record")
        return table.remove(recordings, 1) or {}
    end
    function call:hangup() did("hangup") over("hangup") end
    function call:reject() did("reject") over("reject") end
    function call:redirect(target) did("redirect") over("redirect", target) end
    return call
end

-- Runs a handler until it returns or the call ends.
function test.run(handler, call)
    local done, why = pcall(handler, call)
    if not done and why ~= ending then error(why, 0) end
    return call
end

return test
