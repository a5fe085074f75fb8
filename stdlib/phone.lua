-- Telephone numbers: normalised to E.164, written for people, their country.
--
--   local phone = require "phone"
--   phone.normalise("(020) 7946 0018", "GB")        --> +442079460018
--   phone.normalise("00 49 30 123456", "GB")        --> +4930123456
--   phone.format("+12025550143")                    --> +1 202-555-0143
--   phone.format("+12025550143", "national")        --> (202) 555-0143
--   phone.country("+442079460018")                  --> GB
--   phone.spell("+12025550143")                     --> 2 0 2, 5 5 5, 0 1 4 3
--
-- A number is judged by its calling code and its length, not by whether anybody has it: numbering
-- plans change every week, lengths hardly ever.

local phone = {}

-- calling code, country, shortest and longest national number, what is dialled before it inside the
-- country (- nothing). A code that several share names the largest; +1 and +7 are told apart below.
local plan = [[
|1 US 10 10 1
20 EG 8 10 0|211 SS 9 9 0|212 MA 9 9 0|213 DZ 8 9 0|216 TN 8 8 -|218 LY 8 9 0
220 GM 7 7 -|221 SN 9 9 -|222 MR 8 8 -|223 ML 8 8 -|224 GN 8 9 -|225 CI 10 10 -|226 BF 8 8 -|227 NE 8 8 -
228 TG 8 8 -|229 BJ 8 10 -|230 MU 7 8 -|231 LR 7 9 0|232 SL 8 8 0|233 GH 9 9 0|234 NG 8 10 0|235 TD 8 8 -
236 CF 8 8 -|237 CM 8 9 -|238 CV 7 7 -|239 ST 7 7 -|240 GQ 9 9 -|241 GA 7 8 0|242 CG 9 9 -|243 CD 7 9 0
244 AO 9 9 -|245 GW 7 9 -|246 IO 7 7 -|247 AC 4 6 -|248 SC 7 7 -|249 SD 9 9 0|250 RW 8 9 0|251 ET 9 9 0
252 SO 6 9 0|253 DJ 8 8 -|254 KE 7 10 0|255 TZ 7 9 0|256 UG 9 9 0|257 BI 8 8 -|258 MZ 8 9 -|260 ZM 9 9 0
261 MG 9 9 0|262 RE 9 9 0|263 ZW 5 10 0|264 NA 8 9 0|265 MW 7 9 0|266 LS 8 8 -|267 BW 7 8 -|268 SZ 8 8 -
269 KM 7 7 -|27 ZA 9 9 0|290 SH 4 5 -|291 ER 7 7 0|297 AW 7 7 -|298 FO 6 6 -|299 GL 6 6 -
30 GR 10 10 -|31 NL 9 11 0|32 BE 8 9 0|33 FR 9 9 0|34 ES 9 9 -|350 GI 8 8 -|351 PT 9 9 -|352 LU 4 11 -
353 IE 7 10 0|354 IS 7 9 -|355 AL 6 9 0|356 MT 8 8 -|357 CY 8 8 -|358 FI 5 12 0|359 BG 7 9 0|36 HU 8 9 06
370 LT 8 8 0|371 LV 8 8 -|372 EE 7 8 -|373 MD 8 8 0|374 AM 8 8 0|375 BY 9 10 8|376 AD 6 9 -|377 MC 8 9 0
378 SM 6 10 -|379 VA 6 11 -|380 UA 9 9 0|381 RS 6 12 0|382 ME 8 9 0|383 XK 8 9 0|385 HR 8 9 0|386 SI 8 8 0
387 BA 8 9 0|389 MK 8 8 0|39 IT 6 11 -|40 RO 9 9 0|41 CH 9 9 0|420 CZ 9 9 -|421 SK 9 9 0|423 LI 7 9 -
43 AT 4 13 0|44 GB 9 10 0|45 DK 8 8 -|46 SE 7 10 0|47 NO 8 8 -|48 PL 9 9 -|49 DE 5 13 0
500 FK 5 5 -|501 BZ 7 7 -|502 GT 8 8 -|503 SV 7 8 -|504 HN 8 8 -|505 NI 8 8 -|506 CR 8 8 -|507 PA 7 8 -
508 PM 6 9 0|509 HT 8 8 -|51 PE 8 9 0|52 MX 10 10 -|53 CU 6 8 0|54 AR 10 11 0|55 BR 10 11 0|56 CL 9 9 -
57 CO 10 10 -|58 VE 10 10 0|590 GP 9 9 0|591 BO 8 9 0|592 GY 7 7 -|593 EC 8 9 0|594 GF 9 9 0|595 PY 7 9 0
596 MQ 9 9 0|597 SR 6 7 -|598 UY 7 8 0|599 CW 7 8 -
60 MY 8 10 0|61 AU 9 9 0|62 ID 7 12 0|63 PH 8 10 0|64 NZ 8 10 0|65 SG 8 8 -|66 TH 8 9 0|670 TL 7 8 -
672 NF 5 6 -|673 BN 7 7 -|674 NR 7 7 -|675 PG 7 8 -|676 TO 5 7 -|677 SB 5 7 -|678 VU 5 7 -|679 FJ 7 7 -
680 PW 7 7 -|681 WF 6 6 -|682 CK 5 5 -|683 NU 4 7 -|685 WS 5 7 -|686 KI 5 8 -|687 NC 6 6 -|688 TV 5 7 -
689 PF 6 8 -|690 TK 4 7 -|691 FM 7 7 -|692 MH 7 7 1
7 RU 10 10 8|81 JP 9 10 0|82 KR 8 11 0|84 VN 9 10 0|850 KP 8 10 0|852 HK 8 8 -|853 MO 8 8 -|855 KH 8 9 0
856 LA 8 10 0|86 CN 10 11 0|880 BD 8 10 0|886 TW 8 9 0|90 TR 10 10 0|91 IN 10 10 0|92 PK 9 10 0|93 AF 9 9 0
94 LK 9 9 0|95 MM 7 10 0|960 MV 7 7 -|961 LB 7 8 0|962 JO 8 9 0|963 SY 8 9 0|964 IQ 8 10 0|965 KW 7 8 -
966 SA 8 9 0|967 YE 7 9 0|968 OM 8 8 -|970 PS 8 9 0|971 AE 7 9 0|972 IL 8 9 0|973 BH 8 8 -|974 QA 7 8 -
975 BT 7 8 -|976 MN 8 8 0|977 NP 8 10 0|98 IR 10 10 0|992 TJ 9 9 -|993 TM 8 8 8|994 AZ 9 9 0|995 GE 9 9 0
996 KG 9 9 0|998 UZ 9 9 -
]]

-- Who else is behind +1, by area code; the rest is the United States. (Canada's are several.)
local american = {
    CA = "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 431 437 438 450 460 "
        .. "468 474 506 514 519 548 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 "
        .. "825 867 873 879 902 905",
    AG = "268", AI = "264", AS = "684", BB = "246", BM = "441", BS = "242", DM = "767",
    DO = "809 829 849", GD = "473", GU = "671", JM = "658 876", KN = "869", KY = "345", LC = "758",
    MP = "670", MS = "664", PR = "787 939", SX = "721", TC = "649", TT = "868", VC = "784",
    VG = "284", VI = "340",
}

-- How a national number is grouped: rules, the first that fits counts. A rule says how the number
-- begins (a pattern), how long it is (0: any), the sizes of the groups (0: the rest), how it is
-- written inside the country, and abroad where that is not with spaces.
local groups = {
    AT = "1;0;1 0;0%s %s|;0;3 0;0%s %s",
    AU = "4;9;3 3 3;0%s %s %s|1[38]00;9;4 3 3;%s %s %s|;9;1 4 4;(0%s) %s %s",
    BE = "4;9;3 2 2 2;0%s %s %s %s|[2349];8;1 3 2 2;0%s %s %s %s|;8;2 2 2 2;0%s %s %s %s",
    BR = ";11;2 5 4;(%s) %s-%s|;10;2 4 4;(%s) %s-%s",
    CH = ";9;2 3 2 2;0%s %s %s %s",
    CN = "1;11;3 4 4;%s %s %s|;10;2 4 4;0%s %s %s",
    CZ = ";9;3 3 3;%s %s %s",
    DE = "1[567];10;3 7;0%s %s|1[567];11;4 7;0%s %s|30;0;2 0;0%s %s|40;0;2 0;0%s %s|69;0;2 0;0%s %s|"
        .. "89;0;2 0;0%s %s|%d%d1;0;3 0;0%s %s|;0;4 0;0%s %s",
    DK = ";8;2 2 2 2;%s %s %s %s",
    ES = ";9;3 3 3;%s %s %s",
    FR = ";9;1 2 2 2 2;0%s %s %s %s %s",
    GB = "2;10;2 4 4;0%s %s %s|11;10;3 3 4;0%s %s %s|1%d1;10;3 3 4;0%s %s %s|1;10;4 6;0%s %s|"
        .. "7;10;4 6;0%s %s|;10;3 3 4;0%s %s %s|;9;3 6;0%s %s",
    HK = ";8;4 4;%s %s",
    IE = "1;8;1 3 4;0%s %s %s|;9;2 3 4;0%s %s %s",
    IN = ";10;5 5;0%s %s",
    IT = "3;10;3 3 4;%s %s %s|0[26];0;2 0;%s %s|;0;3 0;%s %s",
    JP = "[789]0;10;2 4 4;0%s-%s-%s|[36];9;1 4 4;0%s-%s-%s|;9;2 3 4;0%s-%s-%s",
    MX = ";10;2 4 4;%s %s %s",
    NL = "6;9;1 8;0%s %s|[1234578][0-8];9;2 3 4;0%s %s %s",
    NO = "[49];8;3 2 3;%s %s %s|;8;2 2 2 2;%s %s %s %s",
    NZ = "2;0;2 3 0;0%s %s %s|;8;1 3 4;0%s-%s %s",
    PL = ";9;3 3 3;%s %s %s",
    PT = ";9;3 3 3;%s %s %s",
    RU = ";10;3 3 2 2;8 (%s) %s-%s-%s",
    SE = "7;9;2 3 2 2;0%s-%s %s %s|8;0;1 0;0%s-%s|;0;2 0;0%s-%s",
    SG = ";8;4 4;%s %s",
    US = ";10;3 3 4;(%s) %s-%s;%s-%s-%s",
    ZA = ";9;2 3 4;0%s %s %s",
}

-- What is dialled for abroad where it is not 00.
local abroad = {
    ["1"] = "011", AU = "0011", JP = "010", KR = "00[1278]", RU = "810", KZ = "810", BY = "810",
    TJ = "810", TM = "810", SG = "00[0128]", HK = "001", TH = "00[1479]", ID = "00[1789]",
    KH = "00[17]", CU = "119", GY = "001",
}

-- Territories within another's calling code.
local within <const> = { KZ = "7", GG = "44", JE = "44", IM = "44", SJ = "47", AX = "358", EH = "212",
    YT = "262", BL = "590", MF = "590", BQ = "599", CC = "61", CX = "61" }

-- The plan stays a text: making a table of it all would cost every call half a millisecond.
local known_entries = {} -- false: there is none

local function find_entry(pattern)
    local entry = known_entries[pattern]
    if entry ~= nil then return entry end
    local code, country, least, most, trunk = plan:match("%f[^|\n]" .. pattern .. " (%d+) (%d+) ([%d-]+)")
    entry = code ~= nil and { code = code, country = country, least = tonumber(least), most = tonumber(most),
        trunk = trunk ~= "-" and trunk or "" }
    known_entries[pattern] = entry
    return entry
end

local function by_code(code) return find_entry("(" .. code .. ") (%u%u)") end

local function by_country(country)
    if type(country) ~= "string" or not country:find("^%u%u$") then return nil end
    local code = within[country] or (american[country] and "1")
    if code then return by_code(code) end
    return find_entry("(%d+) (" .. country .. ")")
end

local function plan_of(country, level)
    local entry = by_country(country)
    if not entry then
        error(("phone: there is no country %q; use two capital letters, as in \"US\" or \"GB\"")
            :format(tostring(country)), level + 1)
    end
    return entry
end

local letters = {}
for digit, word in pairs({ ["2"] = "ABC", ["3"] = "DEF", ["4"] = "GHI", ["5"] = "JKL", ["6"] = "MNO",
    ["7"] = "PQRS", ["8"] = "TUV", ["9"] = "WXYZ" }) do
    for letter in word:gmatch(".") do letters[letter] = digit end
end

-- Digits only, with a + in front when there was one; nil when something else is in it.
local function bare(text)
    text = text:gsub("^%s*tel:", ""):gsub("^%s+", ""):gsub("%s+$", "")
    local number, extension = text:match("^(.-)%s*;ext=(%d+)$")
    if not number then number, extension = text:match("^(.-)[,%s]*[xX]%.?%s*(%d+)$") end
    if not number or number == "" then number, extension = text, nil end
    number = number:gsub(";.*$", "")
    local plus = number:find("^%+") and "+" or ""
    local digits = number:gsub("^%+", ""):gsub("%(0%)", ""):gsub("[%s%-%.%(%)/\194\160]", "")
    if digits:find("%d") then digits = digits:upper():gsub("%u", letters) end
    if not digits:find("^%d+$") then return nil end
    return plus .. digits, extension
end

local function entry_of(digits)
    for n = 3, 1, -1 do
        local entry = #digits >= n and by_code(digits:sub(1, n))
        if entry then return entry end
    end
end

local function country_of(entry, national)
    if entry.code == "1" then
        local area = national:sub(1, 3)
        for country, areas in pairs(american) do
            if areas:find(area, 1, true) then return country end
        end
        return "US"
    end
    if entry.code == "7" and national:find("^[67]") then return "KZ" end
    return entry.country
end

local function described(entry, national, extension)
    if #national < entry.least or #national > entry.most then
        local range = entry.least == entry.most and tostring(entry.least)
            or entry.least .. " to " .. entry.most
        return nil, ("a number of +%s has %s digits behind that, not %d"):format(entry.code, range, #national)
    end
    if entry.code == "1" and not national:find("^[2-9]%d%d[2-9]") then
        return nil, "an area code and what follows it begin with 2 to 9 in North America"
    end
    return { e164 = "+" .. entry.code .. national, country = country_of(entry, national),
        code = entry.code, national = national, extension = extension }
end

-- Abroad? Then what follows the prefix.
local function from_abroad(digits, country, entry)
    local prefix = abroad[country] or abroad[entry.code] or "00"
    return digits:match("^" .. prefix .. "([1-9]%d+)$") or digits:match("^00([1-9]%d+)$")
end

local function as_national(digits, entry)
    local trunk = entry.trunk
    if trunk ~= "" and digits:sub(1, #trunk) == trunk and #digits - #trunk >= entry.least then
        return digits:sub(#trunk + 1)
    end
    return digits
end

-- A table { e164, country, code, national, extension }; or nil and why it is no number. `country`
-- is where a number without + is dialled.
function phone.parse(text, country)
    if type(text) == "number" then text = ("%d"):format(text) end
    if type(text) ~= "string" then
        error("phone: a number is a text, not a " .. type(text), 2)
    end
    local digits, extension = bare(text)
    if not digits then return nil, ("%q is no telephone number"):format(text) end
    if #digits > 32 then return nil, "a telephone number has 15 digits at most" end
    local entry = country and plan_of(country, 2)
    local full = digits:match("^%+(.*)$") or (entry and from_abroad(digits, country, entry))
    if not full and not entry then
        return nil, ("%q does not begin with +, and no country is given"):format(text)
    end
    if full then
        entry = entry_of(full)
        if not entry then return nil, ("no country has the calling code of +%s"):format(full:sub(1, 3)) end
        digits = full:sub(#entry.code + 1)
        if entry.trunk == "0" then digits = digits:gsub("^0", "") end
    else
        digits = as_national(digits, entry)
    end
    return described(entry, digits, extension)
end

-- "+442079460018"; or nil and why.
function phone.normalise(text, country)
    local number, why = phone.parse(text, country)
    if not number then return nil, why end
    return number.e164
end
phone.normalize = phone.normalise

function phone.is_valid(text, country)
    return phone.parse(text, country) ~= nil
end

-- Two letters; or nil and why.
function phone.country(text, country)
    local number, why = phone.parse(text, country)
    if not number then return nil, why end
    return number.country
end

-- "49" for "DE".
function phone.calling_code(country)
    return plan_of(country, 2).code
end

-- The groups of a number, and how they are written inside the country and abroad (or nil).
local function grouped(number)
    local entry = by_country(number.country)
    for rule in (groups[number.country] or groups[entry.country] or ""):gmatch("[^|]+") do
        local start, length, sizes, inside, outside = rule:match("^([^;]*);(%d+);([%d ]+);([^;]*);?(.*)$")
        length = tonumber(length)
        if (length == 0 or length == #number.national) and number.national:find("^" .. start) then
            local parts, at = {}, 1
            for size in sizes:gmatch("%d+") do
                local last = size == "0" and #number.national or at + tonumber(size) - 1
                parts[#parts + 1] = number.national:sub(at, last)
                at = last + 1
            end
            return parts, inside, outside ~= "" and outside or nil
        end
    end
    -- No rule: threes, the last group of three or four.
    local parts, rest = {}, number.national
    while #rest > 4 do
        parts[#parts + 1] = rest:sub(1, 3)
        rest = rest:sub(4)
    end
    parts[#parts + 1] = rest
    return parts
end

-- For people: style "international" (the default), "national", or "e164". nil and why when it is no
-- number.
function phone.format(text, style, country)
    local number, why = phone.parse(text, country)
    if not number then return nil, why end
    if style == "e164" then return number.e164 end
    local parts, inside, outside = grouped(number)
    if style == nil or style == "international" then
        return "+" .. number.code .. " "
            .. (outside and outside:format(table.unpack(parts)) or table.concat(parts, " "))
    elseif style == "national" then
        if inside then return (inside:format(table.unpack(parts))) end
        return by_code(number.code).trunk .. table.concat(parts, " ")
    end
    error(("phone.format: there is no style %q; \"international\", \"national\" or \"e164\"")
        :format(tostring(style)), 2)
end

-- To be read out digit by digit, group by group; without the calling code when it is `country`'s.
function phone.spell(text, country)
    local number, why = phone.parse(text, country)
    if not number then return nil, why end
    local parts = grouped(number)
    if country and by_country(country).code ~= number.code then table.insert(parts, 1, number.code) end
    for i, part in ipairs(parts) do parts[i] = part:gsub("(%d)", "%1 "):gsub(" $", "") end
    return table.concat(parts, ", ")
end

return phone
