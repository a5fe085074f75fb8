// What happens within a call of almon-sip besides its states: sound before the answer, what is told
// of a call, transfers (REFER, RFC 3515) in both directions, and UPDATE (RFC 3311). This program
// plays the exchange, on the npm package ws, and the carrier on UDP.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, SECRET, test, TOKEN, until } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { digest, Phone, SipGateway } from './lib/sip.mjs';

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-within-'));
const exchange = new Exchange(bridge);
const carrier = await Phone.open({ port: sip });
const configure = (more) => writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "example.test", rtp_port_min = 41000, rtp_port_max = 41098 }
${more}
`);
const anna1 = 'phone { name = "anna", password = "annas secret" }';
const first = `trunk { name = "first", to = "sip:127.0.0.1:${carrier.port}", from = "127.0.0.1", probe = 1 }`;
configure(`${anna1}\n${first}`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

const comes = (what) => carrier.next(what, (m) => m.method === what);
const media = (m) => Number(/m=audio (\d+)/.exec(m.body)[1]);
const rings = (call) => call.messages.filter((m) => m.type === 'ring');

/** Requests of the carrier within a call that the gateway placed. */
function dialog(m) {
    return {
        target: /<([^>]+)>/.exec(m.header('contact'))[1], from: /<([^>]+)>/.exec(m.header('to'))[1],
        to: /<([^>]+)>/.exec(m.header('from'))[1], tag: 'phonetag',
        theirs: /tag=([^;]+)/.exec(m.header('from'))[1], id: m.header('call-id'), cseq: 50,
    };
}

/** A call out, answered. */
async function talk(extra) {
    const call = exchange.offer('+4930123456');
    const m = await comes('INVITE');
    carrier.reply(m, 200, { body: carrier.sdp(), extra });
    await comes('ACK');
    call.answer = await call.got('answer');
    call.invite = m;
    return call;
}

async function over(call) {
    call.say({ type: 'hangup', cause: 'normal' });
    carrier.reply(await comes('BYE'), 200);
}

const silence = (sequence) => {
    const p = Buffer.alloc(172, 0x55);
    p.writeUInt32BE(0x80000000 + sequence, 0);
    p.writeUInt32BE(sequence * 160, 4);
    p.writeUInt32BE(77, 8);
    return p;
};

await test('a carrier plays before it answers: 183, early sound, then the answer', async () => {
    const call = exchange.offer('+4930123456');
    const m = await comes('INVITE');
    carrier.reply(m, 180);
    await call.got('ring');
    carrier.reply(m, 183, { body: carrier.sdp() });
    await until(3000, 'the word of early media', () => rings(call).some((r) => r.early === true));
    const timer = setInterval(((n) => () => carrier.rtp.send(silence(n++), media(m), '127.0.0.1'))(1), 20);
    await until(3000, 'its sound', () => call.frames.filter((f) => f.length > 0).length > 10);
    assert.ok(!call.messages.some((x) => x.type === 'answer'));
    carrier.reply(m, 200, { body: carrier.sdp() });
    await comes('ACK');
    await call.got('answer');
    const before = call.frames.length;
    await until(3000, 'sound after the answer', () => call.frames.length > before + 10);
    clearInterval(timer);
    assert.equal(rings(call).length, 2);
    await over(call);
});

await test('the exchange plays before it answers: the caller gets a 183 and sound, and one answer', async () => {
    const d = carrier.dialog('+15550100');
    carrier.heard.length = 0;
    carrier.send(carrier.request('INVITE', d, { body: carrier.sdp() }));
    const offer = await until(3000, 'the offer', () => exchange.offers.find((o) => o.to === '+15550100'));
    exchange.say({ type: 'ring', channel: offer.channel });
    await carrier.next('180', (m) => m.status === 180);
    for (let i = 0; i < 5; i++)
        exchange.play(offer.channel, Buffer.alloc(160, 0x2a));
    const progress = await carrier.next('183', (m) => m.status === 183);
    await until(3000, 'its sound', () => carrier.heard.some((p) => p[100] === 0x2a));
    exchange.say({ type: 'answer', channel: offer.channel });
    const final = await carrier.answer(d, '1 INVITE');
    assert.equal(final.status, 200);
    assert.equal(final.body, progress.body);
    d.theirs = /tag=([^;]+)/.exec(final.header('to'))[1];
    d.target = /<([^>]+)>/.exec(final.header('contact'))[1];
    carrier.ack(d);
    assert.equal((await carrier.ask('BYE', d)).status, 200);
});

await test('the exchange is told Call-ID, status and headers of the answer', async () => {
    const call = await talk(['X-Agent: Ann', 'User-to-User: 3132;encoding=hex', 'Server: secret']);
    assert.equal(call.answer.params.SipCallId, call.invite.header('call-id'));
    assert.equal(call.answer.params.SipResponseCode, '200');
    assert.equal(call.answer.params['SipHeader_X-Agent'], 'Ann');
    assert.equal(call.answer.params['SipHeader_User-to-User'], '3132;encoding=hex');
    assert.equal(call.answer.params.SipHeader_Server, undefined);
    await over(call);
    const refused = exchange.offer('+4930123456');
    const m = await comes('INVITE');
    carrier.reply(m, 486, { extra: ['X-Why: lunch'] });
    const end = await refused.got('hangup');
    assert.equal(end.cause, 'busy');
    assert.equal(end.params.SipResponseCode, '486');
    assert.equal(end.params['SipHeader_X-Why'], 'lunch');
    await comes('ACK');
});

for (const [answer, final, notified] of [[202, 200, 'SIP/2.0 200 OK'], [202, 486, 'SIP/2.0 486 Busy Here'], [603, 0, '']])
    await test(`a transfer that the carrier wants, answered with ${answer} and ${final}`, async () => {
        const call = await talk();
        const asked = carrier.ask('REFER', { ...dialog(call.invite) }, { extra: ['Refer-To: <sip:carol@example.com>'] });
        assert.equal((await call.got('refer')).to, 'sip:carol@example.com');
        call.say({ type: 'refer_status', response: answer });
        assert.equal((await asked).status, answer);
        if (answer === 202) {
            const first = await comes('NOTIFY');
            assert.match(first.body, /^SIP\/2\.0 100 /);
            assert.match(first.header('subscription-state'), /^active/);
            assert.equal(first.header('event'), 'refer');
            carrier.reply(first, 200);
            call.say({ type: 'refer_status', response: 202, notify: final });
            const last = await comes('NOTIFY');
            assert.equal(last.body.trim(), notified);
            assert.match(last.header('subscription-state'), /^terminated/);
            carrier.reply(last, 200);
        }
        await over(call);
    });

await test('a transfer that the exchange wants: 202, then how it ended over there', async () => {
    const call = await talk();
    call.say({ type: 'refer', to: 'sip:carol@example.com' });
    const m = await comes('REFER');
    assert.equal(m.header('refer-to'), '<sip:carol@example.com>');
    carrier.reply(m, 202);
    assert.equal((await call.got('refer_status')).response, 202);
    const d = dialog(call.invite);
    for (const [text, notify] of [['SIP/2.0 100 Trying', 0], ['SIP/2.0 486 Busy Here', 486]]) {
        assert.equal((await carrier.ask('NOTIFY', d, {
            body: `${text}\r\n`, type: 'message/sipfrag;version=2.0', extra: ['Event: refer', 'Subscription-State: active'],
        })).status, 200);
        if (notify)
            await until(3000, 'the end', () => call.messages.some((x) => x.type === 'refer_status' && x.notify === notify));
    }
    await over(call);
});

await test('a carrier that declines the transfer', async () => {
    const call = await talk();
    call.say({ type: 'refer', to: 'sip:carol@example.com' });
    carrier.reply(await comes('REFER'), 603);
    assert.equal((await call.got('refer_status')).response, 603);
    await over(call);
});

await test('UPDATE: hold and resume, a refresh without a body, an old CSeq, no such call', async () => {
    const call = await talk();
    const d = dialog(call.invite);
    const hold = await carrier.ask('UPDATE', d, { body: carrier.sdp({ way: 'sendonly' }) });
    assert.equal(hold.status, 200);
    assert.match(hold.body, /a=recvonly/);
    const resume = await carrier.ask('UPDATE', d, { body: carrier.sdp() });
    assert.match(resume.body, /a=sendrecv/);
    assert.equal((await carrier.ask('UPDATE', d)).status, 200);
    assert.equal((await carrier.ask('UPDATE', { ...d, cseq: 3 })).status, 500);
    assert.equal((await carrier.ask('UPDATE', { ...d, id: 'nobody@test' })).status, 481);
    assert.equal((await carrier.ask('NOTIFY', { ...d, id: 'nobody@test' })).status, 481);
    await over(call);
});

/** anna's phone at an address of its own. */
async function anna() {
    const phone = await Phone.open({ port: sip }, '127.0.0.2');
    const d = { ...phone.dialog('anna', 'sip:anna@example.test'), uri: `sip:127.0.0.1:${sip}` };
    const challenge = (await phone.ask('REGISTER', d)).header('www-authenticate');
    const registered = await phone.ask('REGISTER', d, { extra: ['Expires: 60', `Authorization: ${digest({ challenge,
        method: 'REGISTER', uri: d.uri, user: 'anna', password: 'annas secret' })}`] });
    assert.equal(registered.status, 200);
    return phone;
}

const invite = (phone) => phone.next('INVITE', (m) => m.method === 'INVITE');

await test('a phone in several places rings at all; the first that answers has the call', async () => {
    const [desk, kitchen, van] = [await anna(), await anna(), await anna()];
    const call = exchange.offer('client:anna');
    const [atDesk, inKitchen, inVan] = [await invite(desk), await invite(kitchen), await invite(van)];
    desk.reply(atDesk, 180, { tag: 'desk' });
    kitchen.reply(inKitchen, 180, { tag: 'kitchen' });
    van.reply(inVan, 603, { tag: 'van' });
    await call.got('ring');
    kitchen.reply(inKitchen, 200, { tag: 'kitchen', body: kitchen.sdp() });
    await call.got('answer');
    const cancel = await desk.next('CANCEL', (m) => m.method === 'CANCEL');
    desk.reply(cancel, 200, { tag: 'desk' });
    desk.reply(atDesk, 487, { tag: 'desk' });
    await desk.next('ACK', (m) => m.method === 'ACK');
    assert.equal(rings(call).length, 1);
    kitchen.heard.length = 0;
    call.play(Buffer.alloc(160, 0x2a));
    await until(3000, 'sound in the kitchen', () => kitchen.heard.some((p) => p[100] === 0x2a));
    call.say({ type: 'hangup', cause: 'normal' });
    kitchen.reply(await kitchen.next('BYE', (m) => m.method === 'BYE'), 200);

    const busy = exchange.offer('client:anna');
    desk.reply(await invite(desk), 404, { tag: 'desk' });
    kitchen.reply(await invite(kitchen), 486, { tag: 'kitchen' });
    van.reply(await invite(van), 480, { tag: 'van' });
    assert.equal((await busy.got('hangup')).cause, 'busy');

    const left = exchange.offer('client:anna');
    const ringing = [desk, kitchen, van];
    const invites = await Promise.all(ringing.map(invite));
    ringing.forEach((phone, i) => phone.reply(invites[i], 180, { tag: `t${i}` }));
    await left.got('ring');
    left.say({ type: 'hangup', cause: 'canceled' });
    for (const [i, phone] of ringing.entries()) {
        phone.reply(await phone.next('CANCEL', (m) => m.method === 'CANCEL' && m.header('call-id') === invites[i].header('call-id')), 200, { tag: `t${i}` });
        phone.reply(invites[i], 487, { tag: `t${i}` });
    }
    ringing.forEach((phone) => phone.close());
});

await test('a trunk that does not answer OPTIONS gets no calls until it does', async () => {
    carrier.health = 503;
    await until(4000, 'its death', () => gateway.log.includes('trunk first does not answer (503)'));
    assert.equal((await exchange.offer('+4930123456').got('hangup')).cause, 'congestion');
    carrier.health = 404; // whoever answers is there
    await until(4000, 'its return', () => gateway.log.includes('trunk first answers again (404)'));
    await over(await talk());
});

await test('SIGHUP: other trunks and phones, while calls go on', async () => {
    const call = await talk();
    configure(`phone { name = "ben", password = "bens secret" }\n${first.replace('"first"', '"other"').replace('from', 'max_calls = 1, from')}`);
    gateway.child.kill('SIGHUP');
    await until(3000, 'the new configuration', () => gateway.log.includes('was read again'));
    await until(3000, 'anna to be forgotten', () => !exchange.identities.includes('anna'));
    assert.equal((await exchange.offer('client:anna').got('hangup')).cause, 'unroutable');
    carrier.heard.length = 0;
    call.play(Buffer.alloc(160, 0x2a));
    await until(3000, 'sound of the old call', () => carrier.heard.some((p) => p[100] === 0x2a));
    await over(call);
    const under = exchange.offer('+4930', { trunk: 'other' });
    const m = await comes('INVITE');
    assert.equal((await exchange.offer('+4931').got('hangup')).cause, 'congestion');
    carrier.reply(m, 200, { body: carrier.sdp() });
    await comes('ACK');
    await under.got('answer');

    configure('trunk { name = "first", too = 1 }');
    gateway.child.kill('SIGHUP');
    await until(3000, 'the complaint', () => gateway.log.includes('the configuration stays as it was'));
    assert.match(gateway.log, /almon\.lua:\d+: trunk: unknown key 'too'/);
    await over(under);
});

await test('the gateway stops in order', async () => {
    await gateway.stop();
    carrier.close();
    rmSync(dir, { recursive: true });
});
await finish();
