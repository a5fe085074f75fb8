// Applications and gateways as they should not be. Each does its worst while another call goes on
// in a process of its own, which must not lose a frame; each leaves one clear line in the log.

import { createServer } from 'node:net';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { assert, finish, freePort, GATEWAY, pause, SANITIZED, SECRET, startAlmon, test, until, watch, within }
    from './common.mjs';
import { Gateway, record } from './lib/gateway.mjs';
import { readWav, tone, wav } from './lib/sound.mjs';

const hello = { gateway: GATEWAY, token: SECRET, prompts: true };

// --- the application: one path, one vice -----------------------------------------------------

const xml = (body) => `HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const typed = (type, body) => xml(body).replace('text/xml', type);
const bomb = gzipSync(Buffer.alloc(64 << 20, ' '));
const laughs = '<!DOCTYPE l [<!ENTITY a "ha">' + [..."bcdefghij"].map((c, i) =>
    `<!ENTITY ${c} "${`&${'abcdefghi'[i]};`.repeat(10)}">`).join('') + ']><Response><Say>&j;</Say></Response>';
const FALLBACK = '<Response><Say>Sorry.</Say></Response>';

// path: [what it does with a connection that has asked, the code]
const VICES = {
    hangs: [() => {}, 11200, '#rt=300&tt=700'],
    resets: [(s) => s.resetAndDestroy(), 11206],
    circles: [(s) => s.end('HTTP/1.1 302 Found\r\nLocation: /circles\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'), 11215],
    half: [(s) => s.end('HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 900\r\n\r\n<Response><Say>'), 11206],
    garbage: [(s) => s.end('\x00\x01\x02 no HTTP at all\r\n\r\n'), 11206],
    html: [(s) => s.end(typed('text/html', '<html><body><h1>It works!</h1></body></html>')), 12102],
    messy: [(s) => s.end(typed('text/html', '<!doctype html><html><p>It <br> works')), 12100],
    bomb: [(s) => s.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Encoding: gzip\r\n' +
        `Content-Length: ${bomb.length}\r\n\r\n`), bomb])), 11750],
    large: [(s) => s.end(xml(`<Response><!--${'x'.repeat(70000)}--></Response>`)), 11750],
    endless: [(s) => {
        s.write('HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n');
        const more = () => { while (!s.destroyed && s.write('<Response>'.repeat(500))); };
        s.on('drain', more);
        more();
    }, 11750],
    empty: [(s) => s.end(xml('')), 11770],
    json: [(s) => s.end(typed('application/json', '{"say":"hello"}')), 12300],
    refuses: [(s) => s.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'), 11200],
    root: [(s) => s.end(xml('<Answer><Say>Hello</Say></Answer>')), 12102],
    laughs: [(s) => s.end(xml(laughs)), 12100],
    entity: [(s) => s.end(xml('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><Response><Say>&x;</Say></Response>')), 12100],
    deep: [(s) => s.end(xml('<Response>' + '<Say>'.repeat(5000) + '</Say>'.repeat(5000) + '</Response>')), 12100],
    wide: [(s) => s.end(xml('<Response>' + '<Pause/>'.repeat(6000) + '</Response>')), 12100],
};
const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (data) => {
        text += data.toString('latin1');
        if (!text.includes('\r\n\r\n'))
            return;
        const [, where] = /^\w+ \/(\w+)/.exec(text) ?? [];
        text = '';
        if (where === 'fallback')
            socket.end(xml(FALLBACK));
        else if (where === 'loop')
            socket.end(xml('<Response><Redirect/></Response>'));
        else
            VICES[where]?.[0](socket);
    });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${server.address().port}`;
const nobody = await freePort();

// --- the exchange, and the call that goes on -------------------------------------------------

const to = {};
let count = 0;
const number = (name, url) => {
    to[name] = `+1555040${String(count++).padStart(2, '0')}`;
    return `number { "${to[name]}", voice = "${url}", voice_fallback = "${origin}/fallback" }`;
};
const chirp = Int16Array.from({ length: 8000 }, (_, i) => 8000 * Math.sin(2 * Math.PI * (300 + i * 0.15) * i / 8000));
const almon = await startAlmon({
    flows: {
        'chirp.wav': wav(chirp), 'canary.xml': '<Response><Play loop="0">chirp.wav</Play></Response>',
        'echo.xml': '<Response><Echo/></Response>', 'tone.wav': wav(tone(440, 60000)),
        'tone.xml': '<Response><Play>tone.wav</Play></Response>',
    },
    config: Object.entries(VICES).map(([name, [,, fragment = '']]) => number(name, `${origin}/${name}${fragment}`)).join('\n') +
        `\n${number('nobody', `http://127.0.0.1:${nobody}/`)}\n${number('nohost', 'http://no-such-host.invalid/')}` +
        `\n${number('loop', `${origin}/loop`)}\n` +
        'number { "+1555", voice = "canary.xml" }\nnumber { "+1556", voice = "echo.xml" }\n' +
        'number { "+1557", voice = "tone.xml" }\n',
});
watch(almon);
const heard = path.join(almon.dir, 'canary.wav');
const canary = almon.run(['call', '+1555', '--config', almon.config, '--from', '+1canary', '--save', heard, '--timeout', '300'], 120000);
await until(10000, 'the canary to be answered', () => almon.journals().some((j) => j.lines.some((l) => l.e === 'play')));
const gw = await Gateway.open(almon.bridge, hello);
const logLines = (from, ...words) => almon.log.slice(from).split('\n').filter((l) => words.every((w) => l.includes(w)));

// --- applications ----------------------------------------------------------------------------

const expected = { ...Object.fromEntries(Object.entries(VICES).map(([n, [, code]]) => [n, code])), nobody: 11205, nohost: 11210 };
await Promise.all(Object.entries(expected).map(([name, code], i) =>
    test(`an application that is '${name}': ${code}, one line, and the fallback answers`, async () => {
        const c = gw.call(to[name], { from: `+15556660${String(i).padStart(2, '0')}` });
        assert.equal(await c.over(), 'normal');
        const said = c.messages.filter((m) => m.type === 'prompt' && m.state === 'begin').map((m) => m.text);
        assert.deepEqual(said, ['Sorry.']);
        const { sid, lines } = await almon.journal(c.from);
        const errors = lines.filter((l) => l.e === 'error');
        assert.deepEqual(errors.map((l) => l.code), [code], errors.map((l) => l.text).join('; '));
        assert.ok(errors[0].text.length > 15, errors[0].text);
        assert.equal(lines.at(-1).status, 'completed');
        const log = almon.logged(sid).filter((l) => / (error|warn) /.test(l));
        assert.equal(log.length, 1, log.join('\n'));
        assert.ok(log[0].includes(String(code)), log[0]);
    })));

await test('a Redirect without end is ended by the limit of documents', async () => {
    const c = gw.call(to.loop, { from: '+155566700' });
    assert.equal(await c.over(), 'error');
    const { sid, lines } = await almon.journal(c.from);
    assert.deepEqual(lines.filter((l) => l.e === 'error').map((l) => l.code), [11215]);
    assert.equal(almon.logged(sid, ' error ').length, 1);
});

// --- gateways --------------------------------------------------------------------------------

/** A link of its own with one answered call. */
async function victim(flow = '+1556') {
    const link = await Gateway.open(almon.bridge, hello);
    const c = link.call(flow);
    await within(5000, 'the answer', c.answered);
    return { link, c };
}

const mistakes = [
    ['text that is no JSON', 'bad-message', (link) => link.say('this is no JSON')],
    ['JSON that is no object', 'bad-message', (link) => link.say('[[[[1]]]]')],
    ['a type that is not known', 'bad-message', (link) => link.say({ type: 'teleport', channel: 1 })],
    ['a field of the wrong kind', 'bad-message', (link) => link.say({ type: 'dtmf', channel: '1', digits: 5 })],
    ['a control character', 'bad-message', (link) => link.say({ type: 'dtmf', channel: 1, digits: '1\u0000\u001b[2J' })],
    ['a message for an unknown channel', 'unknown-channel', (link) => link.say({ type: 'answer', channel: 99 })],
    ['audio for an unknown channel', 'unknown-channel', (link) => link.sendRecord(99, Buffer.alloc(160))],
    ['a frame of the wrong size', 'bad-frame', (link, c) => link.sendRecord(c.channel, Buffer.alloc(161))],
    ['a record that is too long', 'bad-batch', (link, c) => link.sendRecord(c.channel, Buffer.alloc(961))],
    ['a record that is cut short', 'bad-batch', (link, c) => link.socket.send(record(c.channel, Buffer.alloc(160)).subarray(0, 90))],
    ['three bytes of audio', 'bad-batch', (link) => link.socket.send(Buffer.alloc(3))],
    ['an answer by the caller', 'wrong-state', (link, c) => link.say({ type: 'answer', channel: c.channel })],
    ['an offer on a channel in use', 'channel-in-use', (link, c) => link.say({ type: 'offer', channel: c.channel, from: '+1', to: '+1556', codec: 'PCMU' })],
    ['an offer on the exchange\'s own numbers', 'bad-channel', (link) => link.say({ type: 'offer', channel: 2147483648, from: '+1', to: '+1556', codec: 'PCMU' })],
];
for (const [what, code, doIt] of mistakes)
    await test(`${what}: ${code}, one line, and the call goes on`, async () => {
        const { link, c } = await victim();
        const from = almon.log.length;
        const told = link.next('error');
        doIt(link, c);
        const error = await told;
        assert.equal(error.code, code, JSON.stringify(error));
        assert.ok(error.text.length > 5);
        await until(2000, 'the log line', () => logLines(from, code).length > 0);
        c.speak(tone(440, 1000)); // the Echo still answers
        await until(5000, 'the echo', () => c.frames.length >= 10);
        assert.equal(logLines(from, code).length, 1);
        assert.equal(link.errors.length, 1);
        assert.doesNotMatch(almon.log.slice(from), /[\x00-\x09\x0b-\x1f]/); // no raw control character in the log
        await link.close();
    });

const endings = [
    ['a hello that never comes', 1008, 'hello', () => {}],
    ['a first message that is no hello', 1008, 'hello', (link) => link.say({ type: 'ring', channel: 1 })],
    ['a text message of 17 kB', 1009, null, (link) => link.say(JSON.stringify({ type: 'ring', x: 'y'.repeat(17000) }))],
    ['a batch of 66 kB', 1009, null, (link) => link.socket.send(Buffer.alloc(66000))],
];
await Promise.all(endings.map(([what, wanted, code, doIt]) =>
    test(`${what} closes the link with ${wanted}`, async () => {
        const link = new Gateway(await Gateway.connect(almon.bridge));
        doIt(link);
        assert.equal(await within(10000, 'the close', link.closed), wanted);
        if (code)
            assert.equal(link.errors.at(-1)?.code, code);
    })));

await test('a flood of control messages is stopped: 1008, and only that link', async () => {
    const { link, c } = await victim();
    const from = almon.log.length;
    for (let i = 0; i < 40000; i++)
        link.say({ type: 'dtmf', channel: c.channel, digits: '1' });
    assert.equal(await within(15000, 'the close', link.closed), 1008);
    assert.ok(['flood', 'too-many-errors'].includes(link.errors.at(-1)?.code), JSON.stringify(link.errors.at(-1)));
    assert.ok(logLines(from).length < 80, `${logLines(from).length} lines in the log`);
});

await test('a link that only makes mistakes is closed', async () => {
    const link = await Gateway.open(almon.bridge, hello);
    const from = almon.log.length;
    for (let i = 0; i < 200; i++)
        link.say('nonsense');
    assert.equal(await within(5000, 'the close', link.closed), 1008);
    assert.equal(link.errors.at(-1).code, 'too-many-errors');
    assert.ok(logLines(from).length < 80, `${logLines(from).length} lines in the log`);
});

await test('a flood of audio costs no memory, and no other call a frame', async () => {
    const { link, c } = await victim();
    const before = almon.resources().anon;
    const batch = Buffer.concat(Array.from({ length: 300 }, () => record(c.channel, Buffer.alloc(160, 0x55))));
    for (let i = 0; i < 1000 && link.socket.readyState === 1; i++) {
        link.socket.send(batch);
        if (i % 50 === 0)
            await until(10000, 'the exchange to read', () => link.socket.bufferedAmount < 4 << 20);
    }
    link.say('still there?');
    await within(10000, 'an answer, or the end', Promise.race([link.next('error'), link.closed]).catch(() => {}));
    const grown = almon.resources().anon - before;
    assert.ok(grown < 16384, `${grown} kB`);
    link.socket.terminate();
}, 30000, SANITIZED);

await test('a gateway that reads nothing is bounded, and is let go', async () => {
    const link = await Gateway.open(almon.bridge, hello);
    const first = link.call('+1557', { codec: 'L16/24000' }); // now the tone is in the cache
    await within(5000, 'sound', once(first, 'frame'));
    const before = almon.resources().anon;
    const calls = Array.from({ length: 20 }, () => link.call('+1557', { codec: 'L16/24000' }));
    await Promise.all(calls.map((c) => within(5000, 'the answer', c.answered)));
    link.socket._socket.pause(); // nothing is read any more, nor any ping answered
    await pause(2000);
    const grown = almon.resources().anon - before;
    assert.ok(grown < 24576, `${grown} kB`);
    link.socket.terminate();
}, 30000, SANITIZED);

// The exchange lets an address have so many of them and closes the rest; the others are from another.
await test('500 half-open connections of one address: the door stays open for others', async () => {
    const before = almon.resources().files;
    const sockets = Array.from({ length: 500 }, (_, i) => {
        const socket = net.connect({ port: almon.bridgePort, host: '127.0.0.1', localAddress: '127.0.0.2' });
        socket.on('error', () => {});
        socket.once('connect', () => i % 2 && socket.write('GET / HTTP/1.1\r\nHost: a\r\nUpgr'));
        return socket;
    });
    await within(10000, 'all to connect', Promise.all(sockets.map((s) => s.readyState === 'open' || s.destroyed || once(s, 'connect').catch(() => {}))));
    const { link, c } = await victim();
    c.speak(tone(440, 1000));
    await until(5000, 'the echo', () => c.frames.length >= 10);
    await link.close();
    sockets.forEach((s) => s.destroy());
    await until(10000, 'their files to be closed', () => almon.resources().files <= before + 5);
});

// --- the canary ------------------------------------------------------------------------------

await test('the call beside it all heard every frame, in order', async () => {
    const sid = await almon.sidOf('+1canary');
    assert.equal((await almon.run(['hangup', sid, '--state', almon.state])).status, 0);
    const { status, out } = await canary;
    assert.equal(status, 0, out);
    const { lines } = await almon.journal('+1canary');
    const began = lines.find((l) => l.e === 'play').t, ended = lines.find((l) => l.e === 'hangup').t;
    const { samples } = readWav(readFileSync(heard));
    // `almon call` fills up with silence when a frame is later than its buffer: this is no loss.
    const frames = Array.from({ length: Math.floor(samples.length / 160) },
        (_, i) => Buffer.from(samples.buffer, samples.byteOffset + 320 * i, 320)).filter((f) => f.some((b) => b !== 0));
    assert.ok(Math.abs(frames.length - (ended - began) / 20) <= 10, `${frames.length} frames in ${ended - began} ms`);
    for (let i = 50; i < frames.length; i++) {
        const is = frames.slice(0, 50).findIndex((f) => f.equals(frames[i]));
        assert.equal(is, i % 50, `frame ${i} of ${frames.length}`);
    }
}, 60000);

await test('the link that had nothing to say for long is there still', async () => {
    assert.equal(gw.socket.readyState, 1);
    assert.deepEqual(gw.errors, []);
});

await test('the exchange is idle again', async () => {
    await gw.close();
    await until(5000, 'no call and no link', async () => {
        const { calls, links } = await almon.status();
        return calls === 0 && links === 0;
    });
});

server.close();
await finish(almon);
