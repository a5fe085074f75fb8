-- A survey: asks, keeps the answers, and hands each finished row to your application as CSV.

-- What is asked: a text and the keys that are answers; or record = seconds, for an answer in words.
local questions = {
    { name = "service", text = "How was our service, from 1, poor, to 5, excellent?", keys = "12345" },
    { name = "again", text = "Would you call us again? Press 1 for yes, 2 for no.", keys = "12" },
    { name = "words", text = "If you like, tell us more after the tone. Press the hash key when you are done.", record = 60 },
}
local hello = "Thank you for taking part in our survey. There are three short questions."
local thanks = "That was all. Thank you, and goodbye."
local voice = "woman"
-- Each row is posted here as one line of CSV; receive.mjs appends it to a file. false: rows are only kept.
local rows_url = "http://127.0.0.1:3000/survey"

local hours = require "hours"
local http = require "http"
local kv = require "kv"
local log = require "log"
local template = require "template"

-- The key that was pressed, asked for three times at most; "" when there was no right one.
local function ask_key(call, question)
    for attempt = 1, 3 do
        local got = call:gather { numDigits = 1, timeout = 6, finishOnKey = "",
            say = { question.text, voice = voice } }
        local key = got.digits or ""
        if key ~= "" and question.keys:find(key, 1, true) then return key end
        if attempt < 3 then call:say { "Sorry, I did not get that.", voice = voice } end
    end
    return ""
end

local function ask_words(call, question)
    call:say { question.text, voice = voice }
    local got = call:record { maxLength = question.record, timeout = 4, finishOnKey = "#" }
    return got.recordingUrl or ""
end

local function line_of(row)
    local fields = { row.time, row.from }
    for i, question in ipairs(questions) do fields[i + 2] = row.answers[question.name] or "" end
    return template.csv(fields)
end

-- Hands over what is still here, the oldest first; what is not taken stays for the next call.
local function deliver()
    for _, row in ipairs(kv.list("row/", 20)) do
        local claim = "claim/" .. row.key -- two calls that end together must not hand over the same row
        if kv.increment(claim, 1, "1m") == 1 then
            local answer, why = http.post(rows_url,
                { body = line_of(row.value), headers = { ["Content-Type"] = "text/csv" } })
            if not (answer and answer.ok) then
                kv.delete(claim)
                return log.warn("survey: %s did not take a row: %s", rows_url, why or "status " .. answer.status)
            end
            kv.delete(row.key)
        end
    end
end

return function(call)
    local now = hours.localtime()
    local row = { time = ("%s %02d:%02d:%02d"):format(now.date, now.hour, now.min, now.sec),
        from = call.from, answers = {} }

    -- Whoever ends the call: what was answered until then counts.
    call:on_hangup(function()
        if next(row.answers) == nil then return end
        kv.set(("row/%s/%s"):format(row.time, call.sid), row)
        if rows_url then deliver() end
    end)

    call:say { hello, voice = voice }
    for _, question in ipairs(questions) do
        row.answers[question.name] = question.record and ask_words(call, question) or ask_key(call, question)
    end
    call:say { thanks, voice = voice }
end
