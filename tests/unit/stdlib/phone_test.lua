local phone = require "phone"
local test = require "test"

case("phone: what people write becomes E.164", function()
    local list = {
        { "(020) 7946 0018", "GB", "+442079460018" },
        { "020 7946 0018", "GB", "+442079460018" },
        { "+44 (0)20 7946 0018", nil, "+442079460018" },
        { "0044 20 7946 0018", "DE", "+442079460018" },
        { "011 44 20 7946 0018", "US", "+442079460018" },
        { "0011 44 20 7946 0018", "AU", "+442079460018" },
        { "(202) 555-0143", "US", "+12025550143" },
        { "1-202-555-0143", "US", "+12025550143" },
        { "2025550143", "CA", "+12025550143" },
        { 2025550143, "US", "+12025550143" },
        { "1-800-FLOWERS", "US", "+18003569377" },
        { "tel:+1-202-555-0143", nil, "+12025550143" },
        { "8 (495) 123-45-67", "RU", "+74951234567" },
        { "06 12 34 56 78", "FR", "+33612345678" },
        { "030 123456", "DE", "+4930123456" },
        { "02 1234 5678", "IT", "+390212345678" }, -- Italy keeps its 0
        { "612 345 678", "ES", "+34612345678" },
        { "06 1 234 5678", "HU", "+3612345678" },
    }
    for _, each in ipairs(list) do
        test.equal(phone.normalise(each[1], each[2]), each[3], each[1])
    end
end)

case("phone: what is no number says why", function()
    for text, part in pairs({
        ["hello there!"] = "no telephone number", ["+1202555"] = "10 digits", ["+99912345"] = "calling code",
        ["+1 155 555 0100"] = "begin with 2 to 9", ["2025550143"] = "no country is given", [""] = "no telephone",
        ["+" .. ("1"):rep(60)] = "15 digits",
    }) do
        local number, why = phone.normalise(text)
        test.equal(number, nil)
        assert(why:find(part, 1, true), text .. ": " .. why)
    end
    test.raises(function() phone.normalise("1", "Mars") end, 'no country "Mars"')
    test.raises(function() phone.normalise({}) end, "not a table")
end)

case("phone: an extension is kept apart", function()
    local number = phone.parse("202-555-0143 x12", "US")
    test.equal(number.e164, "+12025550143")
    test.equal(number.extension, "12")
    test.equal(phone.parse("tel:+442079460018;ext=9").extension, "9")
end)

case("phone: countries that share a code are told apart", function()
    test.equal(phone.country("+12025550143"), "US")
    test.equal(phone.country("+14165550143"), "CA")
    test.equal(phone.country("+18765550143"), "JM")
    test.equal(phone.country("+77012345678"), "KZ")
    test.equal(phone.country("+74951234567"), "RU")
    test.equal(phone.country("+4930123456"), "DE")
    test.equal(phone.calling_code("JM"), "1")
end)

case("phone: numbers are written as each country writes them", function()
    local list = {
        { "+12025550143", "+1 202-555-0143", "(202) 555-0143" },
        { "+442079460018", "+44 20 7946 0018", "020 7946 0018" },
        { "+447700900123", "+44 7700 900123", "07700 900123" },
        { "+33612345678", "+33 6 12 34 56 78", "06 12 34 56 78" },
        { "+4930123456", "+49 30 123456", "030 123456" },
        { "+34612345678", "+34 612 345 678", "612 345 678" },
        { "+61491570156", "+61 491 570 156", "0491 570 156" },
        { "+61292705000", "+61 2 9270 5000", "(02) 9270 5000" },
        { "+81312345678", "+81 3 1234 5678", "03-1234-5678" },
        { "+5511912345678", "+55 11 91234 5678", "(11) 91234-5678" },
        { "+50512345678", "+505 123 4 5678", nil },
    }
    for _, each in ipairs(list) do
        if each[3] then
            test.equal(phone.format(each[1]), each[2])
            test.equal(phone.format(each[1], "national"), each[3])
        end
        test.equal(phone.normalise(phone.format(each[1])), each[1]) -- and back again
    end
    test.raises(function() phone.format("+12025550143", "pretty") end, "no style")
end)

case("phone: a number is read out in its groups", function()
    test.equal(phone.spell("+12025550143", "US"), "2 0 2, 5 5 5, 0 1 4 3")
    test.equal(phone.spell("+442079460018", "US"), "4 4, 2 0, 7 9 4 6, 0 0 1 8")
end)
