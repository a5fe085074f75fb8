local function write(t, from, body)
    t:number("+15550100", { message = t:flow("vote.lua") })
    return t:text("+15550100", { from = from, body = body })
end

scenario("votes are counted", function(t)
    write(t, "+12025550142", "a"):reads("Apples it is. So far: Apples 1, Bananas 0, Cherries 0.")
    write(t, "+12025550143", "B, please"):reads("Bananas it is. So far: Apples 1, Bananas 1, Cherries 0.")
    write(t, "+12025550144", "result"):reads("Apples 1, Bananas 1, Cherries 0.")
end)

scenario("who votes again has changed his mind", function(t)
    local ann = write(t, "+12025550142", "A")
    ann:reads_match("^Apples")
    ann:text("C")
    ann:reads("Cherries it is. So far: Apples 0, Bananas 0, Cherries 1.")
end)

scenario("who writes something else is told how it goes", function(t)
    write(t, "+12025550142", "Hello?"):reads_match("^Write A for apples")
end)
