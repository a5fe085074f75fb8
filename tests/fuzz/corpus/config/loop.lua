account { sid = "AC0123456789abcdef0123456789abcdef", token = "t" }
for i = 1, 9 do number { "+1" .. i, voice = "f/" .. i .. ".xml" } end
