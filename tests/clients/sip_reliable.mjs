// PRACK (RFC 3262) and session timers (RFC 4028) of almon-sip, both ways. This program plays the exchange
// on the bridge, and the carrier on UDP.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, pause, SECRET, test, TOKEN, until } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { Phone, SipGateway } from './lib/sip.mjs';

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-reliable-'));
const exchange = new Exchange(bridge);
const carrier = await Phone.open({ port: sip });
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "example.test", rtp_port_min = 43000, rtp_port_max = 43098 }
trunk { name = "first", to = "sip:127.0.0.1:${carrier.port}", from = "127.0.0.1", user = "acme", password = "acmes secret" }
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

const came = (what) => carrier.next(what, (m) => m.method === what);
const number = (m) => Number(m.header('cseq').split(' ')[0]);
/** The carrier's side of a call that came to it. */
const turned = (m, tag = 'phonetag') => ({ id: m.header('call-id'), uri: /<([^>]+)>/.exec(m.header('contact'))[1], tag,
    theirs: /tag=([^;]+)/.exec(m.header('from'))[1], from: /<([^>]+)>/.exec(m.header('to'))[1],
    to: /<([^>]+)>/.exec(m.header('from'))[1], cseq: 100 });

async function incoming(extra = [], body = carrier.sdp()) {
    const d = carrier.dialog('+15550100');
    const n = exchange.offers.length;
    carrier.messages.length = 0;
    carrier.send(carrier.request('INVITE', d, { body, extra }));
    const offer = await until(3000, 'the offer', () => exchange.offers[n]);
    const say = (m) => exchange.say({ channel: offer.channel, ...m });
    const hears = async (status) => {
        const m = await carrier.next(`${status}`, (r) => r.status === status && r.header('call-id') === d.id);
        d.theirs = /tag=([^;]+)/.exec(m.header('to'))?.[1];
        d.target = /<([^>]+)>/.exec(m.header('contact') ?? '')?.[1] ?? d.target;
        return m;
    };
    return { d, say, hears, play: () => exchange.play(offer.channel, Buffer.alloc(160, 0x33)) };
}
const prack = (c, m, more = {}) => carrier.ask('PRACK', c.d, { extra: [`RAck: ${more.rseq ?? m.header('rseq')} 1 INVITE`], ...more });
async function hangup(c) {
    c.say({ type: 'hangup', cause: 'normal' });
    carrier.reply(await came('BYE'), 200);
}

await test('who requires it gets 180 with a number, again and again until PRACK', async () => {
    const c = await incoming(['Require: 100rel']);
    c.say({ type: 'ring' });
    const first = await c.hears(180);
    assert.equal(first.header('require'), '100rel');
    const again = await c.hears(180);
    assert.equal(again.header('rseq'), first.header('rseq'));
    assert.equal((await prack(c, first, { rseq: Number(first.header('rseq')) + 1 })).status, 481);
    assert.equal((await prack(c, first)).status, 200);
    carrier.messages.length = 0;
    await pause(1500);
    assert.ok(!carrier.messages.some((m) => m.status === 180), 'it is not said again');
    c.say({ type: 'answer' });
    const ok = await c.hears(200);
    assert.match(ok.body, /m=audio/);
    carrier.ack(c.d, 1);
    await hangup(c);
});

await test('sound before the answer: 183 is acknowledged before 200 comes, which says no description again', async () => {
    const c = await incoming(['Supported: 100rel']);
    c.say({ type: 'ring' });
    assert.equal((await c.hears(180)).header('rseq'), undefined);
    c.play();
    const early = await c.hears(183);
    assert.match(early.body, /m=audio/);
    c.say({ type: 'answer' });
    await pause(300);
    assert.ok(!carrier.messages.some((m) => m.status === 200), 'not before PRACK');
    assert.equal((await prack(c, early)).status, 200);
    const ok = await c.hears(200);
    assert.equal(ok.body, '');
    carrier.ack(c.d, 1);
    await hangup(c);
});

await test('an offer in PRACK is answered in its 200', async () => {
    const c = await incoming(['Supported: 100rel']);
    c.play();
    const early = await c.hears(183);
    const ok = await prack(c, early, { body: carrier.sdp({ formats: ['8 PCMA/8000'] }) });
    assert.match(ok.body, /m=audio \d+ RTP\/AVP 8/);
    c.say({ type: 'hangup', cause: 'busy' });
    assert.equal((await carrier.answer(c.d, '1 INVITE')).status, 486);
    carrier.ack(c.d, 1, c.d.last);
});

await test('who wants PRACK and offers nothing is answered without ringing', async () => {
    const c = await incoming(['Require: 100rel'], '');
    c.say({ type: 'ring' });
    c.say({ type: 'answer' });
    await c.hears(200);
    assert.ok(!carrier.messages.some((m) => m.status === 180));
    carrier.ack(c.d, 1, undefined, carrier.sdp());
    await hangup(c);
});

await test('what is required and unknown is named', async () => {
    const d = carrier.dialog('+15550100');
    const r = await carrier.ask('INVITE', d, { body: carrier.sdp(), extra: ['Require: 100rel, precondition'] });
    assert.equal(r.status, 420);
    assert.equal(r.header('unsupported'), 'precondition');
    carrier.ack(d, 1, d.last);
});

await test('a carrier\'s reliable answers get PRACK, once each and in order; its 200 may have no description', async () => {
    const call = exchange.offer('+4930');
    const m = await came('INVITE');
    assert.match(m.header('supported'), /100rel/);
    const progress = (status, rseq, body = '') => carrier.reply(m, status, { body, extra: ['Require: 100rel', `RSeq: ${rseq}`] });
    progress(180, 7);
    const first = await came('PRACK');
    assert.equal(first.header('rack'), `7 ${number(m)} INVITE`);
    assert.equal(number(first), number(m) + 1);
    assert.match(first.header('to'), /tag=phonetag/);
    carrier.reply(first, 407, { extra: ['Proxy-Authenticate: Digest realm="x", nonce="n9", qop="auth"'] });
    const proved = await came('PRACK');
    assert.match(proved.header('proxy-authorization'), /username="acme"/);
    carrier.reply(proved, 200);
    progress(180, 7);
    progress(183, 9, carrier.sdp());
    await pause(200);
    assert.ok(!carrier.messages.some((x) => x.method === 'PRACK'), 'what came twice or too early is left');
    progress(183, 8, carrier.sdp());
    const second = await came('PRACK');
    assert.equal(second.header('rack'), `8 ${number(m)} INVITE`);
    carrier.reply(second, 200);
    await until(3000, 'early', () => call.messages.find((r) => r.type === 'ring' && r.early));
    const d = turned(m);
    assert.equal((await carrier.ask('UPDATE', d, { body: carrier.sdp({ formats: ['8 PCMA/8000'] }) })).status, 200);
    carrier.reply(m, 200);
    await came('ACK');
    await call.got('answer');
    call.say({ type: 'hangup', cause: 'normal' });
    const bye = await came('BYE');
    assert.ok(number(bye) > number(second), `${number(bye)} after ${number(second)}`);
    carrier.reply(bye, 200);
});

await test('a session interval that is too short is refused with ours', async () => {
    const d = carrier.dialog('+15550100');
    const r = await carrier.ask('INVITE', d, { body: carrier.sdp(), extra: ['Supported: timer', 'Session-Expires: 60'] });
    assert.equal(r.status, 422);
    assert.equal(r.header('min-se'), '90');
    carrier.ack(d, 1, d.last);
});

async function timed(extra) {
    const c = await incoming(extra);
    c.say({ type: 'answer' });
    const ok = await c.hears(200);
    carrier.ack(c.d, 1);
    return { ...c, ok };
}

await test('a caller\'s session timer is agreed to: he refreshes, and his UPDATE is answered with it', async () => {
    const c = await timed(['Supported: timer', 'Session-Expires: 1800', 'Allow: INVITE, UPDATE']);
    assert.equal(c.ok.header('session-expires'), '1800;refresher=uac');
    assert.equal(c.ok.header('require'), 'timer');
    const r = await carrier.ask('UPDATE', c.d, { extra: ['Supported: timer', 'Session-Expires: 90;refresher=uac'] });
    assert.equal(r.status, 200);
    assert.equal(r.header('session-expires'), '90;refresher=uac');
    assert.equal((await carrier.ask('UPDATE', c.d, { extra: ['Supported: timer', 'Session-Expires: 10'] })).status, 422);
    await hangup(c);
});

await test('we refresh where the caller wants that, or knows nothing of it', async () => {
    for (const extra of [['Supported: timer', 'Session-Expires: 1800;refresher=uas', 'Allow: INVITE, UPDATE'],
        ['Supported: timer', 'Session-Expires: 1800;refresher=uas', 'Allow: INVITE'], ['Session-Expires: 1800']]) {
        const c = await timed(extra);
        assert.equal(c.ok.header('session-expires'), '1800;refresher=uas');
        assert.equal(c.ok.header('require'), undefined);
        await hangup(c);
    }
});

await test('a carrier that wants refreshes gets them, longer where it says so; one that has gone is hung up', async () => {
    const call = exchange.offer('+4930');
    const m = await came('INVITE');
    carrier.reply(m, 200, { body: carrier.sdp(), extra: ['Session-Expires: 4;refresher=uac', 'Require: timer'] });
    await came('ACK');
    await call.got('answer');
    const refresh = await came('UPDATE');
    assert.equal(refresh.header('session-expires'), '4;refresher=uac');
    carrier.reply(refresh, 422, { extra: ['Min-SE: 6'] });
    const longer = await came('UPDATE');
    assert.equal(longer.header('session-expires'), '6;refresher=uac');
    carrier.reply(longer, 200, { extra: ['Session-Expires: 6;refresher=uac'] });
    const last = await came('UPDATE');
    carrier.reply(last, 481);
    carrier.reply(await came('BYE'), 200);
    await call.got('hangup');
});

await test('a far end that does not refresh in time is hung up', async () => {
    const call = exchange.offer('+4930');
    const m = await came('INVITE');
    carrier.reply(m, 200, { body: carrier.sdp(), extra: ['Session-Expires: 3;refresher=uas', 'Require: timer'] });
    await came('ACK');
    await call.got('answer');
    carrier.reply(await came('BYE'), 200);
    await call.got('hangup');
});

await test('a BYE that is challenged is proved', async () => {
    const call = exchange.offer('+4930');
    const m = await came('INVITE');
    carrier.reply(m, 200, { body: carrier.sdp() });
    await came('ACK');
    await call.got('answer');
    call.say({ type: 'hangup', cause: 'normal' });
    carrier.reply(await came('BYE'), 401, { extra: ['WWW-Authenticate: Digest realm="x", nonce="n5", qop="auth"'] });
    const bye = await came('BYE');
    assert.match(bye.header('authorization'), /username="acme"/);
    carrier.reply(bye, 200);
});

await test('the gateway stops in order', async () => {
    await gateway.stop();
    carrier.close();
    rmSync(dir, { recursive: true });
});
await finish();
