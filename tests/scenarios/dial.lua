-- What the scenarios of Dial share: each goes through both doors, as markup that a web application answers,
-- and as a handler in Lua. What all parties notice must be the same.

local NUMBER, APP = "+15550100", "http://app.test"

-- What the application, or the handler, says when Dial is over.
local function told(p)
  return ("After %s, %s s, bridged %s."):format(p.DialCallStatus or "nothing", p.DialCallDuration or "no",
    p.DialBridged or "?")
end

local HANDLER = [[
return function(call)
  local p = call:dial{ %s }
  call:say(("After %%s, %%s s, bridged %%s."):format(p.dialCallStatus or "nothing",
    p.dialCallDuration or "no", p.dialBridged or "?"))
end]]

-- { timeout = 10, { "Number", "+15550101", url = "…" }, … } as markup, and as what call:dial takes.
local function attributes(list, sign)
  local out = {}
  for name, value in pairs(list) do
    if type(name) == "string" then out[#out + 1] = sign:format(name, tostring(value)) end
  end
  table.sort(out)
  return out
end

local function markup(dial)
  local nouns = {}
  for i, noun in ipairs(dial) do
    nouns[i] = ("<%s %s>%s%s</%s>"):format(noun[1], table.concat(attributes(noun, "%s='%s'"), " "), noun[2],
      noun[3] or "", noun[1])
  end
  return ("<Dial %s>%s</Dial>"):format(table.concat(attributes(dial, "%s='%s'"), " "), table.concat(nouns))
end

local function lua(dial)
  local out = attributes(dial, "%s = %q")
  for _, noun in ipairs(dial) do
    local inner = attributes(noun, "%s = %q")
    table.insert(inner, 1, ("%q"):format(noun[2]))
    out[#out + 1] = ("{ %s = { %s } }"):format(noun[1]:lower(), table.concat(inner, ", "))
  end
  return table.concat(out, ", ")
end

local doors = {
  markup = function(t, dial)
    local copy = { action = APP .. "/after" }
    for k, v in pairs(dial) do copy[k] = v end
    t:number(NUMBER, { voice = "/voice" })
    t:web("/voice", "<Response>" .. markup(copy) .. "<Say>Never.</Say></Response>")
    t:web("/after", function(request) return "<Response><Say>" .. told(request.params) .. "</Say></Response>" end)
  end,
  Lua = function(t, dial)
    t:number(NUMBER, { voice = t:file("dial.lua", HANDLER:format(lua(dial))) })
  end,
}

local function both(name, dial, body)
  for _, door in ipairs { "markup", "Lua" } do
    scenario(("%s (%s)"):format(name, door), function(t)
      doors[door](t, dial)
      body(t, door)
      t:settles()
    end)
  end
end

-- They hear each other, and nobody else.
local function talk(ann, bob)
  ann:plays_tone(450)
  bob:plays_tone(700)
  ann:hears_tones { 700 }
  bob:hears_tones { 450 }
end

-- The document that a called party hears before both talk.
local function whisper(t, text)
  t:web("/whisper", "<Response>" .. text .. "</Response>")
end

return { both = both, talk = talk, whisper = whisper }
