-- Texts with places to fill: "Dear {name}, your table for {count} is ready."
--
--   local template = require "template"
--   template.fill("Hello {name}", { name = "Ann & Bob" })          --> Hello Ann & Bob
--   template.fill("<Say>{name}</Say>", { name = "Ann & Bob" }, "xml") --> <Say>Ann &amp; Bob</Say>
--
-- A place may look into tables, `{caller.name}`, and name its own escaping, `{name|url}`. `{{` is a
-- brace. A value that is missing is an error: a caller should not hear "Dear nil".

local template = {}

-- How a value is written for the place where it will stand. Add your own here.
template.escapes = {
    -- As it is.
    text = function(s) return s end,

    -- In XML text or an attribute; characters that XML forbids are dropped.
    xml = function(s)
        local out = s:gsub("[\0-\8\11\12\14-\31]", "")
        return (out:gsub("[&<>\"']", {
            ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&apos;",
        }))
    end,

    -- In the path or the query of a URL.
    url = function(s)
        return (s:gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end))
    end,

    -- One field of a line of CSV.
    csv = function(s)
        -- A spreadsheet would run a field that begins like a formula.
        if s:find("^[=+@-]") and not s:find("^[+-]?%d[%d%s.]*$") then s = "'" .. s end
        if s:find('[",\r\n]') then s = '"' .. s:gsub('"', '""') .. '"' end
        return s
    end,

    -- Read out one by one: "1234" is said "1 2 3 4".
    spell = function(s) return (s:gsub("%s+", ""):gsub("(.[\128-\191]*)", "%1 "):gsub(" $", "")) end,
}

local function value_of(values, path)
    local at = values
    for name in path:gmatch("[^.]+") do
        if type(at) ~= "table" then return nil end
        local found = at[name]
        if found == nil and name:find("^%d+$") then found = at[tonumber(name)] end
        at = found
    end
    return at
end

local function escape_named(name, level)
    local escape = template.escapes[name]
    if escape then return escape end
    local known = {}
    for each in pairs(template.escapes) do known[#known + 1] = each end
    table.sort(known)
    error(("template: there is no escaping called %q; there is %s"):format(name,
        table.concat(known, ", ")), level + 1)
end

-- Fills `text` from the table `values`. `escape` ("text", "xml", "url", "csv", "spell") is for all
-- places that do not name their own; without it values stand as they are.
function template.fill(text, values, escape)
    if type(text) ~= "string" then
        error("template.fill: the first argument is the text, not a " .. type(text), 2)
    end
    if type(values) ~= "table" then
        error("template.fill: the second argument is the table of values, not a " .. type(values), 2)
    end
    local usual = escape_named(escape or "text", 2)
    local out, at = {}, 1
    while true do
        local brace = text:find("{", at, true)
        out[#out + 1] = text:sub(at, (brace or 0) - 1)
        if not brace then return table.concat(out) end
        if text:sub(brace + 1, brace + 1) == "{" then
            out[#out + 1] = "{"
            at = brace + 2
        else
            local path, own, last = text:match("^{([%w_.]+)|?([%w_]*)}()", brace)
            if not path then
                error(("template.fill: after %q comes a brace without a name and its end; write {{ for a brace")
                    :format(text:sub(math.max(1, brace - 20), brace - 1)), 2)
            end
            local value = value_of(values, path)
            if type(value) ~= "string" and type(value) ~= "number" then
                error(("template.fill: {%s} is %s; give it a text or a number"):format(path,
                    value == nil and "missing" or "a " .. type(value)), 2)
            end
            local write = own ~= "" and escape_named(own, 2) or usual
            out[#out + 1] = write(tostring(value))
            at = last
        end
    end
end

-- A function that fills the same text again and again: local hello = template.new("Hello {name}").
function template.new(text, escape)
    escape_named(escape or "text", 2)
    return function(values) return template.fill(text, values, escape) end
end

-- A line of CSV, ended by CR LF, from a list of texts and numbers; nil leaves a field empty when
-- the length is given.
function template.csv(fields, n)
    local out = {}
    for i = 1, n or #fields do
        local field = fields[i]
        out[i] = field == nil and "" or template.escapes.csv(tostring(field))
    end
    return table.concat(out, ",") .. "\r\n"
end

return template
