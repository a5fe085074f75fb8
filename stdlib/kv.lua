-- Values that survive a restart. A flow sees those of its own folder, in whatever call.
--
--   local kv = require "kv"
--   kv.set("greeting/" .. call.to, url)               -- a text, a number, true, false or a table
--   kv.set("code/" .. call.from, "4711", "10m")       -- lives ten minutes
--   kv.get("greeting/" .. call.to)                    --> what was set; nil when there is nothing
--   if kv.increment("tries/" .. call.from, 1, "1h") > 5 then … end  -- atomic, over all calls
--   for _, row in ipairs(kv.list("answers/")) do … row.key … row.value … end
--
-- Each waits until it is on the disk, while other calls go on. Keys have at most 256 bytes, values
-- 64 kB. A store that fails (a full disk) is an error.

local host = require "almon.kv"

local kv = {}

local units <const> = { ms = 1, s = 1000, m = 60000, h = 3600000, d = 86400000 }

-- "10m", "1.5h", "90" or 90 (seconds) → milliseconds; 0 is for ever.
local function milliseconds(ttl, level)
    if ttl == nil then return 0 end
    local n, unit = tostring(ttl):match("^%s*(%d+%.?%d*)%s*(%a*)%s*$")
    local factor = units[unit == "" and "s" or unit]
    if not n or not factor or tonumber(n) <= 0 then
        error(("kv: %s is no time to live; write seconds, or \"500ms\", \"30s\", \"10m\", \"2h\", \"7d\"")
            :format(tostring(ttl)), level + 1)
    end
    return math.floor(tonumber(n) * factor + 0.5)
end

local function check_key(key, level)
    if type(key) == "number" then key = tostring(key) end
    if type(key) ~= "string" or key == "" then
        error("kv: a key is a text, not " .. (key == "" and "an empty one" or "a " .. type(key)), level + 1)
    end
    if key:find("\0", 1, true) then error("kv: a key cannot hold a byte 0", level + 1) end
    return key
end

-- Numbers stand as they are, so that increment() can add to them; what is no plain text begins with
-- a byte 1.
local function packed(value, level)
    local kind = type(value)
    if kind == "number" then
        if value ~= value or math.abs(value) == math.huge then
            error("kv: infinity, and what is no number, cannot be kept", level + 1)
        end
        return math.type(value) == "integer" and tostring(value) or ("\1n%.17g"):format(value)
    elseif kind == "boolean" then
        return value and "\1t" or "\1f"
    elseif kind == "table" then
        return "\1j" .. require("json").encode(value)
    elseif kind == "string" then
        return (value:find("^\1") or value:find("^-?%d+$")) and "\1s" .. value or value
    end
    error("kv: a " .. kind .. " cannot be kept; a text, a number, true, false and a table can", level + 1)
end

local function unpacked(text)
    if text == nil then return nil end
    local kind = text:match("^\1(%l)")
    if not kind then return math.tointeger(text:match("^%-?%d+$")) or text end
    local rest = text:sub(3)
    if kind == "n" then return tonumber(rest) end
    if kind == "t" then return true end
    if kind == "f" then return false end
    if kind == "j" then return require("json").decode(rest) end
    return rest
end

local function must(value, why)
    if value == nil and why ~= nil then error("kv: " .. tostring(why), 3) end
    return value
end

-- What was set under a key; `default` (nil) when there is nothing.
function kv.get(key, default)
    local value = unpacked(must(host.get(check_key(key, 2))))
    if value == nil then return default end
    return value
end

-- Sets a value, for `ttl` (seconds, or "10m") or for ever. nil deletes.
function kv.set(key, value, ttl)
    key = check_key(key, 2)
    if value == nil then return kv.delete(key) end
    must(host.set(key, packed(value, 2), milliseconds(ttl, 2)))
end

-- True when there was such a key.
function kv.delete(key)
    return must(host.delete(check_key(key, 2)))
end

-- Adds `by` (1) to a whole number, which begins at 0, and returns it. `ttl` holds from the first
-- time on: later ones do not lengthen it.
function kv.increment(key, by, ttl)
    by = by == nil and 1 or by
    if not math.tointeger(by) then error("kv.increment: add a whole number", 2) end
    return must(host.increment(check_key(key, 2), math.tointeger(by), milliseconds(ttl, 2)))
end

-- All keys that begin with `prefix`, sorted, with their values: { { key =, value = }, … }, `most`
-- (1000) at most. Then also true when there are more; go on with `after`, the last key.
function kv.list(prefix, most, after)
    if prefix ~= nil and type(prefix) ~= "string" then error("kv.list: a prefix is a text", 2) end
    most = most or 1000
    local found, more, last = {}, true, after or ""
    while more and #found < most do
        local pairs_of, rest = host.list(prefix or "", last, math.min(most - #found, 1000))
        must(pairs_of, rest)
        for _, pair in ipairs(pairs_of) do
            found[#found + 1] = { key = pair[1], value = unpacked(pair[2]) }
            last = pair[1]
        end
        more = rest and #pairs_of > 0
    end
    return found, more
end

return kv
