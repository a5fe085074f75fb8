// What SIP says besides INVITE and BYE: sound before the answer, transfers in both directions, several
// contacts, trunks that fail. This program plays the exchange on the bridge, and all SIP ends on UDP.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, pause, SECRET, test, TOKEN, until } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { digest, Phone, SipGateway } from './lib/sip.mjs';

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-signal-'));
const exchange = new Exchange(bridge);
const carrier = await Phone.open({ port: sip });
const backup = await Phone.open({ port: sip });
const desk = await Phone.open({ port: sip });
const soft = await Phone.open({ port: sip });
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "example.test", rtp_port_min = 42000, rtp_port_max = 42098 }
trunk { name = "first", to = "sip:127.0.0.1:${carrier.port}", from = "127.0.0.1", user = "acme", password = "acmes secret" }
trunk { name = "second", to = "sip:127.0.0.1:${backup.port}" }
phone { name = "anna", password = "annas secret" }
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

const came = (who, what = 'INVITE') => who.next(what, (m) => m.method === what);
const acked = (who, m) => who.next('ACK', (a) => a.method === 'ACK' && a.header('call-id') === m.header('call-id'));
async function hangup({ call }) {
    call.say({ type: 'hangup', cause: 'normal' });
    carrier.reply(await came(carrier, 'BYE'), 200);
}

await test('a refusal after sound tells its status and headers', async () => {
    const call = exchange.offer('+4930', { trunk: 'first' });
    const m = await came(carrier);
    carrier.reply(m, 183, { body: carrier.sdp() });
    await until(3000, 'early', () => call.messages.find((r) => r.type === 'ring' && r.early));
    carrier.reply(m, 486, { extra: ['X-Why: lunch'] });
    const end = await call.got('hangup');
    assert.equal(end.cause, 'busy');
    assert.deepEqual(end.params, { SipCallId: m.header('call-id'), SipResponseCode: '486', 'SipHeader_X-Why': 'lunch' });
});

await test('a transfer that the far end asks for is the exchange\'s to decide, and its end is told', async () => {
    const c = await exchange.answered(carrier);
    carrier.send(carrier.request('REFER', c.d, { extra: ['Refer-To: <sip:carol@example.com?Replaces=a%40b%3Bto-tag%3Dc>',
        'Referred-By: <sip:bob@example.com>'] }));
    const asked = await c.call.got('refer');
    assert.equal(asked.to, 'sip:carol@example.com');
    assert.deepEqual(asked.params, { 'SipHeader_Referred-By': '<sip:bob@example.com>', SipHeader_Replaces: 'a@b;to-tag=c' });
    c.call.say({ type: 'refer_status', response: 202 });
    assert.equal((await carrier.answer(c.d, `${c.d.cseq} REFER`)).status, 202);
    const trying = await came(carrier, 'NOTIFY');
    assert.equal(trying.body, 'SIP/2.0 100 Trying\r\n');
    assert.match(trying.header('subscription-state'), /^active/);
    carrier.reply(trying, 200);
    c.call.say({ type: 'refer_status', response: 202, notify: 486 });
    const end = await came(carrier, 'NOTIFY');
    assert.equal(end.body, 'SIP/2.0 486 Busy Here\r\n');
    assert.match(end.header('subscription-state'), /^terminated/);
    assert.match(end.header('content-type'), /^message\/sipfrag/);
    carrier.reply(end, 200);
    await hangup(c);
});

await test('a transfer that is declined, and one that is not to be', async () => {
    const c = await exchange.answered(carrier);
    carrier.send(carrier.request('REFER', c.d, { extra: ['Refer-To: <sip:carol@example.com>'] }));
    await c.call.got('refer');
    c.call.say({ type: 'refer_status', response: 603 });
    assert.equal((await carrier.answer(c.d, `${c.d.cseq} REFER`)).status, 603);
    for (const extra of [[], ['Refer-To: <sip:a@b>', 'Refer-To: <sip:c@d>'], ['Refer-To: <>']])
        assert.equal((await carrier.ask('REFER', c.d, { extra })).status, 400, extra.join());
    await hangup(c);
});

await test('a call that ends while its transfer waits refuses it', async () => {
    const c = await exchange.answered(carrier);
    carrier.send(carrier.request('REFER', c.d, { extra: ['Refer-To: <sip:carol@example.com>'] }));
    await c.call.got('refer');
    const cseq = c.d.cseq;
    await hangup(c);
    assert.equal((await carrier.answer(c.d, `${cseq} REFER`)).status, 603);
});

await test('the exchange transfers: REFER, its challenge, and what NOTIFY says come back', async () => {
    const call = exchange.offer('+4930', { trunk: 'first' });
    const m = await came(carrier);
    carrier.reply(m, 200, { body: carrier.sdp() });
    await call.got('answer');
    await acked(carrier, m);
    call.say({ type: 'refer', to: 'sip:dave@example.org?X-Case=7' });
    const first = await came(carrier, 'REFER');
    carrier.reply(first, 401, { extra: ['WWW-Authenticate: Digest realm="x", nonce="n3", qop="auth"'] });
    const refer = await came(carrier, 'REFER');
    assert.match(refer.header('authorization'), /username="acme"/);
    assert.equal(refer.header('refer-to'), '<sip:dave@example.org?X-Case=7>');
    carrier.reply(refer, 202);
    assert.equal((await call.got('refer_status')).response, 202);
    const d = carrier.turned(m);
    const notify = (status, state) => carrier.ask('NOTIFY', d, { body: `SIP/2.0 ${status} Because\r\n`, type: 'message/sipfrag',
        extra: ['Event: refer', `Subscription-State: ${state}`] });
    assert.equal((await notify(100, 'active;expires=60')).status, 200);
    assert.equal((await notify(200, 'terminated;reason=noresource')).status, 200);
    await until(3000, 'the end', () => call.messages.find((r) => r.type === 'refer_status' && r.notify === 200));
    assert.equal((await notify(200, 'active')).status, 481);
    assert.equal((await carrier.ask('BYE', d)).status, 200);
    await call.got('hangup');
});

await test('a REFER that is refused, and one that is no address', async () => {
    const call = exchange.offer('+4930', { trunk: 'first' });
    const m = await came(carrier);
    carrier.reply(m, 200, { body: carrier.sdp() });
    await call.got('answer');
    call.say({ type: 'refer', to: 'sip:a b@c' });
    assert.equal((await call.got('refer_status')).response, 400);
    call.messages.length = 0;
    call.say({ type: 'refer', to: '+4931' });
    const refer = await came(carrier, 'REFER');
    assert.equal(refer.header('refer-to'), `<sip:+4931@127.0.0.1:${carrier.port}>`);
    carrier.reply(refer, 405);
    assert.equal((await call.got('refer_status')).response, 405);
    call.say({ type: 'hangup', cause: 'normal' });
    carrier.reply(await came(carrier, 'BYE'), 200);
});

async function register(who, expires = 60) {
    const d = { ...who.dialog('anna', 'sip:anna@example.test'), uri: `sip:127.0.0.1:${sip}`, to: 'sip:anna@example.test' };
    const challenge = (await who.ask('REGISTER', d)).header('www-authenticate');
    const ok = await who.ask('REGISTER', d, { extra: [`Expires: ${expires}`, `Authorization: ${digest({ challenge,
        method: 'REGISTER', uri: d.uri, user: 'anna', password: 'annas secret' })}`] });
    assert.equal(ok.status, 200);
}

await test('a phone at two places rings at both; the first to answer has the call', async () => {
    await register(desk);
    await register(soft);
    const call = exchange.offer('client:anna');
    const [a, b] = [await came(desk), await came(soft)];
    desk.reply(a, 180);
    soft.reply(b, 180);
    await call.got('ring');
    soft.reply(b, 200, { body: soft.sdp() });
    await call.got('answer');
    const cancel = await came(desk, 'CANCEL');
    desk.reply(cancel, 200);
    desk.reply(a, 487);
    await acked(desk, a);
    await pause(100);
    assert.ok(!call.messages.some((m) => m.type === 'hangup'));
    call.say({ type: 'hangup', cause: 'normal' });
    soft.reply(await came(soft, 'BYE'), 200);
});

await test('both answer: the second is hung up, the call goes on', async () => {
    const call = exchange.offer('client:anna');
    const [a, b] = [await came(desk), await came(soft)];
    desk.reply(a, 200, { body: desk.sdp() });
    soft.reply(b, 200, { body: soft.sdp() });
    await call.got('answer');
    await pause(200);
    const loser = soft.messages.some((m) => m.method === 'BYE') ? soft : desk;
    loser.reply(await came(loser, 'BYE'), 200);
    const winner = loser === soft ? desk : soft;
    call.say({ type: 'hangup', cause: 'normal' });
    winner.reply(await came(winner, 'BYE'), 200);
    assert.ok(!call.messages.some((m) => m.type === 'hangup'));
});

await test('all refuse: the best reason is told', async () => {
    const call = exchange.offer('client:anna');
    const [a, b] = [await came(desk), await came(soft)];
    desk.reply(a, 486);
    await pause(50);
    assert.ok(!call.messages.some((m) => m.type === 'hangup'));
    soft.reply(b, 480);
    const end = await call.got('hangup');
    assert.equal(end.cause, 'busy');
    assert.equal(end.params.SipResponseCode, '486');
});

await test('the exchange gives up: all are cancelled', async () => {
    const call = exchange.offer('client:anna');
    const calls = [[desk, await came(desk)], [soft, await came(soft)]];
    for (const [who, m] of calls)
        who.reply(m, 180);
    await call.got('ring');
    call.say({ type: 'hangup', cause: 'canceled' });
    for (const [who, m] of calls) {
        who.reply(await came(who, 'CANCEL'), 200);
        who.reply(m, 487);
    }
});

await test('who is called is busy: no other trunk is asked', async () => {
    const call = exchange.offer('+4930');
    carrier.reply(await came(carrier), 486);
    assert.equal((await call.got('hangup')).cause, 'busy');
    await pause(100);
    assert.ok(!backup.messages.some((m) => m.method === 'INVITE'));
});

await test('the gateway stops in order', async () => {
    await gateway.stop();
    for (const p of [carrier, backup, desk, soft])
        p.close();
    rmSync(dir, { recursive: true });
});
await finish();
