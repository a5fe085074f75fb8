// Calls joined to each other, with real sound: everybody plays a tone of his own, and what each party
// hears, and each recording holds, is taken apart into those tones.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { assert, finish, freePort, GATEWAY, SECRET, startAlmon, test, until, watch, within } from './common.mjs';
import { Gateway } from './lib/gateway.mjs';
import { readChannels, strength } from './lib/sound.mjs';

const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const TONES = { ann: 400, bob: 550, cat: 700, dan: 850, eve: 1000 };

// The application: a document for each number, some of them written while the test runs.
const documents = new Map();
const port = await freePort();
const web = http.createServer((request, response) => {
    const text = documents.get(request.url) ?? xml('');
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'text/xml' }).end(text));
});
await new Promise((resolve) => web.listen(port, '127.0.0.1', resolve));

const almon = await startAlmon({
    config: `route { "*", gateway = "${GATEWAY}" }
${Object.keys(TONES).map((name, i) => `number { "+1555010${i}", voice = "http://127.0.0.1:${port}/${name}" }`).join('\n')}`,
});
watch(almon);
const gw = await Gateway.open(almon.bridge, { gateway: GATEWAY, token: SECRET });

let callers = 0;
/** Calls the number of `name`, who hums his tone once he is answered. */
async function enters(name, document) {
    documents.set(`/${name}`, xml(document));
    const from = `+1555990${String(callers++).padStart(4, '0')}`;
    const call = gw.call(`+1555010${Object.keys(TONES).indexOf(name)}`, { from });
    await within(5000, `the answer to ${name}`, call.answered);
    call.plays(TONES[name]);
    call.from = from;
    return call;
}

/** Which of the tones are in these samples. */
const tonesIn = (samples, rate = 8000) => Object.keys(TONES).filter((name) => {
    const is = strength(samples, TONES[name], rate);
    assert.ok(is < 300 || is > 2000, `${name} is there neither rightly nor not: ${is}`);
    return is > 2000;
});

/** In the end this party hears exactly these, for 400 ms: 20 whole periods of a step of 50 Hz. */
async function hears(call, ...names) {
    let heard;
    await until(10000, `${call.from}: ${names}`, async () => {
        const samples = await call.listen(400);
        const levels = Object.entries(TONES).map(([name, f]) => [name, strength(samples, f)]);
        heard = levels.map(([name, is]) => `${name} ${is.toFixed(0)}`).join(', ');
        return levels.every(([name, is]) => (names.includes(name) ? is > 2000 : is < 300));
    }).catch((error) => {
        throw new Error(`${error.message}; heard at last: ${heard}`);
    });
}

/** The finished recording of that call or conference, as channels. */
async function recordingOf(sid) {
    const file = await until(10000, `the recording of ${sid}`, () => almon.journals().find((j) => j.sid === sid)
        ?.lines.find((l) => l.e === 'recording' && l.state === 'completed'));
    return readChannels(readFileSync(path.join(almon.state, 'recordings', file.url.split('/').at(-3), `${file.sid}.wav`)));
}

const middle = (samples) => {
    const half = Math.floor(samples.length / 2), n = 3200; // 400 ms at 8 kHz
    return samples.subarray(half - n / 2, half + n / 2);
};

async function dial(record) {
    const ring = gw.called('+15550200');
    const ann = await enters('ann', `<Dial record="${record}" callerId="+15550100"><Number>+15550200</Number></Dial>`);
    const bob = await ring;
    bob.from = 'bob';
    bob.ring();
    bob.answer();
    bob.plays(TONES.bob);
    await hears(ann, 'bob');
    await hears(bob, 'ann');
    await bob.listen(1000);
    const sid = await almon.sidOf(ann.from);
    bob.hangup();
    assert.equal(await ann.over(), 'normal');
    return { sid, recorded: await recordingOf(sid) };
}

await test('Dial: both hear each other and nobody himself; the recording has a channel for each', async () => {
    const { sid, recorded } = await dial('record-from-answer-dual');
    assert.equal(recorded.channels.length, 2);
    assert.deepEqual(tonesIn(middle(recorded.channels[0]), recorded.rate), ['ann']);
    assert.deepEqual(tonesIn(middle(recorded.channels[1]), recorded.rate), ['bob']);
    const { out } = await almon.run(['trace', sid, '--state', almon.state]);
    assert.match(out, /dial +\+15550200, from \+15550100: CA\w{32}/);
    assert.match(out, /start +outbound-dial from \+15550100 to \+15550200.* \[CA\w{8}\]/);
    assert.match(out, /hangup +by callee: normal +\[CA\w{8}\]/);
    const replayed = await almon.run(['replay', sid, '--state', almon.state]);
    assert.equal(replayed.out, 'same\n'); // he who was called is there again, and does what he did
});

await test('Dial: a recording in one channel has both', async () => {
    const { recorded } = await dial('record-from-answer');
    assert.equal(recorded.channels.length, 1);
    assert.deepEqual(tonesIn(middle(recorded.channels[0]), recorded.rate), ['ann', 'bob']);
});

await test('Conference of five, one muted, one a coach: each hears whom he should', async () => {
    const room = (attributes) => `<Dial><Conference beep="false" waitUrl="" ${attributes}>Staff</Conference></Dial>`;
    const ann = await enters('ann', room('record="record-from-start"'));
    const sid = await almon.sidOf(ann.from);
    const bob = await enters('bob', room(''));
    const cat = await enters('cat', room(''));
    const dan = await enters('dan', room('muted="true"'));
    const eve = await enters('eve', room(`coach="${sid}"`));
    await hears(ann, 'bob', 'cat', 'eve'); // eve for her alone
    await hears(bob, 'ann', 'cat');
    await hears(cat, 'ann', 'bob');
    await hears(dan, 'ann', 'bob', 'cat');
    await hears(eve, 'ann', 'bob', 'cat');
    const conference = almon.journals().find((j) => j.sid.startsWith('CF')).sid;
    cat.hangup();
    await hears(ann, 'bob', 'eve');
    await hears(bob, 'ann');
    for (const call of [ann, bob, dan, eve])
        call.hangup();
    const recorded = await recordingOf(conference);
    assert.equal(recorded.channels.length, 1);
    assert.deepEqual(tonesIn(middle(recorded.channels[0]), recorded.rate).filter((name) => name !== 'cat'),
        ['ann', 'bob']);
});

await test('Queue: who waits hears nobody, then the one who takes him', async () => {
    const ann = await enters('ann', '<Enqueue waitUrl="">support</Enqueue>');
    const cat = await enters('cat', '<Enqueue waitUrl="">support</Enqueue>');
    const bob = await enters('bob', '<Dial><Queue>support</Queue></Dial>');
    await hears(ann, 'bob');
    await hears(bob, 'ann');
    assert.equal(cat.frames.length, 0);
    ann.hangup();
    await bob.over();
    const dan = await enters('dan', '<Dial><Queue>support</Queue></Dial>');
    await hears(cat, 'dan');
    await hears(dan, 'cat');
    dan.hangup();
    await cat.over();
});

await gw.close();
web.close();
assert.deepEqual(gw.oddities, []);
await finish(almon);
