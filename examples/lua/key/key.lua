-- A question and its answer: what a webhook and its action are in markup, in one place.
return function(call)
    local got = call:gather { numDigits = 1, timeout = 5, say = "Press 1 for tea, 2 for coffee." }

    if got.digits == "1" then
        call:say("A tea it is.")
    elseif got.digits == "2" then
        call:say { "Un café, bien sûr.", language = "fr-FR" }
    else
        call:say("Nothing, then.")
    end
    call:on_hangup(function() print(call.from .. " chose " .. (got.digits or "nothing")) end)
end
