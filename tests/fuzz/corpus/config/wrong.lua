account { sid = "AC12", tokn = 5, [true] = 1 }
limits { calls = "x" } limits (1)
server{http="80",log="loud",public_url=foo}