// A phone behind a bad network: its keys arrive once each and in order, and its voice is heard.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { assert, finish, pause, test, until, watch } from './common.mjs';
import { Relay } from './lib/relay.mjs';
import { Phone, startSip } from './lib/sip.mjs';
import { CODECS, join, melody, tone } from './lib/sound.mjs';

const KEYS = '1234567890';
const TONES = [440, 660, 880];
const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const { almon, gateway } = await startSip({
    flows: {
        'menu.xml': xml(`<Gather numDigits="${KEYS.length}" timeout="10" finishOnKey="" ` +
            'action="got-{Digits}.xml"><Pause length="1"/></Gather>'),
        [`got-${KEYS}.xml`]: xml('<Hangup/>'),
        'echo.xml': xml('<Echo/>'),
    },
    config: `trunk { name = "near", from = "127.0.0.0/8" }
number { "+15550101", voice = "menu.xml" }
number { "+15550102", voice = "echo.xml" }`,
});
watch(almon);

for (const seed of [1, 2, 3])
    await test(`ten keys through loss, copies and disorder (seed ${seed})`, async () => {
        const phone = await Phone.open(gateway);
        const relay = await Relay.through(phone, { seed, loss: 15, twice: 20, jitter: 60 });
        const from = `sip:+1555020${seed}@elsewhere.test`;
        const d = await phone.call('+15550101', { from });
        for (const key of KEYS) {
            phone.press(d, Number(key));
            await pause(120);
        }
        const bye = await phone.next('BYE', (m) => m.method === 'BYE' && m.header('call-id') === d.id, 10000);
        phone.reply(bye, 200);
        await until(5000, 'all keys', () => almon.journals().some((j) => {
            const text = JSON.stringify(j.lines);
            return text.includes(`+1555020${seed}`) && text.includes(`got-${KEYS}.xml`);
        }));
        assert.ok(relay.counts.lost > 0 && relay.counts.doubled > 0, JSON.stringify(relay.counts));
        phone.close();
    });

/** What the phone's own jitter buffer would do: in order, once each. */
function sorted(packets) {
    const bySequence = new Map(packets.filter((p) => (p[1] & 0x7f) === 0 && p.length === 172)
        .map((p) => [p.readUInt32BE(4), p]));
    return [...bySequence.entries()].sort((a, b) => a[0] - b[0]).map(([, p]) => p);
}

await test('what is said comes back through Echo as the same tones', async () => {
    const phone = await Phone.open(gateway);
    await Relay.through(phone, { seed: 4, loss: 3, twice: 10, jitter: 40 });
    const d = await phone.call('+15550102', { from: 'sip:+15550209@elsewhere.test' });
    const spoken = join(...TONES.map((f) => tone(f, 800)));
    const start = Date.now();
    for (let i = 0; i < spoken.length / 160; i++) {
        const p = Buffer.alloc(172);
        p.writeUInt8(0x80, 0);
        p.writeUInt16BE(1000 + i, 2);
        p.writeUInt32BE(160 * i, 4);
        p.writeUInt32BE(0x7654321, 8);
        CODECS.PCMU.encode(spoken.subarray(160 * i, 160 * i + 160)).copy(p, 12);
        phone.rtp.send(p, d.media);
        await pause(Math.max(0, start + 20 * (i + 1) - Date.now()));
    }
    await pause(500);
    const sound = join(...sorted(phone.heard).map((p) => CODECS.PCMU.decode(p.subarray(12))));
    const heard = melody(sound, TONES).map((t) => t.frequency);
    assert.deepEqual(heard.filter((f, i) => f !== heard[i - 1]), TONES);
    assert.equal((await phone.ask('BYE', d)).status, 200);
    phone.close();
});

await test('how a call sounded stands in its journal and its record, and almon calls shows it', async () => {
    for (const [seed, loss] of [[5, 20], [6, 0]]) {
        const phone = await Phone.open(gateway);
        await Relay.through(phone, { seed, loss, twice: 0, jitter: 5 });
        const from = `+155502${seed}0`;
        const d = await phone.call('+15550102', { from: `sip:${from}@elsewhere.test` });
        const start = Date.now();
        for (let i = 0; i < 100; i++) {
            const p = Buffer.alloc(172, 0xff);
            p.writeUInt16BE(0x8000, 0);
            p.writeUInt16BE(i, 2);
            p.writeUInt32BE(160 * i, 4);
            p.writeUInt32BE(7, 8);
            phone.rtp.send(p, d.media);
            await pause(Math.max(0, start + 20 * (i + 1) - Date.now()));
        }
        assert.equal((await phone.ask('BYE', d)).status, 200);
        const { sid, lines } = await almon.journal(from);
        const { quality, by } = lines.find((l) => l.e === 'hangup');
        assert.equal(by, 'caller');
        assert.ok(quality.received + quality.lost >= 90 && quality.sent > 80, JSON.stringify(quality));
        assert.ok(loss > 0 ? quality.lost >= 10 && quality.mos < 350 : quality.lost === 0 && quality.mos > 400,
            JSON.stringify(quality));
        const folder = path.join(almon.state, 'calls');
        const record = await until(5000, 'the record', () => readdirSync(folder)
            .flatMap((day) => readFileSync(path.join(folder, day), 'utf8').split('\n').slice(0, -1))
            .map((line) => JSON.parse(line)).find((r) => r.sid === sid));
        assert.deepEqual(record.quality, quality);
        const { out } = await almon.run(['calls', '--state', almon.state]);
        assert.match(out, new RegExp(`${sid} .*MOS [1-4]\\.\\d, lost \\d`));
        phone.close();
    }
});

await test('the gateway stops in order', () => gateway.stop());
await finish(almon);
