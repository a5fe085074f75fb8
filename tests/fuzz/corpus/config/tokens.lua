-- c { x = 1 }
--[==[ number { "+1" }
]==] nmuber{[ [[k]] ]=1,["voise"]=2;3,f=function() return {1,{2}} end}