// What phones and carriers may do and seldom do: answers from several places, descriptions that come
// late, change or are odd, headers that nobody should send. The call goes on, or ends as the RFCs say,
// and no other call notices. This program plays the exchange on the bridge, and all SIP ends on UDP.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, pause, SECRET, test, TOKEN, until } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { digest, Phone, SipGateway } from './lib/sip.mjs';

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-seldom-'));
const exchange = new Exchange(bridge);
const carrier = await Phone.open({ port: sip });
const desk = await Phone.open({ port: sip });
const soft = await Phone.open({ port: sip });
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}", "tcp:127.0.0.1:${sip}" }, domain = "example.test", rtp_port_min = 43000, rtp_port_max = 43098 }
trunk { name = "first", to = "sip:127.0.0.1:${carrier.port}", from = "127.0.0.1", user = "acme", password = "acmes secret" }
phone { name = "anna", password = "annas secret" }
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

const came = (who, what = 'INVITE') => who.next(what, (m) => m.method === what);
const acked = (who, m) => who.next('ACK', (a) => a.method === 'ACK' && a.header('call-id') === m.header('call-id'));
/** 20 ms of one loudness. */
function packet(i, payload, byte) {
    const p = Buffer.alloc(172, byte);
    p[0] = 0x80;
    p[1] = payload;
    p.writeUInt16BE(i, 2);
    p.writeUInt32BE(i * 160, 4);
    p.writeUInt32BE(77, 8);
    return p;
}
async function hangup({ call }, who = carrier) {
    call.say({ type: 'hangup', cause: 'normal' });
    who.reply(await came(who, 'BYE'), 200);
}
async function reinvite(c, body) {
    const final = await carrier.ask('INVITE', c.d, { body });
    carrier.ack(c.d, c.d.cseq, final.status < 300 ? undefined : c.d.last);
    return final;
}

await test('headers that no webhook may carry do not come along, and hurt nobody', async () => {
    const call = exchange.offer('+4930', { trunk: 'first' });
    const m = await came(carrier);
    const raw = (status, extra, body = '') => Buffer.from([`SIP/2.0 ${status} Because`,
        ...m.all('via').map((v) => `Via: ${v}`), `From: ${m.header('from')}`, `To: ${m.header('to')};tag=phonetag`,
        `Call-ID: ${m.header('call-id')}`, `CSeq: ${m.header('cseq')}`,
        `Contact: <sip:phone@127.0.0.1:${carrier.port}>`, ...extra, ...(body ? ['Content-Type: application/sdp'] : []),
        `Content-Length: ${body.length}`, '', body].join('\r\n'), 'latin1');
    carrier.socket.send(raw(180, ['X-\xff\xfe: 1', 'X-Good: 2']), sip, '127.0.0.1');
    const ring = await call.got('ring');
    carrier.socket.send(raw(200, [`X-Long: ${'a'.repeat(1500)}`, 'X-Good: 2', 'X-B\xe4d: 3'], carrier.sdp()), sip, '127.0.0.1');
    const answer = await call.got('answer');
    assert.deepEqual(ring.params, { SipCallId: m.header('call-id'), 'SipHeader_X-Good': '2' });
    assert.deepEqual(answer.params, { SipCallId: m.header('call-id'), SipResponseCode: '200', 'SipHeader_X-Good': '2' });
    await acked(carrier, m);
    await hangup({ call });
});

await test('a word of the exchange\'s that does not fit the call is ignored', async () => {
    const call = exchange.offer('+4930', { trunk: 'first' });
    const m = await came(carrier);
    for (const type of ['ring', 'answer'])
        call.say({ type });
    call.say({ type: 'refer_status', response: 202 });
    carrier.reply(m, 200, { body: carrier.sdp() });
    await call.got('answer');
    await acked(carrier, m);
    for (const type of ['ring', 'answer'])
        call.say({ type });
    call.say({ type: 'refer_status', response: 202, notify: 200 });
    await hangup({ call });
});

await test('several places refuse: the cause is that of the status which is told', async () => {
    for (const who of [desk, soft]) {
        const d = { ...who.dialog('anna', 'sip:anna@example.test'), uri: `sip:127.0.0.1:${sip}`, to: 'sip:anna@example.test' };
        const challenge = (await who.ask('REGISTER', d)).header('www-authenticate');
        const ok = await who.ask('REGISTER', d, { extra: ['Expires: 60', `Authorization: ${digest({ challenge,
            method: 'REGISTER', uri: d.uri, user: 'anna', password: 'annas secret' })}`] });
        assert.equal(ok.status, 200);
    }
    const call = exchange.offer('client:anna');
    for (const type of ['ring', 'answer'])
        call.say({ type });
    call.say({ type: 'refer_status', response: 202 });
    call.say({ type: 'refer', to: 'sip:a@b' });
    const [a, b] = [await came(desk), await came(soft)];
    desk.reply(a, 486);
    await acked(desk, a);
    soft.reply(b, 480, { extra: ['Reason: Q.850;cause=18'] });
    const end = await call.got('hangup');
    assert.equal(end.params.SipResponseCode, '486');
    assert.equal(end.cause, 'busy');
});

await test('18x of two places, the answer of the second', async () => {
    const call = exchange.offer('+4930', { trunk: 'first' });
    const m = await came(carrier);
    carrier.reply(m, 183, { tag: 'one', body: carrier.sdp() });
    await until(3000, 'early', () => call.messages.find((r) => r.type === 'ring' && r.early));
    // The second plays, too: it is heard from now on.
    carrier.reply(m, 183, { tag: 'two', body: desk.sdp() });
    const to = Number(/m=audio (\d+)/.exec(m.body)[1]);
    for (let i = 0; i < 100 && !call.frames.some((f) => f.length === 160 && f.every((b) => b === 0x11)); i++) {
        desk.rtp.send(packet(i, 0, 0x11), to, '127.0.0.1');
        await pause(20);
    }
    assert.ok(call.frames.some((f) => f.length === 160 && f.every((b) => b === 0x11)));
    carrier.reply(m, 200, { tag: 'two', body: desk.sdp() });
    await call.got('answer');
    const ack = await acked(carrier, m);
    assert.match(ack.header('to'), /tag=two/);
    await hangup({ call });
});

await test('a late 200 after CANCEL gets ACK and BYE', async () => {
    const call = exchange.offer('+4930', { trunk: 'first' });
    const m = await came(carrier);
    carrier.reply(m, 180);
    await call.got('ring');
    call.say({ type: 'hangup', cause: 'canceled' });
    carrier.reply(await came(carrier, 'CANCEL'), 200);
    carrier.reply(m, 200, { body: carrier.sdp() });
    await acked(carrier, m);
    carrier.reply(await came(carrier, 'BYE'), 200);
});

await test('a description that came before the answer, unacknowledged, holds when the answer has none', async () => {
    const call = exchange.offer('+4930', { trunk: 'first' });
    const m = await came(carrier);
    carrier.reply(m, 183, { body: carrier.sdp() });
    await until(3000, 'early', () => call.messages.find((r) => r.type === 'ring' && r.early));
    carrier.reply(m, 200);
    await call.got('answer');
    await acked(carrier, m);
    await hangup({ call });
});

await test('offers within a call: several lines, fax, both old and new hold', async () => {
    const c = await exchange.answered(carrier, { body: carrier.sdp({ formats: ['8 PCMA/8000', '0 PCMU/8000', '97 telephone-event/8000'] }) });
    assert.match(c.ok.body, /m=audio \d+ RTP\/AVP 8 97\r\n/);
    const audio = carrier.sdp();
    const video = 'm=video 4000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\nm=audio 4002 RTP/AVP 0\r\nm=image 4004 udptl t38\r\n';
    const many = await reinvite(c, audio + video);
    assert.equal(many.status, 200);
    assert.deepEqual(many.body.match(/^m=.*/gm).map((l) => l.replace(/\d{5}/, 'P')), ['m=audio P RTP/AVP 0 101', 'm=video 0 RTP/AVP 96',
        'm=audio 0 RTP/AVP 0', 'm=image 0 udptl t38']);
    const first = await reinvite(c, audio.replace(/m=audio/, 'm=video 4000 RTP/AVP 96\r\nm=audio'));
    assert.deepEqual(first.body.match(/^m=\w+/gm), ['m=video', 'm=audio']);
    assert.equal((await reinvite(c, audio.replace(/m=audio \d+/, 'm=audio 0') + 'm=image 4004 udptl t38\r\n')).status, 488);
    assert.match((await reinvite(c, carrier.sdp({ way: 'sendonly' }))).body, /a=recvonly/);
    assert.match((await reinvite(c, carrier.sdp({ way: 'inactive' }))).body, /a=inactive/);
    assert.match((await reinvite(c, carrier.sdp({ way: 'recvonly' }))).body, /a=sendonly/);
    assert.equal((await reinvite(c, carrier.sdp({ address: '0.0.0.0' }))).status, 200);
    assert.match((await reinvite(c, audio)).body, /a=sendrecv/);
    await hangup(c);
});

await test('an offer that we are asked for within the call, and its answer in ACK', async () => {
    const c = await exchange.answered(carrier);
    const ours = await carrier.ask('INVITE', c.d);
    assert.equal(ours.status, 200);
    assert.match(ours.body, /m=audio \d+ RTP\/AVP 0 8 101/);
    carrier.send(carrier.request('ACK', c.d, { cseq: c.d.cseq, body: carrier.sdp({ formats: ['8 PCMA/8000', '101 telephone-event/8000'] }) }));
    exchange.play(c.offer.channel, Buffer.alloc(160, 0x55));
    await until(3000, 'the other law', () => carrier.heard.some((p) => (p[1] & 0x7f) === 8));
    await hangup(c);
});

await test('who answers with both laws may speak either', async () => {
    const call = exchange.offer('+4930', { trunk: 'first' });
    const m = await came(carrier);
    carrier.reply(m, 200, { body: carrier.sdp({ formats: ['0 PCMU/8000', '8 PCMA/8000', '101 telephone-event/8000'] }) });
    await call.got('answer');
    await acked(carrier, m);
    const to = Number(/m=audio (\d+)/.exec(m.body)[1]);
    // The same loudness in both laws; the exchange's is mu-law.
    const [mu, a] = [0x00, 0x2a];
    for (let i = 0; i < 60 && !call.frames.some((f) => f.length === 160 && f.every((b) => b === mu)); i++) {
        carrier.rtp.send(packet(i, 8, a), to, '127.0.0.1');
        await pause(20);
    }
    assert.ok(call.frames.some((f) => f.length === 160 && f.every((b) => b === mu)), 'a whole frame of it is heard');
    await hangup({ call });
});

await test('registrations: how long at least is told; all or nothing; what is no number, or long, is ten minutes', async () => {
    const d = { ...desk.dialog('anna', 'sip:anna@example.test'), uri: `sip:127.0.0.1:${sip}`, to: 'sip:anna@example.test' };
    const register = async (extra) => {
        const challenge = (await desk.ask('REGISTER', d)).header('www-authenticate');
        const text = (e) => desk.request('REGISTER', d, { extra: e }).replace(/Contact: <sip:phone@[^\r]*\r\n/, '');
        const all = [...extra, `Authorization: ${digest({ challenge, method: 'REGISTER', uri: d.uri, user: 'anna', password: 'annas secret' })}`];
        desk.send(text(all));
        return desk.answer(d, `${d.cseq} REGISTER`);
    };
    const short = await register(['Contact: <sip:a@127.0.0.1:1>;expires=10']);
    assert.equal(short.status, 423);
    assert.equal(short.header('min-expires'), '60');
    assert.equal((await register(['Contact: *', 'Expires: 0'])).status, 200);
    assert.equal((await register(['Contact: <sip:a@127.0.0.1:1>;expires=600, <sip:b@127.0.0.1:1>;expires=10'])).status, 423);
    const none = await register([]);
    assert.equal(none.all('contact').length, 0, none.text);
    const odd = await register(['Contact: <sip:a@127.0.0.1:1>;expires=soon']);
    assert.match(odd.header('contact'), /expires=600/);
    assert.match((await register(['Contact: <sip:a@127.0.0.1:1>;expires=3600'])).header('contact'), /expires=600/);
    assert.equal((await register(['Contact: *'])).status, 400);
    assert.equal((await register(['Contact: *', 'Expires: 0'])).status, 200);
});

await test('requests of calls that are not there count as new ones', async () => {
    const flood = await Phone.open({ port: sip }, '127.0.0.5');
    const d = Object.assign(flood.dialog('x'), { theirs: 'nobody' });
    for (let i = 0; i < 400; i++)
        flood.send(flood.request(['BYE', 'UPDATE', 'INVITE', 'INFO'][i % 4], d));
    await pause(600);
    assert.ok(flood.messages.length > 0 && flood.messages.length < 200, `${flood.messages.length} of 400 answered`);
    flood.close();
});

await test('what it takes is said where something else is not taken', async () => {
    const d = carrier.dialog('+15550100');
    const final = await carrier.ask('INVITE', d, { body: 'x', type: 'text/plain' });
    carrier.ack(d, d.cseq, d.last);
    assert.equal(final.status, 415);
    assert.equal(final.header('accept'), 'application/sdp');
});

await test('the gateway stops in order', async () => {
    await gateway.stop();
    for (const p of [carrier, desk, soft])
        p.close();
    rmSync(dir, { recursive: true });
});
await finish();
