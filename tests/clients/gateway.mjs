// A gateway on the npm package `ws`, written from the bridge's specification alone: what a caller
// hears and says, frame by frame.

import { execFileSync } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { assert, finish, GATEWAY, pause, SECRET, startAlmon, test, until, watch, within }
    from './common.mjs';
import { Gateway } from './lib/gateway.mjs';
import { CODECS, dtmf, join, keysHeard, loudness, melody, readWav, silence, span, strength, tone, wav }
    from './lib/sound.mjs';

const TONES = [440, 660, 880, 1100];
const SENTENCE = 'This is the exchange speaking, and it has a longer sentence to say.';
const hello = { gateway: GATEWAY, token: SECRET, prompts: true };
const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;

const flows = {
    'tones.wav': wav(join(...TONES.map((f) => tone(f, 500)))),
    'tones24.wav': wav(join(...TONES.map((f) => tone(f, 500, 24000))), 24000),
    'long.wav': wav(tone(440, 10000)),
    'five.wav': wav(tone(440, 5000)),
    'ask.wav': wav(tone(500, 300)),
    'ask_long.wav': wav(tone(500, 4000)),
    'thanks.wav': wav(tone(900, 300)),
    'wrong.wav': wav(tone(300, 300)),
    'play.xml': xml('<Play>tones.wav</Play>'),
    'play24.xml': xml('<Play>tones24.wav</Play>'),
    'long.xml': xml('<Play>long.wav</Play>'),
    'five.xml': xml('<Play>five.wav</Play>'),
    'twice.xml': xml('<Play loop="2">tones.wav</Play><Pause length="1"/><Play>thanks.wav</Play>'),
    'say.xml': xml(`<Say>${SENTENCE}</Say>`),
    'keys.xml': xml('<Play digits="1w2W#"/><Pause length="1"/>'),
    'ask.xml': xml('<Gather numDigits="3" timeout="5" action="got-{Digits}.xml"><Play>ask.wav</Play></Gather>' +
        '<Play>wrong.wav</Play>'),
    'ask_long.xml': xml('<Gather numDigits="3" action="got-{Digits}.xml"><Play>ask_long.wav</Play></Gather>'),
    'got-159.xml': xml('<Play>thanks.wav</Play>'),
    'echo.xml': xml('<Echo/>'),
    'record.xml': xml('<Record playBeep="false" finishOnKey="#" trim="do-not-trim" timeout="0" action="recorded.xml"/>'),
    'quiet.xml': xml('<Record playBeep="true" timeout="1" action="recorded.xml"/>'),
    'recorded.xml': xml('<Play>thanks.wav</Play>'),
    'busy.xml': xml('<Reject reason="busy"/>'),
};
const number = {};
const config = Object.keys(flows).filter((f) => f.endsWith('.xml')).map((file, i) => {
    number[file.replace('.xml', '')] = `+1555010${String(i).padStart(2, '0')}`;
    return `number { "+1555010${String(i).padStart(2, '0')}", voice = "${file}" }`;
}).join('\n');

const almon = await startAlmon({ flows, config });
watch(almon);
const gw = await Gateway.open(almon.bridge, hello);
let callers = 0;
const call = (flow, options = {}) => gw.call(number[flow],
    { from: `+1555990${String(callers++).padStart(4, '0')}`, ...options });
// Tests that do not disturb each other: their calls share the link and the time.
const many = [];
const also = (name, body) => many.push(test(name, body));
const answered = (c) => within(5000, 'the answer', c.answered);
const close = (value, wanted, by, what) => assert.ok(Math.abs(value - wanted) <= by,
    `${what}: ${value}, expected ${wanted} ± ${by}`);

// --- linking ---------------------------------------------------------------------------------

await test('the welcome says what the gateway may do', async () => {
    assert.equal(gw.welcome.version, 1);
    assert.equal(gw.welcome.max_channels, 10000);
    assert.equal(gw.welcome.originate, true);
    assert.equal(gw.welcome.terminate, true);
});

for (const [what, wrong] of [['a wrong token', { token: 'guess' }], ['an unknown name', { gateway: 'other' }]])
    await test(`${what} is refused with an error and code 1008`, async () => {
        const stranger = new Gateway(await Gateway.connect(almon.bridge));
        stranger.say({ type: 'hello', version: 1, ...hello, ...wrong });
        assert.equal((await stranger.next('error')).code, 'not-authorised');
        assert.equal(await within(5000, 'the close', stranger.closed), 1008);
        assert.doesNotMatch(almon.log, /guess/);
    });

await test('another version of the protocol is refused', async () => {
    const stranger = new Gateway(await Gateway.connect(almon.bridge));
    stranger.say({ type: 'hello', ...hello, version: 2 });
    assert.equal((await stranger.next('error')).code, 'version');
    assert.equal(await within(5000, 'the close', stranger.closed), 1008);
});

await test('a handshake without the subprotocol is refused', async () => {
    await assert.rejects(Gateway.connect(almon.bridge, { protocol: [] }));
});

// --- what is heard ---------------------------------------------------------------------------

await test('frames of a prompt come evenly, one each 20 ms, and none is missing', async () => {
    const ours = monitorEventLoopDelay({ resolution: 2 });
    ours.enable();
    const c = call('five');
    assert.equal(await c.over(), 'normal');
    ours.disable();
    assert.equal(c.frames.length, 250);
    const times = c.frames.map((f) => f.at);
    const gaps = times.slice(1).map((t, i) => t - times[i]).sort((a, b) => a - b);
    const p99 = gaps[Math.floor(gaps.length * 0.99)];
    close((times.at(-1) - times[0]) / 249, 20, 0.1, 'mean distance of frames in ms');
    const late = Math.max(0, ours.percentile(99) / 1e6 - 2); // of this very process
    assert.ok(p99 < 30 + late, `p99 of the distance is ${p99} ms, with ${late} ms of our own`);
});

for (const codec of Object.keys(CODECS))
    also(`a played file is heard tone by tone on ${codec}`, async () => {
        const c = call(codec === 'L16/24000' ? 'play24' : 'play', { codec });
        assert.equal(await c.over(), 'normal');
        const { rate } = CODECS[codec];
        const tones = melody(c.heard(), TONES, rate);
        assert.deepEqual(tones.map((t) => t.frequency), TONES);
        for (const t of tones)
            close(t.ms, 500, 40, `length of ${t.frequency} Hz`);
        close(c.frames.length, 100, 1, 'frames');
        const middle = c.heard().subarray(0.1 * rate, 0.4 * rate);
        close(strength(middle, 440, rate), 8000, 800, 'amplitude of 440 Hz');
    });

also('loop and Pause: nothing is sent while there is nothing to hear', async () => {
    const c = call('twice');
    assert.equal(await c.over(), 'normal');
    assert.equal(c.frames.length, 100 + 100 + 15);
    close(c.frames[200].at - c.frames[199].at, 1000, 120, 'the Pause in ms');
    assert.deepEqual(melody(c.heard(), [...TONES, 900]).map((t) => t.frequency), [...TONES, ...TONES, 900]);
});

also('Say is heard as speech, as long as espeak-ng itself takes for it', async () => {
    const c = call('say');
    assert.equal(await c.over(), 'normal');
    const heard = span(c.heard());
    const own = readWav(execFileSync('espeak-ng', ['--stdout', '-v', 'en-us', SENTENCE]));
    const wanted = span(own.samples, own.rate);
    close(heard.ms, wanted.ms, wanted.ms / 4, 'length of the sentence in ms');
    // Speech comes and goes, and is no tone: no one frequency holds most of it.
    assert.ok(heard.active > heard.ms * 0.5 && heard.active < heard.ms, 'an envelope of words');
    const speech = c.heard();
    for (const f of [440, 880, 1760])
        assert.ok(strength(speech, f) < loudness(speech) / 2, `no tone of ${f} Hz`);
});

also('Play digits: tones in the audio for a channel without dtmf events', async () => {
    const c = call('keys', { dtmf: 'audio' });
    assert.equal(await c.over(), 'normal');
    assert.equal(keysHeard(c.heard()), '12#');
    assert.ok(!c.messages.some((m) => m.type === 'dtmf'));
});

also('Play digits: a message for a channel with dtmf events, and no tones', async () => {
    const c = call('keys', { dtmf: 'events' });
    assert.equal(await c.over(), 'normal');
    const digits = c.messages.filter((m) => m.type === 'dtmf').map((m) => m.digits).join('');
    assert.equal(digits.replace(/w/gi, ''), '12#');
    assert.equal(keysHeard(c.heard()), '');
});

also('prompts are told as they begin and end', async () => {
    const c = call('say');
    await c.over();
    const told = c.messages.filter((m) => m.type === 'prompt');
    assert.deepEqual(told.map((m) => m.state), ['begin', 'end']);
    assert.equal(told[0].text, SENTENCE);
});

also('Reject: the call ends before any answer, with its cause', async () => {
    const c = call('busy');
    assert.equal(await c.over(), 'busy');
    assert.ok(!c.messages.some((m) => m.type === 'answer'));
});

// --- what is said ----------------------------------------------------------------------------

also('keys sent as events arrive in Gather', async () => {
    const c = call('ask');
    await c.prompt(1);
    c.press('1');
    c.press('59');
    assert.equal(await c.over(), 'normal');
    assert.deepEqual(melody(c.heard(), [500, 900, 300]).map((t) => t.frequency), [500, 900]);
});

for (const codec of Object.keys(CODECS))
    also(`keys sent as tones on ${codec} arrive in Gather`, async () => {
        const c = call('ask', { codec, dtmf: 'audio' });
        await c.prompt(1);
        c.speak(dtmf('159', CODECS[codec].rate));
        assert.equal(await c.over(), 'normal');
        assert.deepEqual(melody(c.heard(), [500, 900, 300], CODECS[codec].rate).map((t) => t.frequency), [500, 900]);
        const digits = (await almon.journal(c.from)).lines.filter((l) => l.e === 'digit');
        assert.deepEqual(digits.map((l) => l.key), ['1', '5', '9']);
    });

also('a key cuts the prompt short', async () => {
    const c = call('ask_long');
    await within(5000, 'sound', new Promise((go) => c.on('frame', (n) => n === 3 && go())));
    c.press('159');
    await c.over();
    // On a busy machine neither side is quick; but its four seconds are not heard to their end.
    const [first] = melody(c.heard(), [500, 900, 300]);
    assert.ok(first.frequency === 500 && first.ms < 3500, `${first.frequency} Hz for ${first.ms} ms`);
});

for (const codec of Object.keys(CODECS))
    also(`Record keeps what was said on ${codec}`, async () => {
        const c = call('record', { codec });
        const { rate } = CODECS[codec];
        await answered(c);
        await c.speak(join(silence(200, rate), tone(440, 1000, rate), silence(300, rate), tone(880, 500, rate)));
        c.press('#');
        assert.equal(await c.over(), 'normal');
        const recording = (await almon.journal(c.from)).lines.find((l) => l.e === 'recording' && l.state === 'completed');
        assert.ok(recording, 'the journal tells of the recording');
        const file = path.join(almon.state, 'recordings', recording.url.split('/').at(-3), `${recording.sid}.wav`);
        const kept = readWav(readFileSync(file));
        assert.equal(kept.rate, rate);
        assert.deepEqual(melody(kept.samples, [440, 880], kept.rate).map((t) => t.frequency), [440, 880]);
        const sound = span(kept.samples, kept.rate);
        close(sound.ms, 1800, 20, 'from the first tone to the end of the last');
        close(kept.samples.length / rate, 2, 0.25, 'length of the file in seconds');
        const from = ((sound.start + 200) * rate) / 1000;
        close(strength(kept.samples.subarray(from, from + rate / 2), 440, rate), 8000, 400, 'amplitude');
    });

also('Record beeps, and ends by itself after silence', async () => {
    const c = call('quiet');
    await answered(c);
    await within(5000, 'the end of the beep', until(5000, 'the beep', () => c.frames.length > 5));
    await c.speak(tone(440, 1500));
    assert.equal(await c.over(), 'normal');
    const { lines } = await almon.journal(c.from);
    const recording = lines.find((l) => l.e === 'recording' && l.state === 'completed');
    assert.ok(recording.seconds >= 1 && recording.seconds <= 2, `${recording.seconds} s`);
});

also('Echo gives back what was said', async () => {
    const c = call('echo', { codec: 'L16/16000' });
    await answered(c);
    await c.speak(join(silence(200, 16000), ...TONES.map((f) => tone(f, 300, 16000))));
    // A machine that is busy sends in bursts, and a frame may fall out: tones may have a gap.
    const total = () => {
        const sum = new Map(TONES.map((f) => [f, 0]));
        for (const t of melody(c.heard(), TONES, 16000))
            sum.set(t.frequency, sum.get(t.frequency) + t.ms);
        return sum;
    };
    await until(3000, 'all of the echo', () => total().get(TONES.at(-1)) >= 240);
    const order = melody(c.heard(), TONES, 16000).map((t) => t.frequency);
    const heard = [...new Set(order)];
    assert.ok(heard.length >= TONES.length - 1, `heard: ${heard}`); // a burst may cost the first
    assert.deepEqual(heard, TONES.slice(-heard.length));
    for (const f of heard.slice(1))
        close(total().get(f), 300, 60, `length of ${f} Hz`);
    c.hangup();
    const { lines } = await almon.journal(c.from);
    assert.equal(lines.at(-1).status, 'completed');
});

// --- ends ------------------------------------------------------------------------------------

also('the caller hangs up: the call is completed, by the caller', async () => {
    const c = call('long');
    await within(5000, 'sound', new Promise((go) => c.once('frame', go)));
    c.hangup();
    const { lines } = await almon.journal(c.from);
    assert.equal(lines.find((l) => l.e === 'hangup').by, 'caller');
    assert.equal(lines.at(-1).status, 'completed');
    const heard = c.frames.length;
    await pause(100);
    assert.ok(c.frames.length <= heard + 2, 'no sound after the end');
});

also('the operator hangs up: the gateway is told', async () => {
    const c = call('long');
    await within(5000, 'sound', new Promise((go) => c.once('frame', go)));
    const sid = await almon.sidOf(c.from);
    assert.equal((await almon.run(['hangup', sid, '--state', almon.state])).status, 0);
    assert.equal(await c.over(), 'normal');
    const { lines } = await almon.journal(c.from);
    assert.equal(lines.find((l) => l.e === 'hangup').by, 'operator');
});

also('a broken link ends its calls as such, and the gateway connects again', async () => {
    const first = await Gateway.open(almon.bridge, hello);
    const lost = [0, 1, 2].map((i) => first.call(number.echo, { from: `+15559910${i}` }));
    await Promise.all(lost.map(answered));
    first.socket.terminate();
    for (const c of lost) {
        assert.equal(await c.over(), 'link-lost');
        const { lines } = await almon.journal(c.from);
        const hangup = lines.find((l) => l.e === 'hangup');
        assert.deepEqual([hangup.by, hangup.cause], ['link', 'link-lost']);
        assert.equal(lines.at(-1).status, 'completed');
    }
    const again = await Gateway.open(almon.bridge, hello);
    const c = again.call(number.play, { from: '+155599200' });
    assert.equal(await c.over(), 'normal');
    assert.equal(c.frames.length, 100);
    await again.close();
});

await Promise.all(many);

await test('no message was an error, no record odd', async () => {
    assert.deepEqual(gw.errors, []);
    assert.deepEqual(gw.oddities, []);
    await gw.close();
});

await finish(almon);
