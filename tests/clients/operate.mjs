// The operator's day: reload, a second exchange on the same state, live calls followed, redirected
// and ended from the command line, a crash in the middle of a recording, an orderly end.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { ALMON, assert, finish, pause, startAlmon, test, until, watch, within } from './common.mjs';

const almon = await startAlmon({
    config: `number { "+1555", voice = "hello.xml" }
number { "+1666", voice = "wait.xml" }
number { "+1777", voice = "record.xml" }`,
    flows: {
        'hello.xml': '<Response><Say>Hello.</Say></Response>',
        'wait.xml': '<Response><Say>Please wait.</Say><Pause length="60"/></Response>',
        'other.xml': '<Response><Say>Something else.</Say></Response>',
        'record.xml': '<Response><Record timeout="0" maxLength="60" playBeep="false"/></Response>',
    },
});
watch(almon);

const call = (to, ...more) => almon.run(['call', to, '--timeout', '30', ...more]);

/** A call that goes on while the test does something: its process, and what it has printed. */
function callInBackground(to, ...more) {
    const child = spawn(ALMON, ['call', to, ...more], { cwd: almon.dir, stdio: ['ignore', 'pipe', 'pipe'] });
    const live = { child, out: '', ended: new Promise((resolve) => child.on('exit', resolve)) };
    child.stdout.on('data', (text) => { live.out += text; });
    return live;
}

const liveSid = () => until(5000, 'a live call', () => {
    const live = almon.journals().filter((j) => j.lines.length > 0 && j.lines.at(-1).e !== 'end');
    return live.at(-1)?.sid;
});

await test('a call to a number hears its flow', async () => {
    const { status, out } = await call('+1555');
    assert.equal(status, 0, out);
    assert.match(out, /"Hello\."/);
});

await test('SIGHUP brings a new number without a restart', async () => {
    assert.equal((await call('+1888')).status, 15);
    const text = readFileSync(almon.config, 'utf8');
    writeFileSync(almon.config, `${text}\nnumber { "+1888", voice = "other.xml" }\n`);
    almon.child.kill('SIGHUP');
    await until(5000, 'the reload', () => almon.logged('reloaded').length === 1);
    assert.match((await call('+1888')).out, /"Something else\."/);
});

await test('a mistake in the new configuration is told with its line, and the old one stays', async () => {
    const text = readFileSync(almon.config, 'utf8');
    writeFileSync(almon.config, `${text}number { "+1999", voise = "other.xml" }\n`);
    almon.child.kill('SIGHUP');
    await until(5000, 'the refusal', () => almon.logged('the old configuration stays').length === 1);
    const line = text.split('\n').length;
    assert.equal(almon.logged(`almon.lua:${line}: number: unknown key 'voise'`, "'voice'").length >= 1, true);
    writeFileSync(almon.config, text);
    assert.equal((await call('+1555')).status, 0);
});

await test('a second exchange on the same state is refused clearly', async () => {
    const { status, out } = await almon.run(['serve', '--config', almon.config, '--state', almon.state]);
    assert.equal(status, 1);
    assert.match(out, /another almon|Address already in use/);
});

await test('a start that cannot be says why in one line', async () => {
    const free = `server { http = "127.0.0.1:0", bridge = "127.0.0.1:0" }`;
    const text = readFileSync(almon.config, 'utf8');
    const other = path.join(almon.dir, 'other.lua');
    const start = async (...more) => {
        const { status, out } = await almon.run(['serve', '--config', other, ...more]);
        return [status, ...out.split('\n').filter((line) => line !== '')];
    };
    const fails = async (why, ...more) => {
        const [status, ...lines] = await start(...more);
        assert.equal(lines.length, 1, lines.join('\n'));
        assert.match(lines[0], why);
        assert.ok(status === 1 || status === 2);
    };
    writeFileSync(path.join(almon.dir, 'a-file'), '');
    writeFileSync(other, text.replace(/^server .*$/m, free));
    await fails(/another almon serves/, '--state', almon.state);
    await fails(/a-file: is no folder; .*--state/, '--state', path.join(almon.dir, 'a-file'));
    await fails(/'one.lua' is one word too many; .*--config/, 'one.lua');
    writeFileSync(other, text.replace(/, bridge = ".*"/, ', bridge = "127.0.0.1:0"'));
    await fails(/web: cannot listen on .*: Address already in use; set server.http/, '--state', path.join(almon.dir, 'else'));
    writeFileSync(other, text.replace(/http = "[^"]*"/, 'http = "127.0.0.1:0"'));
    await fails(/bridge: cannot listen on .*: Address already in use; set server.bridge/, '--state', path.join(almon.dir, 'else'));
});

await test('a live call is followed, gets a new document, and its trace tells', async () => {
    const live = callInBackground('+1666');
    const sid = await liveSid();
    const trace = spawn(ALMON, ['trace', sid, '-f', '--state', almon.state]);
    let seen = '';
    trace.stdout.on('data', (text) => { seen += text; });
    const traced = new Promise((resolve) => trace.on('close', resolve));
    await until(8000, 'the Pause', () => /<Pause>/.test(seen));
    const { status, out } = await almon.run(['redirect', sid, 'other.xml', '--state', almon.state]);
    assert.equal(status, 0, out);
    await within(10000, 'the end of the call', live.ended);
    assert.match(live.out, /"Something else\."/);
    await within(5000, 'the end of the trace', traced);
    assert.match(seen, /redirect/);
    assert.match(seen, /end .*completed/);
    assert.equal((await almon.run(['redirect', sid, 'other.xml', '--state', almon.state])).status, 1);
});

await test('a live call is recorded from the command line, and stands in the list of calls', async () => {
    const live = callInBackground('+1666');
    const sid = await liveSid();
    const act = async (...words) => almon.run(['record', ...words, '--state', almon.state]);
    const begun = await act(sid, 'dual');
    assert.equal(begun.status, 0, begun.out);
    const recording = begun.out.trim();
    assert.match(recording, /^RE[0-9a-f]{32}$/);
    for (const what of ['pause', 'resume', 'stop']) assert.equal((await act(recording, what)).status, 0, what);
    const again = await act(recording, 'stop');
    assert.equal(again.status, 1);
    assert.match(again.out, /no live recording/);
    assert.equal((await act(sid, 'eject')).status, 1);
    assert.equal((await almon.run(['hangup', sid, '--state', almon.state])).status, 0);
    await within(5000, 'the end of the call', live.ended);
    let list = '';
    await until(5000, 'the record of the call', async () => {
        list = (await almon.run(['calls', '--state', almon.state])).out;
        return list.includes(sid);
    });
    assert.match(list, new RegExp(`${sid}  .* → \\+1666 +completed +[0-9]+ s`));
    const day = path.join(almon.state, 'calls');
    const record = readdirSync(day).flatMap((f) => readFileSync(path.join(day, f), 'utf8').trim().split('\n'))
        .map((line) => JSON.parse(line)).find((r) => r.sid === sid);
    assert.deepEqual(record.recordings, [recording]);
});

await test('a live call is ended from the command line', async () => {
    const live = callInBackground('+1666');
    const sid = await liveSid();
    const { status, out } = await almon.run(['hangup', sid, '--state', almon.state]);
    assert.equal(status, 0, out);
    assert.equal(await within(5000, 'the end of the call', live.ended), 0);
});

await test('what was recorded before a crash is there after the restart', async () => {
    const live = callInBackground('+1777');
    await liveSid();
    const folder = path.join(almon.state, 'recordings');
    const parts = () => (existsSync(folder) ? readdirSync(folder, { recursive: true }) : [])
        .filter((f) => f.endsWith('.part.wav'));
    await until(5000, 'the recording', () => parts().length === 1);
    // Three seconds of it: the header on disk says how much is safe.
    const bytes = () => readFileSync(path.join(folder, parts()[0])).readUInt32LE(40);
    await until(8000, 'three seconds on disk', () => bytes() >= 3 * 16000);
    const safe = bytes(), part = parts()[0];
    almon.child.kill('SIGKILL');
    await almon.ended;
    await live.ended;
    await almon.start();
    const cut = almon.journals().find((j) => j.lines.at(-1).why !== undefined);
    assert.deepEqual([cut.lines.at(-1).e, cut.lines.at(-1).status], ['end', 'failed']);
    assert.equal(parts().length, 0);
    const saved = readFileSync(path.join(folder, part.replace('.part.wav', '.wav')));
    assert.ok(saved.readUInt32LE(40) >= safe && saved.length >= safe + 44);
    assert.equal((await call('+1555')).status, 0);
});

await test('SIGTERM ends live calls in order', async () => {
    const live = callInBackground('+1666');
    const sid = await liveSid();
    await until(5000, 'the answer', () => /answered/.test(live.out));
    await almon.stop();
    await within(5000, 'the end of the call', live.ended);
    const journal = almon.journals().find((j) => j.sid === sid);
    assert.equal(journal.lines.at(-1).e, 'end');
    assert.equal(journal.lines.at(-1).status, 'completed');
});

await test('signals that come close together end it as one', async () => {
    for (let i = 0; i < 10; i++) {
        await almon.start();
        almon.child.kill('SIGINT');
        const again = setInterval(() => almon.child.kill('SIGTERM'), 1);
        const how = await within(5000, 'the end', almon.ended);
        clearInterval(again);
        assert.equal(how, 0);
    }
});

// The application has the last callback and does not answer: fifteen seconds would be waited for it.
await test('a second signal, later, ends it at once', async () => {
    const silent = net.createServer();
    const asked = new Promise((resolve) => silent.on('connection', (socket) => {
        socket.on('error', () => {});
        socket.once('data', () => resolve(socket));
    }));
    await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const at = `127.0.0.1:${silent.address().port}`;
    writeFileSync(almon.config, `${readFileSync(almon.config, 'utf8')}
http { allow = "${at}" }
number { "+1444", voice = "wait.xml", status_callback = "http://${at}/told" }\n`);
    await almon.start();
    const live = callInBackground('+1444');
    await until(10000, 'the answer', () => /answered/.test(live.out));
    almon.child.kill('SIGTERM');
    (await within(10000, 'the last callback', asked)).pause();
    let left = false;
    almon.ended.then(() => { left = true; });
    await pause(1200); // signals closer together are one
    assert.equal(left, false);
    almon.child.kill('SIGTERM');
    assert.equal(await within(5000, 'the end', almon.ended), 1);
    assert.equal(almon.logged('told twice').length, 1);
    await within(5000, 'the end of the call', live.ended);
    silent.close();
    (await asked).destroy();
});

await finish(almon);
