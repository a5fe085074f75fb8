-- JSON in and out.
--
--   local json = require "json"
--   json.encode({ name = "Ann", keys = { 1, 2 } })     --> {"keys":[1,2],"name":"Ann"}
--   local order = json.decode(text)                    -- an error when it is no JSON
--   local order, why = json.try_decode(text)           -- nil and why instead
--
-- Keys are written sorted, so that the same table gives the same text. A table with items 1 … n is
-- a list; an empty one is an object, and json.list{} an empty list. json.null stands for null, in
-- both directions.

local host = require "almon.json"

local json = { null = host.null }

local list_type = { is_json_list = true }

-- Marks a table as a list, for when it may be empty.
function json.list(items)
    return setmetatable(items or {}, list_type)
end

function json.encode(value)
    local text, why = host.encode(value)
    if not text then error("json.encode: " .. tostring(why), 2) end
    return text
end

function json.try_decode(text)
    if type(text) ~= "string" then return nil, "there is no text, but a " .. type(text) end
    return host.decode(text)
end

function json.decode(text)
    local value, why = json.try_decode(text)
    if value == nil then error("json.decode: " .. tostring(why), 2) end
    return value
end

return json
