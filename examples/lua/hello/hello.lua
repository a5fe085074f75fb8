return function(call)
    call:say("Hello. You are calling from " .. call.from .. ".")
end
