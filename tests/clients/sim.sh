#!/bin/bash
# almon sim, replay and graph as a user meets them: a flow of two files, a call typed into a pipe,
# its journal run again against the same and a changed flow.
set -u
almon=$(realpath "${ALMON:-bin/almon}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
number=0

check() { # NAME COMMAND…
    local name=$1
    shift
    number=$((number + 1))
    if "$@"; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        sed 's/^/# /' "$folder/out"
    fi
}

has() { grep -qF -- "$1" "$folder/out"; }
lacks() { ! has "$1"; }

cat >"$folder/menu.xml" <<'XML'
<Response>
    <Gather numDigits="1" timeout="5" action="menu-{Digits}.xml"><Say>Press one.</Say></Gather>
    <Say>Nothing.</Say>
</Response>
XML
echo '<Response><Say>You pressed one.</Say></Response>' >"$folder/menu-1.xml"
cat >"$folder/menu_test.lua" <<'LUA'
scenario("one", function(t)
  t:number("+15550100", { voice = t:flow("menu.xml") })
  local caller = t:call("+15550100")
  caller:hears("Press one.")
  caller:press("1")
  caller:hears("You pressed one.")
  caller:ends("completed")
end)
LUA

printf '1\n' | "$almon" sim --virtual "$folder/menu.xml" >"$folder/out" 2>&1
check "sim: a key typed into a pipe is pressed after the prompt" has "You pressed one."
check "sim: the call's end is told" has "the call is over: completed"
printf 'wait 20\n' | "$almon" sim --virtual "$folder/menu.xml" >"$folder/out" 2>&1
check "sim: who waits presses nothing" has "Nothing."
printf 'hangup\n' | "$almon" sim --virtual "$folder/menu.xml" >"$folder/out" 2>&1
check "sim: a hang-up ends the call" has "hangup normal caller"

mkdir "$folder/sms"
cat >"$folder/sms/sms.lua" <<'LUA'
return function(message)
  message:reply("You wrote " .. message.body)
  if message.body == "ann" then message:message{ "For Ann", to = "+15550142" } end
end
LUA
printf 'hello\n-- a remark\nwait 5\nann\n' | "$almon" sim "$folder/sms/sms.lua" >"$folder/out" 2>&1
check "sim: a flow of messages is texted to, and its reply is printed" has "You wrote hello"
check "sim: time passes between two texts" grep -q '^ *5.00  > ann' "$folder/out"
check "sim: what goes to others says to whom" has "to +15550142: For Ann"
echo '<Response><Message>{{ Body:upper() }}</Message></Response>' >"$folder/sms/sms.xml"
echo 'loud' | "$almon" sim "$folder/sms/sms.xml" >"$folder/out" 2>&1
check "sim: markup that answers messages is known by its verbs" has "LOUD"
echo 'x' | "$almon" sim --text "$folder/menu.xml" >"$folder/out" 2>&1
check "sim: --text says what is wrong with a flow of calls" has "14110"

"$almon" test --coverage "$folder" >"$folder/out" 2>&1
check "test: a scenario beside its flow runs" has "ok 1 - "
check "coverage: the branch that nobody took is named" has "line 2: <Gather> never met a caller who pressed nothing"
check "coverage: what ran is not" lacks "answered with 1"

"$almon" graph "$folder/menu.xml" >"$folder/out" 2>&1
check "graph: the key leads to its file" has 'label="Gather 1"'

# A web application of this machine, which refuses what is not signed with its token, and thinks for
# a while.
cat >"$folder/app.mjs" <<'JS'
import http from "node:http"
import crypto from "node:crypto"
const server = http.createServer((request, response) => {
  let body = ""
  request.on("data", piece => body += piece)
  request.on("end", () => {
    const params = [...new URLSearchParams(body)].sort((a, b) => a[0] < b[0] ? -1 : 1)
    const url = `http://${request.headers.host}${request.url}`
    const signed = crypto.createHmac("sha1", "s3cret").update(url + params.flat().join("")).digest("base64")
    const good = signed === request.headers["x-twilio-signature"]
    const digits = params.find(p => p[0] === "Digits")?.[1]
    setTimeout(() => {
      response.writeHead(good ? 200 : 403, { "content-type": "text/xml" })
      response.end(request.url === "/voice"
        ? '<Response><Gather numDigits="1" action="/key"><Say>Press a key.</Say></Gather></Response>'
        : `<Response><Say>You pressed ${digits}.</Say></Response>`)
    }, 120)
  })
})
server.listen(0, "127.0.0.1", () => console.log(server.address().port))
JS
node "$folder/app.mjs" >"$folder/port" &
app=$!
trap 'kill "$app" 2>/dev/null; rm -rf "$folder"' EXIT
for _ in $(seq 100); do [ -s "$folder/port" ] && break || sleep 0.1; done
url=http://127.0.0.1:$(cat "$folder/port")/voice
printf '7\n' | timeout 30 "$almon" sim --virtual --token s3cret "$url" >"$folder/out" 2>&1
check "sim: a web application is asked, over the network" has "You pressed 7."
check "sim: what it takes to answer passes in the call, too" grep -qE '^ +0\.1[0-9] +Press a key' "$folder/out"
printf '7\n' | timeout 30 "$almon" sim --real --token s3cret "$url" >"$folder/out" 2>&1
check "sim: a web application in real time" has "Press a key."
printf '7\n' | timeout 30 "$almon" sim --virtual --token wrong "$url" >"$folder/out" 2>&1
check "sim: requests are signed with the token that was given" has "403"

# A journal of a call to a web application: digits, a delay, a Record, a hang-up.
journal=$(dirname "$0")/../fuzz/corpus/journal/call.jsonl
"$almon" replay "$journal" >"$folder/out" 2>&1
check "replay: the same flow gives the same call" test "$(cat "$folder/out")" = same
"$almon" replay "$journal" --flow "$folder/menu.xml" >"$folder/out" 2>&1
check "replay: another flow differs" test $? -eq 1
check "replay: the first difference is shown" has "now  at 0.000 s: say text=Press one."
"$almon" replay "$journal" --as-test >"$folder/again_test.lua" 2>"$folder/out"
"$almon" test "$folder/again_test.lua" >"$folder/out" 2>&1
check "replay: the call told as a scenario runs" has "ok 1 - "
exit 0
