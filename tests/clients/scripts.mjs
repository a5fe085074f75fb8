// Ready-made flows of scripts/ that tell an application something, hosted with the very lines that
// their READMEs show, beside the little applications that they come with.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { assert, finish, freePort, ROOT, startAlmon, test, until, watch } from './common.mjs';
import { tone, wav } from './lib/sound.mjs';

/** What a README says to write into almon.lua: its indented lines of number{…} and others. */
const shown = (folder) => readFileSync(path.join(ROOT, folder, 'README.md'), 'utf8').split('\n')
    .filter((line) => /^ {4}(number|route|queue|http) *\{/.test(line)).map((line) => line.trim()).join('\n');

/** A folder's flow in an exchange of its own; what it tells goes to `port`. */
function host(folder, port) {
    const file = `${path.basename(folder)}.lua`;
    const move = (text) => text.replaceAll(':3000', `:${port}`).replaceAll(`${folder}/flow.lua`, file);
    return startAlmon({
        config: move(shown(folder)),
        flows: {
            [file]: move(readFileSync(path.join(ROOT, folder, 'flow.lua'), 'utf8')),
            'message.wav': wav(tone([440], 2000)),
        },
    });
}

function application(almon, folder, program, port, ...args) {
    const child = spawn(process.execPath, [path.join(ROOT, folder, program), ...args], {
        cwd: almon.dir,
        env: { ...process.env, PORT: String(port), SENDMAIL: path.join(almon.dir, 'sendmail') },
        stdio: ['ignore', 'inherit', 'inherit'],
    });
    process.on('exit', () => child.kill());
    return child;
}

const speak = ['--speak', 'message.wav', '--timeout', '60'];
const apps = [];

await test('each README that wants an application says how to reach it', () => {
    for (const folder of readdirSync(path.join(ROOT, 'scripts'), { withFileTypes: true }).filter((e) => e.isDirectory())) {
        const flow = path.join(ROOT, 'scripts', folder.name, 'flow.lua');
        if (existsSync(flow) && /^(?:(?!--).)*http:\/\/127\.0\.0\.1:3000/m.test(readFileSync(flow, 'utf8')))
            assert.match(shown(`scripts/${folder.name}`), /http +\{ allow = "127.0.0.1:3000" \}/, folder.name);
    }
    return Promise.resolve();
});

const [mailPort, rowPort] = [await freePort(), await freePort()];
const voicemail = await host('scripts/voicemail', mailPort);
const survey = await host('scripts/survey', rowPort);
watch(voicemail);
writeFileSync(path.join(voicemail.dir, 'sendmail'), '#!/bin/sh\ncat >mail.part && mv mail.part mail\n', { mode: 0o755 });
apps.push(application(voicemail, 'scripts/voicemail', 'mail.mjs', mailPort, 'me@example.com'),
    application(survey, 'scripts/survey', 'receive.mjs', rowPort, 'answers.csv'));

await Promise.all([
    test('voicemail: a message becomes an e-mail', async () => {
        const { status, out } = await voicemail.run(['call', '+15550100', ...speak, '--press', 's,w3,#']);
        assert.equal(status, 0, out);
        const mail = path.join(voicemail.dir, 'mail');
        await until(10000, 'the mail', () => existsSync(mail));
        assert.match(readFileSync(mail, 'utf8'), /^To: me@example\.com\nSubject: Voicemail from \+15550199[^]*\/Recordings\/RE[0-9a-f]{32}\.mp3$/m);
    }, 60000),
    test('survey: answers become a line of a file', async () => {
        const { status, out } = await survey.run(['call', '+15550100', ...speak, '--press', '5,1,s,w3,#']);
        assert.equal(status, 0, out);
        const rows = path.join(survey.dir, 'answers.csv');
        await until(10000, 'the row', () => existsSync(rows) && readFileSync(rows, 'utf8').endsWith('\n'));
        assert.match(readFileSync(rows, 'utf8'), /^[^,]+,\+15550199,5,1,http:[^,]*\/Recordings\/RE/);
    }, 60000),
]);
for (const app of apps)
    app.kill();
await finish(voicemail, survey);
