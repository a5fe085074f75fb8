// An existing Asterisk hands its calls to Almon: its WebSocket channel as the reference describes it
// (lib/asterisk.mjs), plain text and JSON, as the one who connects and as the one who waits.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { ALMON, assert, finish, freePort, pause, startAlmon, test, until, watch, within } from './common.mjs';
import { Channel, Incoming } from './lib/asterisk.mjs';
import { CODECS, join, keysHeard, melody, strength, tone, wav } from './lib/sound.mjs';

const TONES = [440, 660, 880];
const PBX = { user: 'pbx', password: 'pbx-secret' };
const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const run = promisify(execFile);

const mediaPort = await freePort();
const flows = {
    'tones.wav': wav(join(...TONES.map((f) => tone(f, 300)))),
    'long.wav': wav(tone(440, 6000)),
    'ask.wav': wav(tone(500, 300)),
    'thanks.wav': wav(tone(900, 300)),
    'play.xml': xml('<Play>tones.wav</Play>'),
    'long.xml': xml('<Play>long.wav</Play>'),
    'ask.xml': xml('<Gather numDigits="2" timeout="5" action="got-{Digits}.xml"><Play>ask.wav</Play></Gather>'),
    'got-15.xml': xml('<Play>thanks.wav</Play>'),
    'echo.xml': xml('<Echo/>'),
    'keys.xml': xml('<Play digits="17#"/>'),
    'busy.xml': xml('<Reject reason="busy"/>'),
};
const number = {};
const config = Object.keys(flows).filter((f) => f.endsWith('.xml')).map((file, i) => {
    number[file.replace('.xml', '')] = `+1555020${String(i).padStart(2, '0')}`;
    return `number { "+1555020${String(i).padStart(2, '0')}", voice = "${file}" }`;
}).join('\n') + `
gateway { name = "pbx", token = "pbx-secret", dialect = "asterisk", url = "ws://127.0.0.1:${mediaPort}/media" }
gateway { name = "small", token = "s", dialect = "asterisk", max_channels = 1 }
`;
const almon = await startAlmon({ flows, config });
watch(almon);

const uri = (params) => `${almon.bridge}media?${new URLSearchParams(params)}`;
/** A call to a flow, in either format, as `Dial(WebSocket/…)` makes it. */
const call = (flow, options = {}) => (options.json
    ? Channel.dial(`${almon.bridge}media`, { ...PBX, variables: { __ALMON_TO: number[flow], __ALMON_FROM: '+15559900' },
        ...options })
    : Channel.dial(uri({ to: number[flow], from: '+15559900' }), { ...PBX, ...options }));
const over = (c) => within(15000, 'the end of the call', c.closed);
const both = [['plain text', {}], ['JSON', { json: true }]];

for (const [name, options] of both)
    await test(`${name}: a call hears its prompt to the last frame, and is hung up after it`, async () => {
        const c = await call('play', options);
        assert.equal(c.upgrade['sec-websocket-protocol'], 'media');
        assert.equal(c.upgrade['sec-websocket-extensions'], undefined);
        assert.equal(await over(c), 1000);
        assert.deepEqual(c.mistakes, []);
        assert.equal(c.frames.length, 45);
        assert.deepEqual(melody(c.heard(), TONES).map((t) => t.frequency), TONES);
        assert.deepEqual(c.commands, ['ANSWER', 'MARK_MEDIA', 'HANGUP']);
        assert.equal(c.pings, 0); // an older Asterisk hangs up on one
    });

for (const [name, options] of both)
    await test(`${name}: digits reach a Gather`, async () => {
        const c = await call('ask', options);
        await c.next('ANSWER');
        await pause(200);
        c.press('15');
        assert.equal(await over(c), 1000);
        assert.ok(strength(c.heard().subarray(-1600), 900) > 4000, 'its action is heard');
        assert.deepEqual(c.mistakes, []);
    });

for (const format of ['alaw', 'slin', 'slin16', 'slin24'])
    await test(`${format} is heard and spoken`, async () => {
        const c = await call('echo', { format });
        const { rate } = CODECS[c.codec];
        await c.next('ANSWER');
        c.speak(tone(700, 2000, rate));
        await until(5000, 'the echo', () => c.frames.length > 60 &&
            strength(c.heard().subarray(-rate / 5), 700, rate) > 4000);
        c.hangUp();
        assert.equal(await over(c), 1000);
        assert.deepEqual(c.mistakes, []);
    });

await test('another packetisation of Asterisk: 30 ms each way', async () => {
    const c = await call('echo', { frame: 240 });
    await c.next('ANSWER');
    assert.equal(c.commands[0], 'START_MEDIA_BUFFERING');
    c.speak(tone(700, 2000));
    await until(5000, 'the echo', () => c.frames.length > 40 && strength(c.heard().subarray(-1600), 700) > 4000);
    assert.ok(c.frames.every((f) => f.audio.length === 240));
    c.hangUp();
    await over(c);
    assert.deepEqual(c.mistakes, []);
});

await test('digits to the far end are tones', async () => {
    const c = await call('keys');
    await over(c);
    assert.equal(keysHeard(c.heard()), '17#');
});

await test('the caller hangs up in the middle: the call is over for Almon too', async () => {
    const c = await call('long', { json: true });
    await c.next('ANSWER');
    await pause(300);
    c.hangUp();
    assert.equal(await over(c), 1000);
    await until(5000, 'no call left', async () => (await status()).calls === 0);
});

await test('a connection that drops ends the call', async () => {
    const c = await call('long');
    await c.next('ANSWER');
    c.socket.terminate();
    await until(5000, 'no call left', async () => (await status()).calls === 0);
});

await test('a refused call is hung up without an answer', async () => {
    const c = await call('busy');
    assert.equal(await over(c), 1000);
    assert.deepEqual(c.commands, ['HANGUP']);
});

await test('an Asterisk without marks is hung up all the same', async () => {
    const c = await call('play', { oldest: true });
    assert.equal(await over(c), 1000);
    assert.equal(c.frames.length, 45);
});

await test('XOFF: nothing more comes until XON', async () => {
    const c = await call('long');
    await c.next('ANSWER');
    await pause(300);
    c.say('MEDIA_XOFF');
    await c.next('FLUSH_MEDIA');
    await pause(100);
    const before = c.frames.length;
    await pause(500);
    assert.ok(c.frames.length <= before + 1, `${c.frames.length - before} frames came`);
    c.say('MEDIA_XON');
    await until(2000, 'audio again', () => c.frames.length >= before + 20);
    c.hangUp();
    await over(c);
});

await test('a caller whose Asterisk lags is not left behind: its queue is flushed', async () => {
    const c = await call('long', { paused: true }); // the queue only grows
    await c.next('ANSWER');
    await c.next('FLUSH_MEDIA', 8000);
    assert.ok(c.length < 50);
    c.hangUp();
    await over(c);
});

await test('v(…) of the dialled string is believed before the parameters of the address', async () => {
    const c = await Channel.dial(uri({ to: number.busy }), { ...PBX, json: true,
        variables: { DIALEDPEERNUMBER: `almon/c(ulaw)f(json)v(to=${encodeURIComponent(number.play)},from=17)` } });
    await over(c);
    assert.equal(c.frames.length, 45);
});

await test('a number at the end of the address is enough', async () => {
    const c = await Channel.dial(almon.bridge + number.play, PBX);
    await over(c);
    assert.equal(c.frames.length, 45);
});

for (const [what, wrong] of [['a wrong password', { password: 'guess' }], ['an unknown name', { user: 'other' }],
    ['no Asterisk', { user: 'local', password: 'the-gateway-token' }]])
    await test(`${what}: closed with 1008, nothing is answered`, async () => {
        const c = await call('play', wrong);
        assert.equal(await over(c), 1008);
        assert.deepEqual(c.commands, []);
        assert.doesNotMatch(almon.log, /guess/);
    });

await test('calls beyond max_channels are hung up, and the first goes on', async () => {
    const options = { user: 'small', password: 's' };
    const first = await call('long', options);
    await first.next('ANSWER');
    const second = await call('play', options);
    assert.equal(await over(second), 1000);
    assert.deepEqual(second.commands, ['HANGUP']);
    assert.equal(first.socket.readyState, 1);
    first.hangUp();
    await over(first);
});

await test('rubbish is told of in the log, and the call goes on', async () => {
    const c = await call('play');
    c.socket.send('DTMF_END digit:??');
    c.socket.send('{"event":');
    c.socket.send('SOMETHING_NEW a:b');
    await over(c);
    assert.equal(c.frames.length, 45);
});

await test('fifty calls at once are all heard whole', async () => {
    const calls = await Promise.all(Array.from({ length: 50 }, (_, i) => call('play', { json: i % 2 === 1 })));
    await Promise.all(calls.map(over));
    assert.deepEqual(calls.filter((c) => c.frames.length !== 45).map((c) => c.frames.length), []);
    assert.ok(calls.every((c) => c.mistakes.length === 0));
});

// --- Almon connects: WebSocket/INCOMING ---

const almonRun = (...args) => run(ALMON, [...args, '--state', path.join(almon.dir, 'state')]);
async function status() {
    const socket = net.connect(path.join(almon.dir, 'state', 'almon.sock'));
    socket.write('{"cmd":"status"}\n');
    const [line] = await once(socket, 'data');
    socket.destroy();
    return JSON.parse(line).status;
}
const asterisk = await Incoming.listen(mediaPort);

for (const [name, options] of both)
    await test(`${name}: almon join takes a call that waits in Asterisk`, async () => {
        const id = `dc945903-567d-4e67-b712-94ff941f821${options.json ? 1 : 2}`;
        const waiting = asterisk.wait(id, options);
        await almonRun('join', 'pbx', id, number.ask, '+15559900');
        const c = await waiting;
        assert.equal(c.request.headers['sec-websocket-protocol'], 'media');
        await c.next('ANSWER');
        await pause(200);
        c.press('15');
        assert.equal(await over(c), 1000);
        assert.ok(strength(c.heard().subarray(-1600), 900) > 4000, 'its action is heard');
        assert.deepEqual(c.mistakes, []);
        // Another connection to the same channel is Asterisk's to refuse.
        await almonRun('join', 'pbx', id, number.ask);
    });

await test('almon join: an unknown gateway is told at once, a channel that is not there in the log', async () => {
    await assert.rejects(almonRun('join', 'local', 'x', number.play), /no gateway 'local'/);
    await almonRun('join', 'pbx', 'nobody', number.play);
    await until(5000, 'a line in the log', () => /link of 'pbx' is gone: .*not 101/.test(almon.log));
});

await test('an Asterisk that breaks off each connection: every one is told of, and none is left', async () => {
    const gone = () => almon.logged("link of 'pbx' is gone").length;
    const before = gone();
    asterisk.brittle = true;
    for (let i = 0; i < 10; i++)
        await almonRun('join', 'pbx', 'nobody', number.play);
    await until(5000, 'ten lines in the log', () => gone() >= before + 10);
});
asterisk.close();

await test('Almon still takes calls', async () => {
    const c = await call('play', { json: true });
    await over(c);
    assert.equal(c.frames.length, 45);
});

await finish(almon);
