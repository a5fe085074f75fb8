local hours = require "hours"
local test = require "test"

local function at(text, zone)
    local y, mo, d, h, mi, s = text:match("(%d+)-(%d+)-(%d+) (%d+):(%d+):?(%d*)")
    return hours.time({ year = tonumber(y), month = tonumber(mo), day = tonumber(d), hour = tonumber(h),
        min = tonumber(mi), sec = tonumber(s) or 0 }, zone)
end

local function shown(time, zone)
    local t = hours.localtime(time, zone)
    return ("%s %s %02d:%02d"):format(t.weekday, t.date, t.hour, t.min)
end

local shop = {
    zone = "Europe/Berlin",
    ["mon-fri"] = "9:00-12:30, 13:30-18:00",
    sat = "10am-2pm",
    holidays = { ["12-25"] = "Christmas Day", ["easter+1"] = "Easter Monday", "2026-10-03" },
    dates = { ["12-24"] = "9-12" },
}

case("hours: the clocks change to the second", function()
    -- Taken from the IANA database: the last second before, and the first after.
    for _, each in ipairs({
        { "Europe/Berlin", 1774745999, 3600, 7200 }, { "Europe/Berlin", 1792889999, 7200, 3600 },
        { "America/New_York", 1772953199, -18000, -14400 }, { "America/New_York", 1793512799, -14400, -18000 },
        { "Australia/Sydney", 1775318399, 39600, 36000 }, { "Australia/Sydney", 1791043199, 36000, 39600 },
        { "Asia/Jerusalem", 1774569599, 7200, 10800 }, { "Africa/Cairo", 1776981599, 7200, 10800 },
        { "America/Santiago", 1775357999, -10800, -14400 }, { "Asia/Kolkata", 1775357999, 19800, 19800 },
    }) do
        test.equal(hours.localtime(each[2], each[1]).offset, each[3], each[1])
        test.equal(hours.localtime(each[2] + 1, each[1]).offset, each[4], each[1])
    end
end)

case("hours: dates of every kind are right", function()
    test.equal(shown(0, "UTC"), "thu 1970-01-01 00:00")
    test.equal(shown(1767225600, "UTC"), "thu 2026-01-01 00:00")
    test.equal(shown(951782400, "UTC"), "tue 2000-02-29 00:00")
    test.equal(shown(4107542400, "UTC"), "mon 2100-03-01 00:00") -- 2100 is no leap year
    test.equal(shown(-1, "UTC"), "wed 1969-12-31 23:59")
    test.equal(shown(1767225600, "UTC+5:30"), "thu 2026-01-01 05:30")
    test.equal(shown(1767225600, "-03:00"), "wed 2025-12-31 21:00")
end)

case("hours: open and closed through a week", function()
    for text, want in pairs({
        ["2026-11-23 08:59:59"] = false, ["2026-11-23 09:00"] = true, ["2026-11-23 12:29:59"] = true,
        ["2026-11-23 12:30"] = false, ["2026-11-23 13:30"] = true, ["2026-11-23 18:00"] = false,
        ["2026-11-28 13:59"] = true, ["2026-11-28 14:00"] = false, ["2026-11-29 11:00"] = false,
    }) do
        test.equal((hours.open(shop, at(text, shop.zone))), want, text)
    end
end)

case("hours: holidays close, with their name; named dates have hours of their own", function()
    local open, name = hours.open(shop, at("2026-12-25 10:00", shop.zone))
    test.equal({ open, name }, { false, "Christmas Day" })
    test.equal(select(2, hours.open(shop, at("2026-04-06 10:00", shop.zone))), "Easter Monday")
    test.equal(select(2, hours.open(shop, at("2027-03-29 10:00", shop.zone))), "Easter Monday")
    test.equal(select(2, hours.open(shop, at("2026-10-03 10:00", shop.zone))), "2026-10-03")
    test.equal((hours.open(shop, at("2026-12-24 11:00", shop.zone))), true)
    test.equal((hours.open(shop, at("2026-12-24 14:00", shop.zone))), false)
    local american = { daily = "9-17", zone = "America/New_York", holidays = { ["4 thu nov"] = "Thanksgiving",
        ["last mon may"] = "Memorial Day" } }
    test.equal(select(2, hours.open(american, at("2026-11-26 10:00", american.zone))), "Thanksgiving")
    test.equal(select(2, hours.open(american, at("2026-05-25 10:00", american.zone))), "Memorial Day")
    test.equal((hours.open(american, at("2026-11-19 10:00", american.zone))), true)
end)

case("hours: a night belongs to the day on which it begins", function()
    local bar = { ["fri-sat"] = "22-4", zone = "Europe/London" }
    test.equal((hours.open(bar, at("2026-11-27 23:00", bar.zone))), true)
    test.equal((hours.open(bar, at("2026-11-28 03:59", bar.zone))), true)
    test.equal((hours.open(bar, at("2026-11-28 04:00", bar.zone))), false)
    test.equal((hours.open(bar, at("2026-11-29 02:00", bar.zone))), true)
    test.equal((hours.open(bar, at("2026-11-30 02:00", bar.zone))), false)
end)

case("hours: the next change is found over nights, weekends, holidays and changes of the clocks", function()
    local function next_after(text, spec)
        local time, opens = hours.next_change(spec, at(text, spec.zone))
        return time and shown(time, spec.zone) .. (opens and " opens" or " closes")
    end
    test.equal(next_after("2026-11-23 10:00", shop), "mon 2026-11-23 12:30 closes")
    test.equal(next_after("2026-11-23 12:30", shop), "mon 2026-11-23 13:30 opens")
    test.equal(next_after("2026-11-27 20:00", shop), "sat 2026-11-28 10:00 opens")
    test.equal(next_after("2026-11-28 14:00", shop), "mon 2026-11-30 09:00 opens")
    test.equal(next_after("2026-12-24 12:00", shop), "sat 2026-12-26 10:00 opens")
    test.equal(next_after("2026-10-24 20:00", shop), "mon 2026-10-26 09:00 opens") -- an hour more
    test.equal(next_after("2026-03-28 20:00", shop), "mon 2026-03-30 09:00 opens") -- an hour less
    local early = { daily = "2:30-4", zone = "Europe/Berlin" } -- on 29 March there is no 2:30
    test.equal(next_after("2026-03-29 01:00", early), "sun 2026-03-29 03:00 opens")
    test.equal(next_after("2026-11-23 10:00", { daily = "0-24" }), nil)
    test.equal(next_after("2026-11-23 10:00", { zone = "UTC" }), nil)
    test.equal(next_after("2026-11-23 10:00", { dates = { ["2027-06-01"] = "9-10" } }), "tue 2027-06-01 09:00 opens")
end)

case("hours: a single day wins over a range, in whatever order", function()
    local spec = { ["mon-sun"] = "9-17", wed = "closed", ["sat,sun"] = "10-11", ["fri-mon"] = "9-12" }
    test.equal((hours.open(spec, at("2026-11-25 10:00", "UTC"))), false)
    test.equal((hours.open(spec, at("2026-11-26 16:00", "UTC"))), true)
    test.equal((hours.open(spec, at("2026-11-28 09:30", "UTC"))), false)
end)

case("hours: without a time it is now", function()
    host.now = at("2026-11-23 10:00", "UTC") * 1000 + 999
    test.equal((hours.open({ mon = "9-17" })), true)
    test.equal((hours.open({ tue = "9-17" })), false)
end)

case("hours: mistakes name the place and what is right", function()
    test.raises(function() hours.open({ zone = "Berlin" }, 0) end, 'did you mean "Europe/Berlin"')
    test.raises(function() hours.open({ zone = "Mars" }, 0) end, 'no zone "Mars"')
    test.raises(function() hours.open({ monday_ = "9-17" }, 0) end, "no such key")
    test.raises(function() hours.open({ mon = "9 til 5" }, 0) end, 'mon: "9 til 5" is not like')
    test.raises(function() hours.open({ mon = "9-25" }, 0) end, "is not like")
    test.raises(function() hours.open({ mon = 9 }, 0) end, "hours are a text")
    test.raises(function() hours.open({ holidays = { "25.12." } }, 0) end, "a date is like")
    test.raises(function() hours.open({ holidays = { "13-25" } }, 0) end, "no such date")
    local why = test.raises(function() hours.open("9-17", 0) end, "table of opening hours")
    assert(why:find("hours_test.lua", 1, true), why)
end)

case("hours: times are said as people say them", function()
    local zone = "Europe/Berlin"
    test.equal(hours.say_time(at("2026-11-23 09:00", zone), zone), "9 AM")
    test.equal(hours.say_time(at("2026-11-23 17:30", zone), zone), "5:30 PM")
    test.equal(hours.say_time(at("2026-11-23 12:00", zone), zone), "noon")
    test.equal(hours.say_time(at("2026-11-23 00:00", zone), zone), "midnight")
    test.equal(hours.say_time(at("2026-11-23 00:05", zone), zone), "12:05 AM")
    local now = at("2026-11-23 22:00", zone)
    test.equal(hours.say_day(now, zone, now), "today")
    test.equal(hours.say_day(at("2026-11-24 01:00", zone), zone, now), "tomorrow")
    test.equal(hours.say_day(at("2026-11-27 09:00", zone), zone, now), "on Friday")
    test.equal(hours.say_day(at("2026-12-07 09:00", zone), zone, now), "on 7 December")
end)
