-- Requests to other systems, while the caller waits and other calls go on.
--
--   local http = require "http"
--   local answer, why = http.get("https://crm.example.com/customers", { query = { phone = call.from } })
--   if answer and answer.ok then call:say("Hello " .. answer.json.name) end
--
--   http.post("https://crm.example.com/calls", { json = { from = call.from, digits = got.digits } })
--   http.post(url, { form = { a = "1" }, headers = { Authorization = "Bearer " .. token }, timeout = 3 })
--
-- An answer: status, ok (200 to 299), headers (keys in lower case), body, url, and json when its
-- type is JSON. Without an answer: nil and why (refused, too late, …); a status of 500 is an answer.
-- Requests may reach what webhooks of this number may reach.

local host = require "almon.http"

local http = {}

local options <const> = { query = true, headers = true, body = true, json = true, form = true, timeout = true }

local function encoded(text)
    return (tostring(text):gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- "a=1&b=2", sorted by name; a list gives its name again and again.
local function form_of(values)
    local names, parts = {}, {}
    for name in pairs(values) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
        local value = values[name]
        for _, each in ipairs(type(value) == "table" and value or { value }) do
            parts[#parts + 1] = encoded(name) .. "=" .. encoded(each)
        end
    end
    return table.concat(parts, "&")
end
http.form = form_of

local function body_of(given, headers)
    if given.json ~= nil then
        headers["Content-Type"] = headers["Content-Type"] or "application/json"
        return require("json").encode(given.json)
    elseif given.form then
        headers["Content-Type"] = headers["Content-Type"] or "application/x-www-form-urlencoded"
        return form_of(given.form)
    end
    return given.body
end

local function check(method, url, given, level)
    if type(url) ~= "string" then error("http." .. method .. ": the URL is a text, not a " .. type(url), level + 1) end
    if type(given) ~= "table" then
        error("http." .. method .. ": options are a table, as in { json = { … } }", level + 1)
    end
    for name in pairs(given) do
        if not options[name] then
            error(("http.%s: there is no option %s; there is body, form, headers, json, query, timeout")
                :format(method, tostring(name)), level + 1)
        end
    end
    local timeout = given.timeout or 10
    if type(timeout) ~= "number" or timeout <= 0 or timeout > 60 then
        error("http." .. method .. ": a timeout is a number of seconds, 60 at most", level + 1)
    end
    return math.ceil(timeout * 1000)
end

-- Any method: http.request("PUT", url, { … }).
function http.request(method, url, given)
    given = given or {}
    local timeout = check(method:lower(), url, given, 2)
    local headers = {}
    for name, value in pairs(given.headers or {}) do headers[name] = tostring(value) end
    local body = body_of(given, headers)
    if given.query then
        url = url .. (url:find("?", 1, true) and "&" or "?") .. form_of(given.query)
    end
    local answer, why = host.request {
        method = method, url = url, headers = headers, body = body, timeout_ms = timeout,
    }
    if not answer then return nil, why end
    answer.ok = answer.status >= 200 and answer.status <= 299
    if (answer.headers["content-type"] or ""):find("json", 1, true) then
        answer.json = require("json").try_decode(answer.body)
    end
    return answer
end

function http.get(url, given) return http.request("GET", url, given) end
function http.post(url, given) return http.request("POST", url, given) end
function http.put(url, given) return http.request("PUT", url, given) end
function http.delete(url, given) return http.request("DELETE", url, given) end

return http
