// Turns reports of recordings into e-mails: node mail.mjs me@example.com
// Sends through the sendmail program of this machine (SENDMAIL names another).
import http from "node:http";
import { spawn } from "node:child_process";

const to = process.argv[2];
if (!to) {
    console.error("usage: node mail.mjs ADDRESS");
    process.exit(2);
}

// A header of a mail is one line: nothing that came from outside may begin another.
const line = (text) => String(text ?? "unknown").replace(/[^\x20-\x7e]/g, " ");

function mail(p) {
    const sendmail = spawn(process.env.SENDMAIL ?? "/usr/sbin/sendmail", ["-t", "-i"]);
    sendmail.on("error", (why) => console.error("sendmail:", why.message));
    sendmail.stdin.on("error", () => {});
    sendmail.stdin.end(`To: ${to}
Subject: Voicemail from ${line(p.get("From"))}, ${line(p.get("RecordingDuration"))} seconds

${line(p.get("RecordingUrl"))}.mp3

Fetch it with the account's SID and token as name and password.
`);
}

http.createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part).length > 1e5 && request.destroy());
    request.on("end", () => {
        const p = new URLSearchParams(body);
        if (p.get("RecordingStatus") === "completed") mail(p);
        response.end();
    });
}).listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
