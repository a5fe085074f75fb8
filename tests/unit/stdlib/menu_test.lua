local menu = require "menu"
local test = require "test"

local function tree()
    return {
        hello = "Welcome.",
        prompt = "Press 1, 2, 3 or 4.",
        voice = "woman",
        keys = {
            ["1"] = { say = "Nine to five." },
            ["2"] = { prompt = "Apples 1.", retries = 2,
                keys = { ["1"] = "apples.xml", ["*"] = menu.back, ["0"] = menu.top,
                    ["5"] = { prompt = "Deeper.", keys = { ["*"] = menu.back, ["0"] = menu.top } } } },
            ["3"] = function(call) call:say("A function.") end,
            ["4"] = menu.leave,
            ["8"] = function() return "elsewhere.xml" end,
            ["9"] = menu.hangup,
        },
    }
end

local function heard(digits, root)
    local call = test.call { digits = digits }
    test.run(menu.flow(root or tree()), call)
    return call
end

case("menu: a key leads to what is said, and back", function()
    local call = heard { "1", "9" }
    test.equal(call.heard, { "Welcome.", "Press 1, 2, 3 or 4.", "Nine to five.", "Press 1, 2, 3 or 4." })
    test.equal(call.ended, "hangup")
end)

case("menu: three levels down, back and to the top", function()
    local call = heard { "2", "5", "*", "5", "0", "9" }
    test.equal(call.heard, { "Welcome.", "Press 1, 2, 3 or 4.", "Apples 1.", "Deeper.", "Apples 1.", "Deeper.",
        "Press 1, 2, 3 or 4." })
end)

case("menu: a text redirects, also one that a function returned", function()
    local call = heard { "2", "1" }
    test.equal({ call.ended, call.target }, { "redirect", "apples.xml" })
    test.equal(heard({ "8" }).target, "elsewhere.xml")
end)

case("menu: a function has the call, then the menu is heard again", function()
    local call = heard { "3" }
    test.equal(call.heard, { "Welcome.", "Press 1, 2, 3 or 4.", "A function.", "Press 1, 2, 3 or 4." })
    test.equal(call.ended, "caller")
end)

case("menu: leave goes on behind the menu", function()
    local call = test.call { digits = { "4" } }
    test.run(function(c)
        menu.run(c, tree())
        c:say("Behind.")
    end, call)
    test.equal(call.heard[#call.heard], "Behind.")
    test.equal(call.ended, nil)
end)

case("menu: silence and wrong keys are told apart, and end with goodbye", function()
    local call = heard { "", "7", "" }
    test.equal(call.heard, { "Welcome.", "Press 1, 2, 3 or 4.", "I did not hear anything.", "Press 1, 2, 3 or 4.",
        "Sorry, that is not one of the choices.", "Press 1, 2, 3 or 4.", "Goodbye." })
    test.equal(call.ended, "hangup")
end)

case("menu: a right key begins the count of attempts anew", function()
    local call = heard { "", "7", "1", "", "7", "1", "9" }
    test.equal(call.ended, "hangup")
    test.equal(call.heard[#call.heard], "Press 1, 2, 3 or 4.")
end)

case("menu: texts and attempts of one's own, taken over by what is below", function()
    local root = tree()
    root.silent, root.invalid, root.goodbye = "Hello?", { play = "buzz.wav" }, "Bye."
    local call = heard({ "2", "7", "" }, root)
    test.equal(call.heard, { "Welcome.", "Press 1, 2, 3 or 4.", "Apples 1.", "[buzz.wav]", "Apples 1.", "Bye." })
end)

case("menu: default is where the helpless go", function()
    local root = tree()
    root.retries, root.default = 1, "operator.xml"
    test.equal(heard({ "" }, root).target, "operator.xml")
    root.default = function(call) call:say("Please hold.") return menu.hangup end
    test.equal(heard({ "" }, root).heard[3], "Please hold.")
end)

case("menu: keys of several digits wait for all of them", function()
    local options
    local call = test.call {}
    function call:gather(given)
        options = given
        return { digits = "12" }
    end
    test.run(menu.flow { prompt = "Extension?", keys = { ["12"] = menu.hangup, ["#"] = menu.again } }, call)
    test.equal({ options.numDigits, options.finishOnKey }, { 2, "" }) -- # is a key here
    call.ended = nil
    test.run(menu.flow { prompt = "Extension?", keys = { ["12"] = menu.hangup, ["3"] = menu.again } }, call)
    test.equal(options.finishOnKey, "#")
    test.equal(options.say, { "Extension?" })
end)

case("menu: menus may lead to each other", function()
    local first, second = { prompt = "First.", keys = {} }, { prompt = "Second.", keys = {} }
    first.keys["1"], second.keys["1"], second.keys["9"] = second, first, menu.hangup
    test.equal(heard({ "1", "1", "1", "9" }, first).heard, { "First.", "Second.", "First.", "Second." })
end)

case("menu: what goes round in a circle ends", function()
    test.raises(function()
        heard({ "1" }, { prompt = "P.", keys = { ["1"] = function() return { say = "Round." } end },
            default = menu.top })
        local again
        again = function() return again end
        heard({ "1" }, { prompt = "P.", keys = { ["1"] = again } })
    end, "round in a circle")
end)

case("menu: mistakes are found before the first call, with their place", function()
    local function wrong(change, part)
        local root = tree()
        change(root)
        test.raises(function() menu.flow(root) end, part)
    end
    wrong(function(r) r.keys["2"].keys["1"] = 5 end, "top.keys.2.keys.1: lead to")
    wrong(function(r) r.keys[1] = "x.xml" end, "1 is no key")
    wrong(function(r) r.keys["x"] = "x.xml" end, "x is no key")
    wrong(function(r) r.keys["2"].promt = "x" end, 'top.keys.2: there is no "promt"')
    wrong(function(r) r.prompt = nil end, "no prompt")
    wrong(function(r) r.keys["1"] = {} end, "top.keys.1: it has neither")
    wrong(function(r) r.timeout = "5" end, "top.timeout: a number belongs here")
    wrong(function(r) r.retries = 0 end, "1 to 20")
    wrong(function(r) r.silent = {} end, "top.silent: a prompt is")
    wrong(function(r) r.keys = {} end, "it has no key")
    test.raises(function() menu.flow("x") end, "not a string")
end)
