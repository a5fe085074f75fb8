-- A whole menu tree as one table.
--
--   local menu = require "menu"
--   return menu.flow {
--       hello = "Welcome to Acme.",                       -- once, at the beginning
--       prompt = "For our hours, press 1. For sales, press 2. To leave a message, press 3.",
--       keys = {
--           ["1"] = { say = "We are open from nine to five." },          -- said, then this menu again
--           ["2"] = { prompt = "For apples, press 1. To go back, press star.",
--                     keys = { ["1"] = "apples.xml", ["*"] = menu.back } },
--           ["3"] = function(call) call:record { maxLength = 60 } end,   -- then this menu again
--           ["9"] = menu.again,
--       },
--       voice = "woman", timeout = 5, retries = 3,        -- for the menus below, too
--   }
--
-- What a key leads to: another menu (a table), a document or URL (a text), a function of `call`, or
-- menu.again, menu.back (to the menu above), menu.top, menu.hangup, menu.leave (ends the menu; the
-- flow goes on behind menu.run). A function may return one of these, too; without, its menu is
-- heard again. Keys of several digits ("12") are fine.
--
-- Silence and wrong keys: `silent` or `invalid` is said and the prompt repeated. After `retries` (3)
-- of them in a row the call goes where `default` leads; without it, `goodbye` is said and the call
-- ends. A prompt is a text, or { play = "file.wav" }, or { say = "...", language = "de-DE" }.

local menu = {}

local markers = {}
local function marker(name)
    local m = { marker = name }
    markers[m] = true
    return m
end
menu.again, menu.back, menu.top = marker("again"), marker("back"), marker("top")
menu.hangup, menu.leave = marker("hangup"), marker("leave")

local MOST_ROUNDS <const> = 200 -- menus heard in one call: nobody presses keys for ever

local usual = {
    timeout = 5,
    retries = 3,
    invalid = "Sorry, that is not one of the choices.",
    silent = "I did not hear anything.",
    goodbye = "Goodbye.",
}
-- What a menu takes over from the one above it.
local inherited <const> = { "timeout", "retries", "invalid", "silent", "goodbye", "voice", "language" }

local kinds = {
    hello = "prompt", prompt = "prompt", say = "prompt", invalid = "prompt", silent = "prompt",
    goodbye = "prompt", keys = "table", default = "target", timeout = "number", retries = "number",
    voice = "string", language = "string", name = "string",
}

-- --- the table is checked whole, before the first call ---

local function mistake(path, text)
    error(("menu: %s: %s"):format(path, text), 0)
end

local function check_prompt(path, prompt)
    local kind = type(prompt)
    if kind == "string" and prompt ~= "" then return end
    if kind == "table" and (type(prompt.say) == "string" or type(prompt.play) == "string") then return end
    mistake(path, "a prompt is a text, { play = \"file.wav\" } or { say = \"...\", voice = ... }")
end

local check_menu

local function check_target(path, target, seen)
    local kind = type(target)
    if kind == "function" or (kind == "string" and target ~= "") or markers[target] then return end
    if kind == "table" then return check_menu(path, target, seen) end
    mistake(path, "lead to a menu, a document's name, a function, or menu.again, back, top, hangup, leave; not to "
        .. (kind == "nil" and "nothing" or "a " .. kind))
end

local function sorted_keys(list)
    local keys = {}
    for key in pairs(list) do keys[#keys + 1] = key end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    return keys
end

local function check_keys(path, keys, seen)
    for _, key in ipairs(sorted_keys(keys)) do
        if type(key) ~= "string" or not key:find("^[%d*#]+$") then
            mistake(path, ("%s is no key; write [\"1\"], [\"*\"] or [\"12\"]"):format(tostring(key)))
        end
        check_target(path .. "." .. key, keys[key], seen)
    end
end

function check_menu(path, m, seen)
    if seen[m] then return end -- menus may lead to each other
    seen[m] = true
    for _, key in ipairs(sorted_keys(m)) do
        local want, value = kinds[key], m[key]
        if not want then
            mistake(path, ("there is no %q; there is hello, prompt, say, keys, default, timeout, retries, invalid, silent, goodbye, voice, language")
                :format(tostring(key)))
        elseif want == "prompt" then
            check_prompt(path .. "." .. key, value)
        elseif want == "target" then
            check_target(path .. "." .. key, value, seen)
        elseif type(value) ~= want then
            mistake(path .. "." .. key, "a " .. want .. " belongs here, not a " .. type(value))
        end
    end
    if m.timeout and (m.timeout < 1 or m.timeout > 600) then
        mistake(path .. ".timeout", "1 to 600 seconds")
    end
    if m.retries and (m.retries < 1 or m.retries > 20) then mistake(path .. ".retries", "1 to 20") end
    if m.keys and not next(m.keys) then mistake(path .. ".keys", "it has no key") end
    if m.keys and not m.prompt then mistake(path, "it has keys, but no prompt that says so") end
    if not m.keys and not m.say then mistake(path, "it has neither keys nor something to say") end
    if m.keys then check_keys(path .. ".keys", m.keys, seen) end
end

-- --- a call in it ---

-- The menu with what it inherits.
local function settled(m, above)
    local s = setmetatable({}, { __index = m })
    for _, name in ipairs(inherited) do
        if m[name] == nil then s[name] = above[name] end
    end
    return s
end

-- { text, voice = … } as call:say wants it; and for call:gather what goes into its options.
local function speak(call, prompt, m)
    if type(prompt) == "table" and prompt.play then return call:play { prompt.play } end
    local text = type(prompt) == "table" and prompt.say or prompt
    call:say { text, voice = type(prompt) == "table" and prompt.voice or m.voice,
        language = type(prompt) == "table" and prompt.language or m.language }
end

local function gather_options(m)
    local longest, shortest, hash = 0, nil, false
    for key in pairs(m.keys) do
        longest = math.max(longest, #key)
        shortest = math.min(shortest or #key, #key)
        hash = hash or key:find("#", 1, true) ~= nil
    end
    local options = { numDigits = longest, timeout = m.timeout,
        finishOnKey = (hash or longest == 1) and "" or "#" }
    local prompt = m.prompt
    if type(prompt) == "table" and prompt.play then
        options.play = prompt.play
    else
        options.say = { type(prompt) == "table" and prompt.say or prompt,
            voice = type(prompt) == "table" and prompt.voice or m.voice,
            language = type(prompt) == "table" and prompt.language or m.language }
    end
    return options
end

-- What the caller chose; or nil after too many attempts.
local function choose(call, m)
    for attempt = 1, m.retries do
        local got = call:gather(gather_options(m))
        local digits = got and got.digits or ""
        local target = m.keys[digits]
        if target ~= nil then return target end
        if attempt < m.retries then speak(call, digits == "" and m.silent or m.invalid, m) end
    end
    return nil
end

-- Says or asks what a menu has; answers where to go next.
local function visit(call, m)
    if m.hello and not m.greeted then speak(call, m.hello, m) end
    m.greeted = true
    if m.say then speak(call, m.say, m) end
    if not m.keys then return menu.back end
    local target = choose(call, m)
    if target ~= nil then return target end
    if m.default ~= nil then return m.default end
    speak(call, m.goodbye, m)
    return menu.hangup
end

local function run(call, root)
    local stack = { settled(root, usual) }
    local target = menu.again
    for _ = 1, MOST_ROUNDS do
        if target == menu.back then
            if #stack > 1 then table.remove(stack) end
        elseif target == menu.top then
            stack = { stack[1] }
        elseif target == menu.leave then
            return
        elseif target == menu.hangup then
            return call:hangup()
        elseif type(target) == "string" then
            return call:redirect(target)
        elseif type(target) == "function" then
            local answer = target(call)
            if answer ~= nil then check_target("what a function returned", answer, {}) end
            target = answer == nil and menu.again or answer
            goto next
        elseif target ~= menu.again then
            stack[#stack + 1] = settled(target, stack[#stack])
        end
        target = visit(call, stack[#stack])
        ::next::
    end
    error(("menu: %d menus were heard in one call; something leads round in a circle"):format(MOST_ROUNDS), 0)
end

-- Checks the table. An error names the place: "menu: top.keys.2: …".
function menu.check(root)
    if type(root) ~= "table" then error("menu: give it the table of the menu, not a " .. type(root), 2) end
    check_menu("top", root, {})
    if not root.keys then mistake("top", "it has no keys") end
    return root
end

-- Leads `call` through the menu; returns when it came to menu.leave.
function menu.run(call, root)
    menu.check(root)
    return run(call, root)
end

-- A handler: return menu.flow{ … } is a whole flow.
function menu.flow(root)
    menu.check(root)
    return function(call) return run(call, root) end
end

return menu
