// Appends each posted line to a file: node receive.mjs answers.csv
import fs from "node:fs";
import http from "node:http";

const file = process.argv[2] ?? "answers.csv";

http.createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part).length > 1e5 && request.destroy());
    request.on("end", () =>
        fs.appendFile(file, body, (error) => {
            if (error) console.error(error.message);
            response.writeHead(error ? 500 : 204).end();
        }));
}).listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
