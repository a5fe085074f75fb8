-- Lines in the call's journal and in the log.
--
--   local log = require "log"
--   log.info("order %s has %d items", id, n)      -- as string.format, when there is more than a text
--   log.warn(answer)                              -- a table is written as JSON
--
-- There is debug, info, warn and error. print() is log.info.

local host = require "almon.log"

local log = {}

local function text_of(first, ...)
    if type(first) == "table" then
        local done, text = pcall(function(value) return require("json").encode(value) end, first)
        return done and text or tostring(first)
    end
    if select("#", ...) == 0 or type(first) ~= "string" then return tostring(first) end
    return first:format(...)
end

for _, level in ipairs({ "debug", "info", "warn", "error" }) do
    log[level] = function(...) host.write(level, text_of(...)) end
end

return log
