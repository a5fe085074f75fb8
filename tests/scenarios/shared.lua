-- What stdlib_test.lua requires, to show that it can.
return { number = "+15550100" }
