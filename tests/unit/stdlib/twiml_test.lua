local test = require "test"

-- As the host would give it, cut down to what the tests use.
package.preload["almon.schema"] = function()
    return {
        Response = { children = { Say = true, Gather = true, Redirect = true, Pause = true } },
        Say = { text = true, children = { ["say-as"] = true, ["break"] = true },
            attributes = { voice = true, language = true, loop = true } },
        Gather = { children = { Say = true, Pause = true },
            attributes = { numDigits = true, action = true, input = true, actionOnEmptyResult = true } },
        Pause = { attributes = { length = true } },
        Redirect = { text = true, attributes = { method = true } },
        ["say-as"] = { text = true, attributes = { ["interpret-as"] = true } },
        ["break"] = { attributes = { time = true } },
    }
end
local twiml = require "twiml"

case("twiml: a document reads as it will stand", function()
    local text = twiml.document {
        twiml.Gather { numDigits = 1, action = "/key?a=1&b=2", input = { "dtmf", "speech" }, actionOnEmptyResult = true,
            twiml.Say { "Dear ", "Ann & <Bob>", ", press ", 1, voice = 'a"b' },
            twiml.Pause { length = 2.0 },
        },
        twiml.Redirect "/again",
    }
    test.equal(text, '<?xml version="1.0" encoding="UTF-8"?>\n<Response>'
        .. '<Gather action="/key?a=1&amp;b=2" actionOnEmptyResult="true" input="dtmf speech" numDigits="1">'
        .. '<Say voice="a&quot;b">Dear Ann &amp; &lt;Bob&gt;, press 1</Say><Pause length="2"/></Gather>'
        .. '<Redirect>/again</Redirect></Response>')
end)

case("twiml: names that are no Lua words are written with _", function()
    test.equal(twiml.text(twiml.Say { "On ", twiml.say_as { "12", interpret_as = "date" }, twiml.break_ { time = "1s" } }),
        '<Say>On <say-as interpret-as="date">12</say-as><break time="1s"/></Say>')
end)

case("twiml: lists of elements are taken apart", function()
    local says = {}
    for i = 1, 2 do says[i] = twiml.Say("n" .. i) end
    test.equal(twiml.text(twiml.Gather { says }), "<Gather><Say>n1</Say><Say>n2</Say></Gather>")
end)

case("twiml: what XML forbids cannot get in", function()
    test.equal(twiml.text(twiml.Say { "a\0b\27c\n" }), "<Say>abc\n</Say>")
    test.equal(twiml.text(twiml.Say { loop = "1\n2" }), '<Say loop="1&#10;2"/>')
    test.equal(twiml.text(twiml.Say "]]></Say>"), "<Say>]]&gt;&lt;/Say&gt;</Say>")
end)

case("twiml: misspelt names are errors where they stand", function()
    local why = test.raises(function() return twiml.Sya "x" end, "no element Sya; did you mean Say?")
    assert(why:find("twiml_test.lua", 1, true), why)
    why = test.raises(function() twiml.Gather { numdigits = 1 } end, "<Gather> has no attribute numdigits; did you mean numDigits?")
    assert(why:find("twiml_test.lua", 1, true), why)
    test.raises(function() twiml.Say { twiml.Pause {} } end, "<Pause> may not stand in <Say>")
    why = test.raises(function() twiml.Gather { "text" } end, '<Gather> holds no text, but was given "text"')
    assert(why:find("twiml_test.lua", 1, true), why)
    why = test.raises(function() local text = twiml.document { 5 } return text end, "<Response> holds no text")
    assert(why:find("twiml_test.lua", 1, true), why)
    test.raises(function() twiml.Say { voice = print } end, "voice of <Say> is a function")
    test.raises(function() twiml.Say { "a", nil, "b" } end, "cannot hold a nil")
    test.raises(function() twiml.text("Say") end, "give it an element")
end)
