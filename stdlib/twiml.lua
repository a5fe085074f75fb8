-- Builds markup, escaped, checked against the same tables as documents are.
--
--   local twiml = require "twiml"
--   call:run(twiml.document {
--       twiml.Gather { numDigits = 1, action = "/key",
--           twiml.Say { "Dear ", name, ", press 1.", voice = "woman" },
--       },
--       twiml.Redirect "/again",
--   })
--
-- Answers to messages are built alike: twiml.Message { "Look:", twiml.Media(url) }, or with
-- twiml.Body where the text is not all of it.
--
-- twiml.NAME{...} makes an element: what has a name is an attribute, the rest is its content in
-- order: texts, numbers, elements, lists of these. A misspelt name is an error where it stands, with
-- the nearest right one. Where a name is no Lua word, write `_`: twiml.say_as{ interpret_as = "date",
-- ... }, twiml.break_{ time = "1s" }.

local twiml = {}

local has_schema, schema = pcall(require, "almon.schema")
if not has_schema then schema = nil end

local element_type = {}

local function escape(text)
    text = text:gsub("[\0-\8\11\12\14-\31]", "")
    return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end
-- For markup that is put together by hand.
twiml.escape = escape

-- --- names ---

-- Edit distance; two letters exchanged count 1, one in other case a half.
local function distance(a, b)
    local d = {}
    for i = 0, #a do d[i] = { [0] = i } end
    for j = 0, #b do d[0][j] = j end
    for i = 1, #a do
        for j = 1, #b do
            local x, y = a:sub(i, i), b:sub(j, j)
            local cost = x == y and 0 or x:lower() == y:lower() and 0.5 or 1
            d[i][j] = math.min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost)
            if i > 1 and j > 1 and x == b:sub(j - 1, j - 1) and a:sub(i - 1, i - 1) == y then
                d[i][j] = math.min(d[i][j], d[i - 2][j - 2] + 1)
            end
        end
    end
    return d[#a][#b]
end

local function nearest(name, known)
    local best, least
    local names = {}
    for each in pairs(known) do names[#names + 1] = each end
    table.sort(names)
    for _, each in ipairs(names) do
        local d = distance(name, each)
        if d <= 1 + #name // 4 and (not least or d < least) then best, least = each, d end
    end
    return best
end

local function suggest(name, known)
    local best = nearest(name, known)
    return best and ("; did you mean %s?"):format(best) or ""
end

-- "say_as" → "say-as", "break_" → "break", when such a name is known (or nothing is).
local function right_name(name, known)
    if known and known[name] then return name end
    local dashed = name:gsub("_$", ""):gsub("_", "-")
    if not known or known[dashed] then return dashed end
    return nil
end

-- --- elements ---

local function attribute_text(element, name, value)
    local kind = math.type(value) or type(value)
    if kind == "string" then return value end
    if kind == "integer" or kind == "boolean" then return tostring(value) end
    if kind == "float" then
        return value == math.floor(value) and ("%d"):format(value) or ("%.10g"):format(value)
    end
    if kind == "table" and #value > 0 then
        local words = {}
        for i, word in ipairs(value) do words[i] = tostring(word) end
        return table.concat(words, " ")
    end
    return nil, ("%s of <%s> is a %s; give it a text, a number, true, false, or a list of words")
        :format(name, element, kind)
end

local function add_content(element, item, level)
    local kind = type(item)
    local table_of = schema and schema[element.name]
    if kind == "table" and item.type == element_type then
        if table_of and not (table_of.children and table_of.children[item.name]) then
            error(("twiml: <%s> may not stand in <%s>"):format(item.name, element.name), level)
        end
        element[#element + 1] = item
    elseif kind == "table" then
        for _, each in ipairs(item) do add_content(element, each, level + 1) end
    elseif kind == "string" or kind == "number" then
        if table_of and not table_of.text then
            error(("twiml: <%s> holds no text, but was given %q"):format(element.name, tostring(item)),
                level)
        end
        element[#element + 1] = tostring(item)
    else
        error(("twiml: <%s> cannot hold a %s; give it texts, numbers and elements")
            :format(element.name, kind), level)
    end
end

local function add_attribute(element, name, value, level)
    local table_of = schema and schema[element.name]
    local known = table_of and (table_of.attributes or {})
    local right = right_name(name, known)
    if not right or not right:find("^[%a_:][%w_:.-]*$") then
        error(("twiml: <%s> has no attribute %s%s"):format(element.name, name,
            known and suggest(name, known) or ""), level)
    end
    local text, why = attribute_text(element.name, name, value)
    if not text then error("twiml: " .. why, level) end
    element.attributes[#element.attributes + 1] = { right, text }
end

local function new_element(name, content, level)
    local element = { type = element_type, name = name, attributes = {} }
    if type(content) ~= "table" or content.type == element_type then
        if content ~= nil then add_content(element, content, level + 1) end
        return element
    end
    local names = {}
    for key in pairs(content) do
        if type(key) == "string" then names[#names + 1] = key end
    end
    table.sort(names)
    for _, key in ipairs(names) do add_attribute(element, key, content[key], level + 1) end
    -- Not ipairs: an item that is nil by mistake must not end the list in silence.
    local last = 0
    for key in pairs(content) do
        if math.type(key) == "integer" and key > last then last = key end
    end
    for i = 1, last do add_content(element, content[i], level + 1) end
    return element
end

setmetatable(twiml, {
    __index = function(_, name)
        if type(name) ~= "string" then return nil end
        local right = right_name(name, schema)
        if not right or not right:find("^[%a_][%w_.-]*$") then
            error(("twiml: there is no element %s%s"):format(name, schema and suggest(name, schema) or ""), 2)
        end
        local function make(content) return new_element(right, content, 2) end
        rawset(twiml, name, make)
        return make
    end,
})

-- --- writing ---

local function write(item, out)
    if type(item) == "string" then
        out[#out + 1] = escape(item)
        return
    end
    out[#out + 1] = "<" .. item.name
    for _, attribute in ipairs(item.attributes) do
        out[#out + 1] = (' %s="%s"'):format(attribute[1],
            (escape(attribute[2]):gsub("[\t\r\n]", { ["\t"] = "&#9;", ["\r"] = "&#13;", ["\n"] = "&#10;" })))
    end
    if #item == 0 then
        out[#out + 1] = "/>"
        return
    end
    out[#out + 1] = ">"
    for _, each in ipairs(item) do write(each, out) end
    out[#out + 1] = ("</%s>"):format(item.name)
end

-- The markup of one element.
function twiml.text(element)
    if type(element) ~= "table" or element.type ~= element_type then
        error("twiml.text: give it an element, as from twiml.Say{...}", 2)
    end
    local out = {}
    write(element, out)
    return table.concat(out)
end

-- A whole document, from the elements of its <Response>.
function twiml.document(content)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' .. twiml.text(new_element("Response", content, 3))
end

return twiml
