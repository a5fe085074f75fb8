-- What each test file of this folder begins with: case(), and stand-ins for the halves in C that the
-- host offers to the faces of stdlib/ (runtime/script/stdlib.h says what they do).

package.path = "stdlib/?.lua"
failed = 0

function case(name, body)
    if not name:find(filter or "", 1, true) then return end
    local done, why = xpcall(body, debug.traceback)
    if done then
        print("ok - " .. name)
    else
        failed = failed + 1
        print("# " .. tostring(why):gsub("\n", "\n# "))
        print("not ok - " .. name)
    end
end

host = { logged = {}, requests = {}, answers = {}, values = {}, now = 0 }

package.preload["almon.time"] = function()
    return { now = function() return host.now end }
end

package.preload["almon.log"] = function()
    return { write = function(level, text) table.insert(host.logged, level .. " " .. text) end }
end

package.preload["almon.http"] = function()
    return { request = function(request)
        table.insert(host.requests, request)
        local answer = table.remove(host.answers, 1)
        if not answer then return nil, "connection refused" end
        return answer
    end }
end

-- Keys in order, expiry by host.now.
package.preload["almon.kv"] = function()
    local function alive(key)
        local entry = host.values[key]
        if entry and entry.ends and entry.ends <= host.now then
            host.values[key] = nil
            entry = nil
        end
        return entry
    end
    local function put(key, text, ttl_ms)
        host.values[key] = { text = text, ends = ttl_ms > 0 and host.now + ttl_ms or nil }
    end
    return {
        get = function(key)
            if host.broken then return nil, host.broken end
            local entry = alive(key)
            return entry and entry.text
        end,
        set = function(key, text, ttl_ms)
            if host.broken then return nil, host.broken end
            put(key, text, ttl_ms)
            return true
        end,
        delete = function(key)
            local was = alive(key) ~= nil
            host.values[key] = nil
            return was
        end,
        increment = function(key, by, ttl_ms)
            local entry = alive(key)
            local number = math.tointeger(entry and entry.text or "0")
            if not number then return nil, "no whole number" end
            if entry then entry.text = tostring(number + by) else put(key, tostring(by), ttl_ms) end
            return number + by
        end,
        list = function(prefix, after, most)
            local keys, out = {}, {}
            for key in pairs(host.values) do
                if key:sub(1, #prefix) == prefix and key > after and alive(key) then keys[#keys + 1] = key end
            end
            table.sort(keys)
            for i = 1, math.min(most, #keys) do out[i] = { keys[i], host.values[keys[i]].text } end
            return out, #keys > most
        end,
    }
end

-- Flat objects of texts and numbers, which is all that the tests of the faces need.
package.preload["almon.json"] = function()
    local null = setmetatable({}, { __tostring = function() return "null" end })
    return {
        null = null,
        encode = function(value)
            if type(value) ~= "table" then return nil, "a " .. type(value) .. " has no JSON here" end
            local names, parts = {}, {}
            for name in pairs(value) do names[#names + 1] = name end
            table.sort(names)
            for _, name in ipairs(names) do
                parts[#parts + 1] = ("%q:%q"):format(name, value[name])
            end
            return "{" .. table.concat(parts, ",") .. "}"
        end,
        decode = function(text)
            if not text:find("^{.*}$") then return nil, "line 1: no JSON" end
            local value = {}
            for name, one in text:gmatch('"([^"]*)":([^,}]+)') do
                value[name] = math.tointeger(one) or one:match('"(.*)"')
            end
            return value
        end,
    }
end

-- From here on nobody makes a global, or asks for one that is not there.
setmetatable(_G, {
    __newindex = function(_, name) error("a global is made: " .. tostring(name), 2) end,
    __index = function(_, name) if name ~= "filter" then error("no such global: " .. tostring(name), 2) end end,
})
