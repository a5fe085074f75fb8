-- Opening hours, holidays and time zones.
--
--   local hours = require "hours"
--   local shop = {
--       zone = "Europe/Berlin",
--       ["mon-fri"] = "9:00-12:30, 13:30-18:00",
--       sat = "10-14",                               -- a day that is not named is closed
--       holidays = { ["12-25"] = "Christmas Day", ["easter+1"] = "Easter Monday",
--                    ["4 thu nov"] = "Thanksgiving", ["2026-07-04"] = true },
--       dates = { ["12-24"] = "9-12" },              -- instead of that day's usual hours
--   }
--   hours.open(shop)                        --> true; or false and the holiday's name, if it is one
--   local at, opens = hours.next_change(shop) -- when that changes, and to what
--   hours.say_time(at, "Europe/Berlin")     --> 9 AM
--
-- Times are seconds since 1970-01-01T00:00:00Z; where none is given it is now. "22-2" goes past
-- midnight and belongs to the day on which it begins; "0-24" is the whole day. Daylight saving time
-- follows each zone's present rules, also for past and future years; zones whose rules follow the
-- moon (Morocco, Palestine) are not here: write their offset, "UTC+1".

local hours = {}

local MINUTE <const>, HOUR <const>, DAY <const> = 60, 3600, 86400
local names <const> = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" }
local months <const> = { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec" }
local weekdays, month_numbers = {}, {}
for i, name in ipairs(names) do weekdays[name] = i end
for i, name in ipairs(months) do month_numbers[name] = i end

-- --- the calendar ---

-- Days since 1970-01-01, of any date of the Gregorian calendar.
local function day_number(year, month, day)
    local y = month <= 2 and year - 1 or year
    local era = y // 400
    local of_era = y - era * 400
    local of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

local function date_of(day)
    local z = day + 719468
    local era = z // 146097
    local of_era = z - era * 146097
    local y = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    local of_year = of_era - (365 * y + y // 4 - y // 100)
    local m = (5 * of_year + 2) // 153
    local month = m < 10 and m + 3 or m - 9
    return y + era * 400 + (month <= 2 and 1 or 0), month, of_year - (153 * m + 2) // 5 + 1
end

-- 1 is Sunday, as in os.date.
local function weekday_of(day)
    return (day + 4) % 7 + 1
end

-- The first such weekday on or after a day of a month; the last of the month when that day is 0.
local function weekday_from(year, month, weekday, from)
    if from == 0 then
        local last = (month == 12 and day_number(year + 1, 1, 1) or day_number(year, month + 1, 1)) - 1
        return last - (weekday_of(last) - weekday) % 7
    end
    local day = day_number(year, month, from)
    return day + (weekday - weekday_of(day)) % 7
end

-- The western churches' Easter Sunday (the anonymous Gregorian computus).
local function easter(year)
    local a, b, c = year % 19, year // 100, year % 100
    local h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    local l = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    local m = (a + 11 * h + 22 * l) // 451
    local n = h + l - 7 * m + 114
    return day_number(year, n // 31, n % 31 + 1)
end

-- --- zones ---

-- When the clocks change: month, weekday, on or after which day (0: the last of the month), seconds
-- behind that day's midnight, and whose midnight: "u" universal time, "s" standard time, "w" the
-- clock on the wall. First into daylight saving time, then out of it.
local rules <const> = {
    EU = { { 3, "sun", 0, HOUR, "u" }, { 10, "sun", 0, HOUR, "u" } },
    US = { { 3, "sun", 8, 2 * HOUR, "w" }, { 11, "sun", 1, 2 * HOUR, "w" } },
    AU = { { 10, "sun", 1, 2 * HOUR, "s" }, { 4, "sun", 1, 2 * HOUR, "s" } },
    NZ = { { 9, "sun", 0, 2 * HOUR, "s" }, { 4, "sun", 1, 2 * HOUR, "s" } },
    CL = { { 9, "sun", 2, 4 * HOUR, "u" }, { 4, "sun", 2, 3 * HOUR, "u" } },
    IL = { { 3, "fri", 23, 2 * HOUR, "w" }, { 10, "sun", 0, 2 * HOUR, "w" } },
    EG = { { 4, "fri", 0, 0, "w" }, { 10, "thu", 0, DAY, "w" } },
    LB = { { 3, "sun", 0, 0, "w" }, { 10, "sun", 0, 0, "w" } },
    CU = { { 3, "sun", 8, 0, "s" }, { 11, "sun", 1, 0, "s" } },
    MD = { { 3, "sun", 0, 2 * HOUR, "w" }, { 10, "sun", 0, 3 * HOUR, "w" } },
}

-- Minutes east of Greenwich in standard time, the rule (- none), the zones.
local zone_table = [[
0 EU Europe/London Europe/Dublin Europe/Lisbon Europe/Belfast Europe/Jersey Europe/Guernsey Europe/Isle_of_Man Atlantic/Canary Atlantic/Madeira Atlantic/Faroe
0 - UTC Etc/UTC GMT Atlantic/Reykjavik Africa/Abidjan Africa/Accra Africa/Dakar Africa/Bamako Africa/Monrovia
60 EU Europe/Berlin Europe/Paris Europe/Madrid Europe/Rome Europe/Vienna Europe/Zurich Europe/Amsterdam Europe/Brussels Europe/Luxembourg Europe/Copenhagen Europe/Oslo Europe/Stockholm Europe/Prague Europe/Warsaw Europe/Budapest Europe/Bratislava Europe/Ljubljana Europe/Zagreb Europe/Belgrade Europe/Sarajevo Europe/Skopje Europe/Podgorica Europe/Tirane Europe/Malta Europe/Monaco Europe/Andorra Europe/Vaduz Europe/San_Marino Europe/Vatican Europe/Gibraltar Arctic/Longyearbyen
60 - Africa/Lagos Africa/Algiers Africa/Tunis Africa/Kinshasa Africa/Luanda Africa/Douala
120 EU Europe/Athens Europe/Helsinki Europe/Kyiv Europe/Kiev Europe/Bucharest Europe/Sofia Europe/Riga Europe/Tallinn Europe/Vilnius Europe/Mariehamn Asia/Nicosia
120 MD Europe/Chisinau
120 EG Africa/Cairo
120 IL Asia/Jerusalem Asia/Tel_Aviv
120 LB Asia/Beirut
120 - Europe/Kaliningrad Africa/Johannesburg Africa/Tripoli Africa/Khartoum Africa/Harare Africa/Lusaka Africa/Maputo Africa/Windhoek Africa/Gaborone Africa/Kigali
180 - Europe/Moscow Europe/Minsk Europe/Istanbul Asia/Istanbul Europe/Volgograd Asia/Riyadh Asia/Baghdad Asia/Kuwait Asia/Qatar Asia/Bahrain Asia/Amman Asia/Damascus Asia/Aden Africa/Nairobi Africa/Addis_Ababa Africa/Kampala Africa/Dar_es_Salaam Indian/Antananarivo
210 - Asia/Tehran
240 - Asia/Dubai Asia/Muscat Asia/Baku Asia/Tbilisi Asia/Yerevan Europe/Samara Indian/Mauritius Indian/Reunion
270 - Asia/Kabul
300 - Asia/Karachi Asia/Tashkent Asia/Yekaterinburg Asia/Almaty Asia/Dushanbe Asia/Ashgabat Indian/Maldives
330 - Asia/Kolkata Asia/Calcutta Asia/Colombo
345 - Asia/Kathmandu
360 - Asia/Dhaka Asia/Omsk Asia/Thimphu Asia/Bishkek
390 - Asia/Yangon
420 - Asia/Bangkok Asia/Jakarta Asia/Ho_Chi_Minh Asia/Saigon Asia/Phnom_Penh Asia/Vientiane Asia/Novosibirsk Asia/Krasnoyarsk
480 - Asia/Shanghai Asia/Hong_Kong Asia/Macau Asia/Taipei Asia/Singapore Asia/Kuala_Lumpur Asia/Manila Asia/Makassar Asia/Irkutsk Asia/Ulaanbaatar Asia/Brunei Australia/Perth
540 - Asia/Tokyo Asia/Seoul Asia/Pyongyang Asia/Yakutsk Asia/Jayapura
570 AU Australia/Adelaide
570 - Australia/Darwin
600 AU Australia/Sydney Australia/Melbourne Australia/Hobart Australia/Canberra
600 - Australia/Brisbane Pacific/Guam Pacific/Port_Moresby Asia/Vladivostok
660 - Pacific/Noumea Pacific/Guadalcanal Asia/Magadan Asia/Sakhalin
720 NZ Pacific/Auckland
720 - Pacific/Fiji Asia/Kamchatka Pacific/Majuro
780 - Pacific/Tongatapu Pacific/Apia
-600 - Pacific/Honolulu Pacific/Tahiti Pacific/Rarotonga
-660 - Pacific/Pago_Pago
-540 US America/Anchorage America/Juneau
-480 US America/Los_Angeles America/Vancouver America/Tijuana
-420 US America/Denver America/Edmonton America/Boise America/Ciudad_Juarez
-420 - America/Phoenix America/Hermosillo America/Whitehorse
-360 US America/Chicago America/Winnipeg America/Matamoros
-360 - America/Mexico_City America/Monterrey America/Guatemala America/Costa_Rica America/El_Salvador America/Tegucigalpa America/Managua America/Belize America/Regina
-300 US America/New_York America/Toronto America/Detroit America/Montreal America/Port-au-Prince America/Nassau America/Indiana/Indianapolis America/Kentucky/Louisville
-300 CU America/Havana
-300 - America/Bogota America/Lima America/Guayaquil America/Panama America/Jamaica America/Cancun America/Rio_Branco
-240 US America/Halifax Atlantic/Bermuda America/Moncton
-240 CL America/Santiago
-240 - America/Puerto_Rico America/Caracas America/La_Paz America/Manaus America/Guyana America/Santo_Domingo America/Port_of_Spain America/Barbados America/Martinique America/Curacao
-210 US America/St_Johns
-180 US America/Miquelon
-180 - America/Sao_Paulo America/Argentina/Buenos_Aires America/Buenos_Aires America/Montevideo America/Asuncion America/Cayenne America/Paramaribo America/Bahia America/Fortaleza America/Recife
-120 EU America/Nuuk
-120 - America/Noronha
-60 EU Atlantic/Azores
-60 - Atlantic/Cape_Verde
]]

-- Read only when a name is looked for: making a table of them all would cost every call a
-- millisecond.
local function each_line()
    return zone_table:gmatch("(%-?%d+) (%S+)( [^\n]+)")
end

local known_zones = {}

local function find_zone(name)
    local zone = known_zones[name]
    if zone or not name:find("^[%w_/+-]+$") then return zone end
    for offset, rule, list in each_line() do
        if (list .. " "):find(" " .. name .. " ", 1, true) then
            zone = { offset = tonumber(offset) * MINUTE, rule = rules[rule] }
            known_zones[name] = zone
            return zone
        end
    end
end

-- The names of all zones, sorted.
function hours.zones()
    local names_of = {}
    for _, _, list in each_line() do
        for name in list:gmatch("%S+") do names_of[#names_of + 1] = name end
    end
    table.sort(names_of)
    return names_of
end

local function zone_of(name, level)
    local zone = find_zone(tostring(name or "UTC"))
    if zone then return zone end
    local sign, h, m = tostring(name):match("^[UG][TM][CT]([+-])(%d%d?):?(%d?%d?)$")
    if not sign then sign, h, m = tostring(name):match("^([+-])(%d%d):?(%d%d)$") end
    if sign and tonumber(h) <= 14 and (tonumber(m) or 0) < 60 then
        local offset = tonumber(h) * HOUR + (tonumber(m) or 0) * MINUTE
        return { offset = sign == "-" and -offset or offset }
    end
    local last = tostring(name):lower():match("([^/]+)$") or ""
    for _, known in ipairs(hours.zones()) do
        if known:lower():match("([^/]+)$") == last:gsub(" ", "_") then
            error(("hours: there is no zone %q; did you mean %q?"):format(tostring(name), known), level + 1)
        end
    end
    error(("hours: there is no zone %q; hours.zones() lists them, or write \"UTC+2\"")
        :format(tostring(name)), level + 1)
end

local function change(year, zone, rule, saving)
    local month, weekday, from, seconds, whose = table.unpack(rule)
    local at = weekday_from(year, month, weekdays[weekday], from) * DAY + seconds
    if whose ~= "u" then at = at - zone.offset end
    if whose == "w" and saving then at = at - HOUR end
    return at
end

-- When daylight saving time begins and ends in a year; nil where there is none.
local function changes(zone, year)
    if not zone.rule then return nil end
    zone.years = zone.years or {}
    local known = zone.years[year]
    if not known then
        known = { change(year, zone, zone.rule[1], false), change(year, zone, zone.rule[2], true) }
        zone.years[year] = known
    end
    return known[1], known[2]
end

local function offset_at(zone, time)
    if not zone.rule then return zone.offset, false end
    local year = date_of((time + zone.offset) // DAY)
    local first, last = changes(zone, year)
    local saving
    if first < last then
        saving = time >= first and time < last
    else
        saving = time >= first or time < last
    end
    return zone.offset + (saving and HOUR or 0), saving
end

-- The clock on the wall: a table { year, month, day, hour, min, sec, weekday ("mon" …), date
-- ("2026-12-24"), offset (seconds), dst }.
function hours.localtime(time, zone)
    time = math.floor(time or hours.now())
    local offset, saving = offset_at(zone_of(zone, 2), time)
    local at = time + offset
    local year, month, day = date_of(at // DAY)
    local seconds = at % DAY
    return { year = year, month = month, day = day, hour = seconds // HOUR,
        min = seconds % HOUR // MINUTE, sec = seconds % MINUTE,
        weekday = names[weekday_of(at // DAY)],
        date = ("%04d-%02d-%02d"):format(year, month, day), offset = offset, dst = saving }
end

local function to_time(zone, at)
    local time = at - zone.offset
    -- Twice an hour when the clocks go back: the first. Never when they go forward: an hour later.
    if zone.rule and select(2, offset_at(zone, time - HOUR)) then
        return time - HOUR
    end
    return time
end

-- The reverse: hours.time({ year = 2026, month = 12, day = 24, hour = 9 }, "Europe/Berlin").
function hours.time(date, zone)
    local at = day_number(date.year, date.month, date.day) * DAY
        + (date.hour or 0) * HOUR + (date.min or 0) * MINUTE + (date.sec or 0)
    return to_time(zone_of(zone, 2), at)
end

-- The present, by the clock of the loop that the call runs on.
function hours.now()
    local has, clock = pcall(require, "almon.time")
    if has then return clock.now() // 1000 end
    return os.time() -- in plain Lua
end

-- --- the spec ---

local function mistake(where, text, level)
    error(("hours: %s: %s"):format(where, text), level + 1)
end

local function minutes(text)
    local h, m, half = text:match("^(%d%d?):(%d%d)%s*([ap]?m?)$")
    if not h then h, half = text:match("^(%d%d?)%s*([ap]?m?)$") end
    if not h or #half == 1 then return nil end
    h, m = tonumber(h), tonumber(m) or 0
    if half ~= "" then
        if h < 1 or h > 12 then return nil end
        h = h % 12 + (half == "pm" and 12 or 0)
    end
    if h > 24 or m > 59 or (h == 24 and m > 0) then return nil end
    return h * 60 + m
end

-- "9-12:30, 13:30-18" → { { 540, 750 }, … }; an end before its begin is on the next day.
local function intervals(text, where, level)
    if text == "closed" or text == false or text == "" then return {} end
    if type(text) ~= "string" then
        mistake(where, "hours are a text like \"9:00-17:30\" or \"closed\"", level + 1)
    end
    local list = {}
    for part in text:gmatch("[^,]+") do
        local from, to = part:lower():match("^%s*([%d:apm ]-)%s*%-%s*([%d:apm ]-)%s*$")
        local first, last = from and minutes(from), to and minutes(to)
        if not first or not last then
            mistake(where, ("%q is not like \"9:00-17:30\""):format(part), level + 1)
        end
        if last <= first then last = last + 24 * 60 end
        list[#list + 1] = { first, last }
    end
    return list
end

local function add_days(week, key, list, where, level)
    for part in key:lower():gmatch("[^,%s]+") do
        local from, to = part:match("^(%a%a%a)%a*%-(%a%a%a)%a*$")
        if not from then from = part:match("^(%a%a%a)%a*$") to = from end
        local first, last = weekdays[from], weekdays[to]
        if part == "daily" then first, last = 1, 7 end
        if not first or not last then
            mistake(where, "no such key; there are zone, holidays, dates, daily, and days like mon, sat, mon-fri",
                level + 1)
        end
        if last < first then last = last + 7 end
        for day = first, last do week[(day - 1) % 7 + 1] = list end
    end
end

-- A function year → day number, or nil when there is no such day in that year.
local function date_rule(text, where, level)
    local y, m, d = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)$")
    if not y then m, d = text:match("^(%d%d)%-(%d%d)$") end
    if m then
        y, m, d = tonumber(y), tonumber(m), tonumber(d)
        if m < 1 or m > 12 or d < 1 or d > 31 then mistake(where, "there is no such date", level + 1) end
        return function(year)
            if y and y ~= year then return nil end
            local day = day_number(year, m, d)
            return select(2, date_of(day)) == m and day or nil
        end
    end
    local days = text:match("^easter%s*([+-]?%d*)$")
    if days then
        days = days == "" and 0 or tonumber(days)
        if days then return function(year) return easter(year) + days end end
    end
    local n, weekday, month = text:lower():match("^(%w+) (%a%a%a)%a* (%a%a%a)%a*$")
    local nth = n == "last" and 0 or tonumber(n and n:match("^([1-5])") or nil)
    if nth and weekdays[weekday] and month_numbers[month] then
        return function(year)
            local from = nth == 0 and 0 or nth * 7 - 6
            local day = weekday_from(year, month_numbers[month], weekdays[weekday], from)
            return select(2, date_of(day)) == month_numbers[month] and day or nil
        end
    end
    mistake(where, "a date is like \"2026-12-25\", \"12-25\", \"easter+1\", \"4 thu nov\" or \"last mon may\"",
        level + 1)
end

local compiled = setmetatable({}, { __mode = "k" })

-- Checks a spec, once.
local function compile(spec, level)
    if type(spec) ~= "table" then
        error("hours: the first argument is the table of opening hours, not a " .. type(spec), level + 1)
    end
    local known = compiled[spec]
    if known then return known end
    local c = { zone = zone_of(spec.zone, level + 1), week = {}, dates = {} }
    local keys = {}
    for key in pairs(spec) do keys[#keys + 1] = tostring(key) end
    -- Ranges before single days, so that sat = … wins over ["mon-sat"] = ….
    table.sort(keys, function(a, b)
        if #a ~= #b then return #a > #b end
        return a < b
    end)
    for _, key in ipairs(keys) do
        if key ~= "zone" and key ~= "holidays" and key ~= "dates" then
            add_days(c.week, key, intervals(spec[key], key, level + 1), key, level + 1)
        end
    end
    for key, name in pairs(spec.holidays or {}) do
        local text = type(key) == "number" and name or key
        if type(text) ~= "string" then mistake("holidays", "a date is a text", level + 1) end
        c.dates[#c.dates + 1] = { text = text, rule = date_rule(text, "holidays: " .. text, level + 1),
            list = {}, holiday = type(name) == "string" and name or text }
    end
    for key, list in pairs(spec.dates or {}) do
        local where = "dates: " .. tostring(key)
        if type(key) ~= "string" then mistake(where, "write [\"12-24\"] = \"9-12\"", level + 1) end
        c.dates[#c.dates + 1] = { text = key, rule = date_rule(key, where, level + 1),
            list = intervals(list, where, level + 1), wins = true }
    end
    -- Named hours win over holidays; beyond that the order must not depend on the table's.
    table.sort(c.dates, function(a, b)
        if a.wins ~= b.wins then return a.wins == true end
        return a.text < b.text
    end)
    compiled[spec] = c
    return c
end

-- The intervals of a day, and its holiday's name.
local function of_day(c, day)
    local year = date_of(day)
    for _, date in ipairs(c.dates) do
        if date.rule(year) == day then return date.list, date.holiday end
    end
    return c.week[weekday_of(day)] or {}
end

local function within(list, minute)
    for _, each in ipairs(list) do
        if minute >= each[1] and minute < each[2] then return true end
    end
    return false
end

local function is_open(c, time)
    local at = time + offset_at(c.zone, time)
    local day, minute = at // DAY, at % DAY / 60
    local list, holiday = of_day(c, day)
    if within(list, minute) or within((of_day(c, day - 1)), minute + 24 * 60) then return true end
    return false, holiday
end

-- --- what flows ask ---

-- true; or false, and the name of the holiday when it is one.
function hours.open(spec, time)
    return is_open(compile(spec, 2), math.floor(time or hours.now()))
end

-- All instants of some days at which anything can change, sorted: both readings of each time of
-- day, since the clocks may change on it, and the changes of the clocks themselves.
local function instants(c, first, last)
    local list = {}
    for day = first, last do
        for _, each in ipairs((of_day(c, day))) do
            for i = 1, 2 do
                local at = day * DAY + each[i] * 60 - c.zone.offset
                list[#list + 1] = at
                if c.zone.rule then list[#list + 1] = at - HOUR end
            end
        end
    end
    local begins, ends = changes(c.zone, (date_of(first)))
    if begins then
        list[#list + 1], list[#list + 2] = begins, ends
    end
    table.sort(list)
    return list
end

-- When it next opens or closes, and whether it opens then; nil when that does not happen within
-- thirteen months.
function hours.next_change(spec, time)
    local c = compile(spec, 2)
    time = math.floor(time or hours.now())
    local now = is_open(c, time)
    local today = (time + c.zone.offset) // DAY
    for first = today, today + 396, 7 do
        for _, at in ipairs(instants(c, first - 2, first + 8)) do
            if at > time and (is_open(c, at)) ~= now then return at, not now end
        end
    end
    return nil
end

-- --- for people ---

local full <const> = { sun = "Sunday", mon = "Monday", tue = "Tuesday", wed = "Wednesday",
    thu = "Thursday", fri = "Friday", sat = "Saturday" }

-- "9 AM", "5:30 PM", "noon", "midnight".
function hours.say_time(time, zone)
    local t = hours.localtime(time, zone)
    if t.min == 0 and t.hour % 12 == 0 then return t.hour == 0 and "midnight" or "noon" end
    local h = (t.hour + 11) % 12 + 1
    local half = t.hour < 12 and "AM" or "PM"
    if t.min == 0 then return ("%d %s"):format(h, half) end
    return ("%d:%02d %s"):format(h, t.min, half)
end

-- "today", "tomorrow", "on Monday", "on 24 December".
function hours.say_day(time, zone, now)
    local t, n = hours.localtime(time, zone), hours.localtime(now, zone)
    local ahead = day_number(t.year, t.month, t.day) - day_number(n.year, n.month, n.day)
    if ahead == 0 then return "today" end
    if ahead == 1 then return "tomorrow" end
    if ahead > 1 and ahead < 7 then return "on " .. full[t.weekday] end
    return ("on %d %s"):format(t.day, ({ "January", "February", "March", "April", "May", "June", "July",
        "August", "September", "October", "November", "December" })[t.month])
end

return hours
