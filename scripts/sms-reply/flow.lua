-- Answers text messages by their first word, and by the hour.

local company = "Acme"
-- By the first word, in capitals or not. `media = "https://…"` sends a picture along.
local answers = {
    { words = { "hours", "open", "closed" }, text = "We are open Monday to Friday, 9 AM to 5:30 PM." },
    { words = { "address", "where" }, text = "12 Example Street, Springfield." },
    { words = { "price", "prices" }, text = "A wash is $12, with wax $19." },
}
-- For any other text: while you are open it is passed on to your application, when it is named here.
local otherwise = "Thank you, somebody will write back to you soon. Or write HOURS, ADDRESS or PRICES."
local closed = "Thank you. We are closed, and open again {day} at {time}."
local pass_on_to = nil -- "http://127.0.0.1:3000/texts": told From, To, Body and MessageSid
local opening = {
    zone = "America/New_York",
    ["mon-fri"] = "9:00-17:30",
    holidays = { ["01-01"] = true, ["07-04"] = true, ["4 thu nov"] = true, ["12-25"] = true },
}
local most_an_hour = 20 -- replies to one number: two machines that answer each other come to an end

local hours = require "hours"
local http = require "http"
local kv = require "kv"
local log = require "log"
local template = require "template"

local function set(...)
    local s = {}
    for _, word in ipairs { ... } do s[word] = true end
    return s
end
local stop = set("stop", "stopall", "unsubscribe", "cancel", "end", "quit")
local start = set("start", "yes", "unstop")
local help = set("help", "info")

-- The text without white space around it, small.
local function plain(text)
    return (text:lower():match("^%s*(.-)%s*$"))
end

local function answer_to(word)
    for _, row in ipairs(answers) do
        for _, each in ipairs(row.words) do
            if word == each then return row end
        end
    end
end

local function pass_on(message)
    if not pass_on_to then return end
    local got, why = http.post(pass_on_to, { form = { From = message.from, To = message.to,
        Body = message.body, MessageSid = message.sid } })
    if not (got and got.ok) then
        log.error("sms-reply: %s did not take it: %s", pass_on_to, why or "status " .. got.status)
    end
end

-- What somebody who wants no more texts says, and how he comes back: true when that was it.
local function opts(message, text)
    local key = "stopped/" .. message.from
    if stop[text] then
        kv.set(key, true)
        message:reply(company .. ": you will get no more messages. Write START to get them again.")
    elseif kv.get(key) then
        if start[text] then
            kv.delete(key)
            message:reply(company .. ": welcome back. Write STOP to end this.")
        end
    elseif help[text] then
        message:reply(company .. ": write HOURS, ADDRESS or PRICES. STOP ends this.")
    else
        return false
    end
    return true
end

return function(message)
    if kv.increment("texts/" .. message.from, 1, "1h") > most_an_hour then
        return log.warn("sms-reply: %s wrote more than %d times in an hour", message.from, most_an_hour)
    end
    local text = plain(message.body)
    if opts(message, text) then return end

    local row = answer_to(text:match("^%w+") or "")
    if row then return message:reply { row.text, media = row.media } end

    pass_on(message)
    local now = hours.now()
    if hours.open(opening, now) then return message:reply(otherwise) end
    local at = hours.next_change(opening, now)
    message:reply(template.fill(closed, { day = hours.say_day(at, opening.zone, now),
        time = hours.say_time(at, opening.zone) }))
end
