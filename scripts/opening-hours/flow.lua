-- Open: your flow. Closed: when you open again, by your own clock, holidays included.

local company = "Acme"
local opening = {
    zone = "America/New_York",
    ["mon-fri"] = "9:00-17:30",
    sat = "10-14",
    holidays = {
        ["01-01"] = "New Year's Day", ["07-04"] = "Independence Day", ["4 thu nov"] = "Thanksgiving",
        ["12-25"] = "Christmas Day",
    },
    dates = { ["12-24"] = "9-12" },
}
local voice = "woman"
-- Where a call goes on while you are open: a file of this folder or a URL of your application.
local open_flow = "open.xml"

local hours = require "hours"

return function(call)
    local now = hours.now()
    local open, holiday = hours.open(opening, now)
    if open then return call:redirect(open_flow) end

    local text = ("Thank you for calling %s. We are closed%s."):format(company,
        holiday and " today for " .. holiday or " at the moment")
    local at, opens = hours.next_change(opening, now)
    if at and opens then
        text = ("%s We open again %s at %s."):format(text, hours.say_day(at, opening.zone, now),
            hours.say_time(at, opening.zone))
    end
    call:say { text .. " Goodbye.", voice = voice }
end
