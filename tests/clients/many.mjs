// Two hundred calls at once over one link, each through a menu of its own: a prompt, a key, an
// answer, the end. Each caller has his own tone, so that no two can be mixed up unnoticed.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { assert, finish, GATEWAY, SANITIZED, SECRET, startAlmon, test, until, watch, within } from './common.mjs';
import { Gateway } from './lib/gateway.mjs';
import { melody, tone, wav } from './lib/sound.mjs';

const CALLS = 200;
const PROMPT_MS = 600;
const ANSWER_MS = 400;
const frequency = (i) => 320 + 16 * i; // 320 to 3504 Hz
const spread = (i) => (i * 37) % CALLS; // neighbours in time are far apart in tone

// --- the application: a tone for each caller, and another for each key ------------------------

const asked = new Map(); // From → the paths asked for
const server = createServer(async (req, res) => {
    const body = (await req.toArray()).join('');
    const params = new URLSearchParams(body);
    const [, what, hz] = req.url.split('/');
    if (what === 'tone') {
        res.setHeader('Content-Type', 'audio/wav');
        res.setHeader('Cache-Control', 'max-age=300');
        res.end(wav(tone(parseInt(hz, 10), hz.includes('answer') ? ANSWER_MS : PROMPT_MS)));
        return;
    }
    const caller = params.get('From');
    const i = Number(caller.slice(-4));
    asked.set(caller, [...(asked.get(caller) ?? []), `${req.url}?${params.get('Digits') ?? ''}`]);
    res.setHeader('Content-Type', 'text/xml');
    if (what === 'voice')
        res.end(`<Response><Gather numDigits="1" timeout="10" action="/got"><Play>/tone/${frequency(spread(i))}.wav</Play>` +
            '</Gather></Response>');
    else
        res.end(`<Response><Play>/tone/${frequency(spread((i + Number(params.get('Digits'))) % CALLS))}-answer.wav</Play></Response>`);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${server.address().port}`;

const almon = await startAlmon({
    flows: { 'minute.wav': wav(tone(440, 60000, 24000), 24000), 'minute.xml': '<Response><Play>minute.wav</Play></Response>' },
    config: `number { "*", voice = "${origin}/voice" }\nnumber { "+1556", voice = "minute.xml" }`,
});
watch(almon);
const gw = await Gateway.open(almon.bridge, { gateway: GATEWAY, token: SECRET, prompts: true });

/** One caller's whole call: {i, key, cause, tones, frames}. */
async function one(i) {
    const c = gw.call('+15550300', { from: `+1555770${String(i).padStart(4, '0')}` });
    const key = String(1 + (i % 9));
    await c.prompt(1, 30000);
    c.press(key);
    return { i, key, c, cause: await c.over(30000) };
}

async function wave(n) {
    asked.clear();
    return Promise.all(Array.from({ length: n }, (_, i) => one(i)));
}

// Connections to the web app that libcurl keeps for half a minute are no leak.
const files = async () => almon.resources().files - await promisify(server.getConnections.bind(server))();

const idle = async () => until(10000, 'the last call to be gone', async () => (await almon.status()).calls === 0);

let all = [];
let before;
await test('a first wave warms up', async () => {
    await wave(CALLS);
    await idle();
    before = { ...almon.resources(), files: await files() };
}, 40000);

await test(`${CALLS} calls at once all end well`, async () => {
    all = await wave(CALLS);
    assert.deepEqual(all.filter((x) => x.cause !== 'normal').map((x) => `${x.i}: ${x.cause}`), []);
    assert.deepEqual(gw.errors, []);
    assert.deepEqual(gw.oddities, []);
}, 40000);

await test('each caller heard his own tones, whole, and nobody else\'s', async () => {
    const every = Array.from({ length: CALLS }, (_, i) => frequency(i));
    const wrong = [];
    for (const { i, key, c } of all) {
        const mine = frequency(spread(i)), answer = frequency(spread((i + Number(key)) % CALLS));
        const heard = melody(c.heard(), [mine, answer, ...every.filter((_, k) => (k + i) % 7 === 0)]);
        const as = (list) => list.map((t) => `${t.frequency} Hz ${t.ms} ms`).join(', ');
        const wanted = [{ frequency: mine, ms: PROMPT_MS }, { frequency: answer, ms: ANSWER_MS }];
        if (as(heard) !== as(wanted))
            wrong.push(`${i}: ${as(heard)} instead of ${as(wanted)}`);
    }
    assert.deepEqual(wrong, []);
});

await test('each caller\'s key reached his own menu', () => {
    for (const { c, key } of all)
        assert.deepEqual(asked.get(c.from), ['/voice?', `/got?${key}`]);
    return Promise.resolve();
});

await test('every call has a journal that ends as completed', async () => {
    await idle();
    const ends = await until(10000, 'all journals', () => {
        const list = almon.journals();
        return list.length === 2 * CALLS && list.every((j) => j.lines.at(-1)?.e === 'end') && list;
    });
    assert.ok(ends.every((j) => j.lines.at(-1).status === 'completed'));
});

await test('memory and open files are back where they were', async () => {
    await until(10000, 'files to be closed', async () => await files() <= before.files + 2);
    const after = almon.resources();
    assert.ok(after.anon < before.anon + 1536, `RssAnon ${before.anon} kB before, ${after.anon} kB after ${CALLS} calls`);
}, 30000, SANITIZED);

await test('forty calls that begin with the same new minute of sound decode it once', async () => {
    const start = almon.resources().anon;
    const calls = Array.from({ length: 40 }, () => gw.call('+1556', { codec: 'L16/24000' }));
    await Promise.all(calls.map((c) => within(10000, 'sound', once(c, 'frame'))));
    const { anon } = almon.resources();
    for (const c of calls)
        c.hangup();
    // A minute is 2.9 MB.
    assert.ok(anon < start + 12000, `RssAnon ${start} kB before, ${anon} kB while they hear it`);
    await idle();
}, 30000, SANITIZED);

await test('the link is closed and nothing is left', async () => {
    await gw.close();
    await until(5000, 'no links', async () => (await almon.status()).links === 0);
});

server.closeAllConnections?.();
server.close();
await finish(almon);
