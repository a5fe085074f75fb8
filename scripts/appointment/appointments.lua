-- Who has which appointment, by telephone number. Read again when it changes.
return {
    ["(202) 555-0143"] = { name = "Ann Lee", at = "2026-01-05 14:30" },
    ["(202) 555-0144"] = { name = "Bob Ray", at = "2026-01-12 09:00" },
}
