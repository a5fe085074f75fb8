local template = require "template"
local test = require "test"

case("template: places are filled, also from tables within", function()
    test.equal(template.fill("Dear {name}, {order.count} of {list.1}", { name = "Ann", order = { count = 3 },
        list = { "tea" } }), "Dear Ann, 3 of tea")
    test.equal(template.fill("{{not} a place", {}), "{not} a place")
    test.equal(template.fill("", {}), "")
end)

case("template: values are escaped for where they stand", function()
    test.equal(template.fill("<Say>{x}</Say>", { x = "a<b>&\"'\0" }, "xml"), "<Say>a&lt;b&gt;&amp;&quot;&apos;</Say>")
    test.equal(template.fill("/c?name={x|url}&n={n}", { x = "a b&c/é", n = 1 }), "/c?name=a%20b%26c%2F%C3%A9&n=1")
    test.equal(template.fill("Your code is {x|spell}.", { x = "47é1" }), "Your code is 4 7 é 1.")
    test.equal(template.fill("{x|text}{x}", { x = "<" }, "xml"), "<&lt;")
end)

case("template: a missing value is an error, not a word", function()
    test.raises(function() template.fill("Dear {name}", {}) end, "{name} is missing")
    test.raises(function() template.fill("{a.b.c}", { a = 1 }) end, "{a.b.c} is missing")
    test.raises(function() template.fill("{a}", { a = {} }) end, "{a} is a table")
    test.raises(function() template.fill("broken { brace", {}) end, "without a name and its end")
    test.raises(function() template.fill("{a|html}", { a = 1 }) end, 'no escaping called "html"; there is csv, spell, text, url, xml')
    test.raises(function() template.fill(nil, {}) end, "first argument is the text")
end)

case("template: one text can be filled again and again", function()
    local hello = template.new("<Say>Hello {name}</Say>", "xml")
    test.equal(hello { name = "A&B" }, "<Say>Hello A&amp;B</Say>")
    test.equal(hello { name = "C" }, "<Say>Hello C</Say>")
    test.raises(function() template.new("x", "html") end, "no escaping")
end)

case("template: a line of CSV that a spreadsheet reads as it was written", function()
    test.equal(template.csv { "a", 1, "b,c", 'say "x"', "two\nlines" }, 'a,1,"b,c","say ""x""","two\nlines"\r\n')
    test.equal(template.csv { "=1+1", "+15550100", "-5", "@x", "+1;rm" }, "'=1+1,+15550100,-5,'@x,'+1;rm\r\n")
    test.equal(template.csv({ "a", nil, "c" }, 4), "a,,c,\r\n")
end)
