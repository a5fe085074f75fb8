// Encrypted sound: SRTP by keys in SDP (SDES), offered and answered, required and refused, by a
// phone that speaks RFC 3711 itself.

import { assert, finish, pause, test, until, watch } from './common.mjs';
import { Phone, startSip } from './lib/sip.mjs';
import { CODECS, join, melody, tone, wav } from './lib/sound.mjs';
import { Srtp, SUITES } from './lib/srtp.mjs';

const TONES = [440, 660, 880];
const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const { almon, gateway } = await startSip({
    flows: {
        'tones.wav': wav(join(...TONES.map((f) => tone(f, 500)))),
        'tones.xml': xml('<Play>tones.wav</Play>'),
        'menu.xml': xml('<Gather numDigits="2" timeout="5" action="got-{Digits}.xml"><Pause length="1"/></Gather>'),
        'got-59.xml': xml('<Play>tones.wav</Play>'),
        'stay.xml': xml('<Play loop="0">tones.wav</Play>'),
    },
    config: `trunk { name = "near", from = "127.0.0.1" }
trunk { name = "strict", from = "127.0.0.2", srtp = "required" }
trunk { name = "clear", from = "127.0.0.3", srtp = "off" }
number { "+15550101", voice = "tones.xml" }
number { "+15550102", voice = "menu.xml" }
number { "+15550106", voice = "stay.xml" }`,
});
watch(almon);
assert.match(gateway.log, /trunk strict: srtp = 'required' without TLS/);
const [phone, strict, clear] = await Promise.all(
    ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((address) => Phone.open(gateway, address)));

const secured = (p, line, { transport = 'RTP/SAVP', ...rest } = {}) =>
    p.sdp(rest).replace('RTP/AVP', transport).replace('a=rtpmap', `${line}\r\na=rtpmap`);
const bye = (p, d) => p.next('BYE', (m) => m.method === 'BYE' && m.header('call-id') === d.id, 10000);
const isRtp = (packet) => packet.length >= 12 && (packet[1] & 0x7f) < 64;
const melodyOf = (packets) => melody(join(...packets.map((p) => CODECS.PCMU.decode(p.subarray(12)))), TONES)
    .map((t) => t.frequency);

for (const transport of ['RTP/SAVP', 'RTP/SAVPF', 'RTP/AVP'])
    await test(`a key in ${transport} is answered with one, and what is heard is encrypted`, async () => {
        phone.heard.length = 0;
        const mine = new Srtp();
        const d = await phone.call('+15550101', { body: secured(phone, mine.line(3), { transport }) });
        assert.equal(d.final.status, 200);
        assert.ok(d.final.body.includes(` ${transport} 0 101`), d.final.body);
        const line = /a=crypto:3 .*/.exec(d.final.body)[0];
        assert.ok(!line.includes(mine.line(3).split('inline:')[1]), 'a key of its own');
        phone.reply(await bye(phone, d), 200);
        const theirs = Srtp.of(line);
        const packets = phone.heard.filter(isRtp);
        assert.deepEqual(melodyOf(packets.map((p) => theirs.open(p))), TONES);
        assert.notDeepEqual(melodyOf(packets), TONES);
    });

for (const suite of Object.keys(SUITES).slice(1))
    await test(`${suite} is answered with the same, and heard both ways, with an index of the key or without`, async () => {
        phone.heard.length = 0;
        const from = `+1555040${Object.keys(SUITES).indexOf(suite)}`;
        const mine = new Srtp(undefined, suite, Buffer.from([0, 0, 1, 2]));
        const d = await phone.call('+15550102', { from: `sip:${from}@elsewhere.test`, body: secured(phone, mine.line(3)) });
        assert.equal(d.final.status, 200);
        const theirs = Srtp.of(new RegExp(`a=crypto:3 ${suite} .*`).exec(d.final.body)[0]);
        const send = phone.rtp.send.bind(phone.rtp);
        phone.rtp.send = (packet, ...to) => send(mine.protect(packet), ...to);
        phone.press(d, 5);
        await pause(100);
        phone.press(d, 9);
        phone.rtp.send = send;
        phone.reply(await bye(phone, d), 200);
        assert.deepEqual(melodyOf(phone.heard.filter(isRtp).map((p) => theirs.open(p))), TONES);
        assert.ok(JSON.stringify((await almon.journal(from)).lines).includes('got-59.xml'));
    });

await test('of several keys in one line the first, whose index its packets have, is heard', async () => {
    const [mine, other] = [Buffer.from([0, 1]), Buffer.from([0, 2])].map((mki) => new Srtp(undefined, undefined, mki));
    const line = `${mine.line(4)};inline:${other.line().split('inline:')[1]}`;
    const d = await phone.call('+15550102', { from: 'sip:+15550449@elsewhere.test', body: secured(phone, line) });
    assert.equal(d.final.status, 200);
    assert.match(d.final.body, /a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:[^;|]+\r\n/);
    const send = phone.rtp.send.bind(phone.rtp);
    phone.rtp.send = (packet, ...to) => send(mine.protect(packet), ...to);
    phone.press(d, 5);
    await pause(100);
    phone.press(d, 9);
    phone.rtp.send = send;
    phone.reply(await bye(phone, d), 200);
    assert.ok(JSON.stringify((await almon.journal('+15550449')).lines).includes('got-59.xml'));
});

await test('keys pressed under the offered key count, others do not', async () => {
    const mine = new Srtp();
    const d = await phone.call('+15550102', { from: 'sip:+15550301@elsewhere.test', body: secured(phone, mine.line()) });
    const send = phone.rtp.send.bind(phone.rtp);
    const press = (key, change) => {
        phone.rtp.send = (packet, ...to) => send(change(packet), ...to);
        phone.press(d, key);
        phone.rtp.send = send;
    };
    press(1, (p) => p);
    press(2, (p) => new Srtp(Buffer.alloc(30, 7)).protect(p));
    await pause(100);
    press(5, (p) => mine.protect(p));
    await pause(100);
    press(9, (p) => mine.protect(p));
    phone.reply(await bye(phone, d), 200);
    const { lines } = await almon.journal('+15550301');
    assert.ok(JSON.stringify(lines).includes('got-59.xml'), JSON.stringify(lines));
});

await test('a re-INVITE with a new key of theirs keeps ours, and the sound goes on', async () => {
    const d = await phone.call('+15550106', { body: secured(phone, new Srtp().line()) });
    const line = /a=crypto:1 (.*)/.exec(d.final.body)[1];
    await pause(300);
    const next = new Srtp();
    const again = await phone.ask('INVITE', d, { body: secured(phone, next.line(2)) });
    assert.equal(again.status, 200);
    phone.ack(d);
    assert.equal(/a=crypto:2 (.*)/.exec(again.body)[1], line);
    const theirs = Srtp.of(line);
    phone.heard.length = 0;
    await until(3000, 'sound', () => phone.heard.filter(isRtp).length > 10);
    assert.ok(phone.heard.filter(isRtp).every((p) => theirs.open(p)), 'readable with the first key');
    await phone.ask('BYE', d);
});

await test('SRTP without a key that is spoken here is 488', async () => {
    const line = new Srtp().line().replace('AES_CM_128_HMAC_SHA1_80', 'F8_128_HMAC_SHA1_80');
    const d = await phone.call('+15550101', { body: secured(phone, line) });
    assert.equal(d.final.status, 488);
    await until(2000, 'why', () => gateway.log.includes('it offers SRTP without a key or fingerprint'));
});

await test('where SRTP is required, a call without is 488, and the log says how to mend it', async () => {
    const d = await strict.call('+15550101');
    assert.equal(d.final.status, 488);
    await until(2000, 'why', () => gateway.log.includes("SRTP is required here (srtp = 'required' in almon.lua)"));
    const mine = new Srtp();
    const e = await strict.call('+15550106', { body: secured(strict, mine.line()) });
    assert.equal(e.final.status, 200);
    // Nor can it be given up within the call.
    const worse = await strict.ask('INVITE', e, { body: strict.sdp() });
    assert.equal(worse.status, 488);
    strict.ack(e, e.cseq, e.last);
    await strict.ask('BYE', e);
});

await test('where SRTP is off, it is neither taken nor answered', async () => {
    const d = await clear.call('+15550101', { body: secured(clear, new Srtp().line()) });
    assert.equal(d.final.status, 488);
    const e = await clear.call('+15550106', { body: secured(clear, new Srtp().line(), { transport: 'RTP/AVP' }) });
    assert.equal(e.final.status, 200);
    assert.doesNotMatch(e.final.body, /a=crypto/);
    await clear.ask('BYE', e);
});

await test('the gateway stops in order', async () => {
    [phone, strict, clear].forEach((p) => p.close());
    await gateway.stop();
});
await finish(almon);
