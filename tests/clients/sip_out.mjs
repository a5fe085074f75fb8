// Calls out of almon-sip, to phones and trunks. This program plays the exchange on the bridge, on
// the npm package ws, and the carrier and the phone on UDP.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, pause, SECRET, test, TOKEN, until, within } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { digest, Phone, SipGateway } from './lib/sip.mjs';

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-out-'));
const exchange = new Exchange(bridge);
const carrier = await Phone.open({ port: sip });
const backup = await Phone.open({ port: sip });
const phone = await Phone.open({ port: sip });
const provider = await Phone.open({ port: sip }, '127.0.0.3');
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "example.test", rtp_port_min = 40000, rtp_port_max = 40098 }
trunk { name = "first", to = "sip:127.0.0.1:${carrier.port}", user = "acme", password = "acmes secret", max_calls = 2,
        caller_id = "both", rewrite_out = "+:00", headers = { "X-Trunk: first" }, from = "127.0.0.1" }
trunk { name = "enrolled", to = "sip:127.0.0.3:${provider.port}", user = "acme", password = "acmes secret",
        register = true }
trunk { name = "second", to = "sip:127.0.0.1:${backup.port}" }
phone { name = "anna", password = "annas secret" }
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

const invited = (who, what = 'INVITE') => who.next(what, (m) => m.method === what);
const acked = (who, m) => who.next('ACK', (a) => a.method === 'ACK' && a.header('call-id') === m.header('call-id'));
const media = (m) => Number(/m=audio (\d+)/.exec(m.body)[1]);

await test('a number goes to the trunk, as its rules say, and its challenge is answered', async () => {
    const call = exchange.offer('+4930123456', { params: { 'SipHeader_X-Order': '42', SipDomain: 'not this' } });
    const first = await invited(carrier);
    carrier.reply(first, 407, { extra: ['Proxy-Authenticate: Digest realm="carrier", nonce="n1", qop="auth"'] });
    await acked(carrier, first);
    const m = await invited(carrier);
    assert.equal(m.first, `INVITE sip:004930123456@127.0.0.1:${carrier.port} SIP/2.0`);
    assert.match(m.header('from'), /^<sip:0015550100@127\.0\.0\.1>/);
    assert.equal(m.header('p-asserted-identity'), '<sip:0015550100@127.0.0.1>');
    assert.equal(m.header('x-trunk'), 'first');
    assert.equal(m.header('x-order'), '42');
    assert.doesNotMatch(m.text, /not this/);
    const given = m.header('proxy-authorization');
    const [nc, cnonce] = [/nc=(\w+)/.exec(given)[1], /cnonce="([^"]+)/.exec(given)[1]];
    const wanted = digest({ challenge: 'realm="carrier", nonce="n1"', method: 'INVITE', uri: /uri="([^"]+)/.exec(given)[1],
        user: 'acme', password: 'acmes secret', nc: parseInt(nc, 16), cnonce });
    assert.equal(/response="(\w+)/.exec(given)[1], /response="(\w+)/.exec(wanted)[1]);

    carrier.reply(m, 180);
    await call.got('ring');
    carrier.reply(m, 200, { body: carrier.sdp() });
    await acked(carrier, m);
    await call.got('answer');

    carrier.heard.length = 0;
    for (let i = 0; i < 5; i++) {
        call.play(Buffer.alloc(160, 0x55));
        await pause(20);
    }
    await until(3000, 'audio at the carrier', () => carrier.heard.length >= 5);
    assert.ok(carrier.heard.every((p) => p.length === 172 && p[100] === 0x55));
    call.say({ type: 'dtmf', digits: '7' });
    await until(3000, 'the key at the carrier', () => carrier.heard.some((p) => (p[1] & 0x7f) === 101 && p[12] === 7));
    const dialog = { media: media(m) };
    carrier.press(dialog, 3);
    assert.equal((await call.got('dtmf')).digits, '3');
    await until(3000, 'silence towards the exchange', () => call.frames.length > 10);

    call.say({ type: 'hangup', cause: 'normal' });
    const bye = await invited(carrier, 'BYE');
    carrier.reply(bye, 200);
});

await test('the other law than the exchange speaks is translated', async () => {
    const call = exchange.offer('+4930', { codec: 'PCMU' });
    const m = await invited(carrier);
    carrier.reply(m, 200, { body: carrier.sdp({ formats: ['8 PCMA/8000'] }) });
    await call.got('answer');
    carrier.heard.length = 0;
    call.play(Buffer.alloc(160, 0xff));
    await until(3000, 'audio', () => carrier.heard.length > 0);
    assert.equal(carrier.heard[0][1] & 0x7f, 8);
    assert.ok([0x55, 0xd5].includes(carrier.heard[0][50]), 'silence in A-law');
    call.say({ type: 'hangup', cause: 'normal' });
    carrier.reply(await invited(carrier, 'BYE'), 200);
});

for (const [status, reason, cause] of [[486, '', 'busy'], [603, '', 'rejected'], [404, '', 'unroutable'],
    [480, '', 'no-answer'], [503, '', 'congestion'], [500, '', 'error'], [480, 'Q.850;cause=17', 'busy'],
    [500, 'Q.850 ;cause=1;text="Unallocated"', 'unroutable']])
    await test(`${status} ${reason} of the carrier is ${cause}`, async () => {
        const call = exchange.offer('+4930');
        const m = await invited(carrier);
        carrier.reply(m, status, { extra: reason ? [`Reason: ${reason}`] : [] });
        await acked(carrier, m);
        assert.equal((await call.got('hangup')).cause, cause);
    });

await test('the exchange gives up: CANCEL', async () => {
    const call = exchange.offer('+4930');
    const m = await invited(carrier);
    carrier.reply(m, 180);
    await call.got('ring');
    call.say({ type: 'hangup', cause: 'canceled' });
    const cancel = await invited(carrier, 'CANCEL');
    carrier.reply(cancel, 200);
    carrier.reply(m, 487);
    await acked(carrier, m);
});

await test('a redirection does not lead the call, or our password, to anybody else', async () => {
    const call = exchange.offer('+4930');
    const m = await invited(carrier);
    carrier.reply(m, 302, { extra: [] });
    const next = await Promise.race([invited(carrier), call.got('hangup')]);
    if (next.method === 'INVITE') {
        carrier.reply(next, 404);
        await call.got('hangup');
    }
    assert.ok(!phone.messages.concat(backup.messages).some((x) => x.method === 'INVITE'));
});

await test('an answer without a codec that we have ends the call', async () => {
    const call = exchange.offer('+4930');
    const m = await invited(carrier);
    carrier.reply(m, 200, { body: carrier.sdp({ formats: ['3 GSM/8000'] }) });
    await acked(carrier, m);
    carrier.reply(await invited(carrier, 'BYE'), 200);
    assert.equal((await call.got('hangup')).cause, 'error');
});

await test('a trunk that registers is passed over until it has taken us; then its calls come in', async () => {
    const first = await invited(provider, 'REGISTER');
    assert.match(first.header('to'), /<sip:acme@127\.0\.0\.3/);
    const stranger = await provider.call('+15550100');
    assert.equal(stranger.final.status, 401);
    provider.reply(first, 401, { extra: ['WWW-Authenticate: Digest realm="p", nonce="n7", qop="auth"'] });
    const second = await provider.next('the proof', (m) => m.method === 'REGISTER' && m.header('authorization'));
    assert.match(second.header('authorization'), /username="acme".*nonce="n7"/);
    provider.reply(second, 200, { extra: [`Contact: ${second.header('contact')}`] });
    await until(3000, 'the log', () => gateway.log.includes('trunk enrolled: registration 200'));
    const ours = provider.dialog('acme');
    ours.to = 'sip:+15550100@127.0.0.3';
    provider.send(provider.request('INVITE', ours, { body: provider.sdp() }));
    const offer = await until(3000, 'the offer', () => exchange.offers.find((o) => o.to === '+15550100'));
    exchange.say({ type: 'hangup', channel: offer.channel, cause: 'busy' });
    assert.equal((await provider.answer(ours, '1 INVITE')).status, 486);
    provider.ack(ours, 1, ours.last);
});

await test('a full trunk is passed over for the next', async () => {
    const calls = [exchange.offer('+4931'), exchange.offer('+4932')];
    const held = [await invited(carrier), await invited(carrier)];
    const third = exchange.offer('+4933');
    const m = await invited(provider);
    assert.match(m.first, /sip:\+4933@/);
    provider.reply(m, 486);
    await third.got('hangup');
    for (const h of held)
        carrier.reply(h, 486);
    for (const c of calls)
        await c.got('hangup');
});

await test('the trunk that the exchange names takes the call, or none', async () => {
    const call = exchange.offer('+4934', { trunk: 'second' });
    const m = await invited(backup);
    assert.match(m.first, /sip:\+4934@/);
    backup.reply(m, 486);
    await call.got('hangup');
    assert.equal((await exchange.offer('+4934', { trunk: 'third' }).got('hangup')).cause, 'unroutable');
});

await test('the name and password of the call answer the challenge of a SIP address', async () => {
    const call = exchange.offer(`sip:bob@127.0.0.1:${backup.port}`, { user: 'flow', password: 'flows secret' });
    const first = await invited(backup);
    backup.reply(first, 401, { extra: ['WWW-Authenticate: Digest realm="x", nonce="n2", qop="auth"'] });
    await acked(backup, first);
    const m = await invited(backup);
    const given = m.header('authorization');
    assert.match(given, /username="flow"/);
    const wanted = digest({ challenge: 'realm="x", nonce="n2"', method: 'INVITE', uri: /uri="([^"]+)/.exec(given)[1],
        user: 'flow', password: 'flows secret', nc: parseInt(/nc=(\w+)/.exec(given)[1], 16), cnonce: /cnonce="([^"]+)/.exec(given)[1] });
    assert.equal(/response="(\w+)/.exec(given)[1], /response="(\w+)/.exec(wanted)[1]);
    backup.reply(m, 486);
    await call.got('hangup');
    assert.ok(!gateway.log.includes('flows secret'));
});

await test('a phone registers and is called by its name; without, nobody answers', async () => {
    const none = exchange.offer('client:anna');
    assert.equal((await none.got('hangup')).cause, 'no-answer');
    const d = { ...phone.dialog('anna', 'sip:anna@example.test'), uri: `sip:127.0.0.1:${sip}` };
    const challenge = (await phone.ask('REGISTER', d)).header('www-authenticate');
    const ok = await phone.ask('REGISTER', d, { extra: ['Expires: 60', `Authorization: ${digest({ challenge,
        method: 'REGISTER', uri: d.uri, user: 'anna', password: 'annas secret' })}`] });
    assert.equal(ok.status, 200);
    await until(3000, 'the exchange to know', () => exchange.identities.includes('anna'));
    for (const to of ['client:anna', 'sip:anna@example.test']) {
        const call = exchange.offer(to, { from: 'client:ben' });
        const m = await invited(phone);
        assert.match(m.header('from'), /<sip:ben@example\.test>/);
        phone.reply(m, 200, { body: phone.sdp() });
        await call.got('answer');
        const bye = phone.dialog('x');
        Object.assign(bye, { id: m.header('call-id'), uri: /<([^>]+)>/.exec(m.header('contact'))[1], tag: 'phonetag',
            theirs: /tag=([^;]+)/.exec(m.header('from'))[1] });
        assert.equal((await phone.ask('BYE', bye)).status, 200);
        assert.equal((await call.got('hangup')).cause, 'normal');
    }
    const register = async (expires) => {
        const nonce = (await phone.ask('REGISTER', d)).header('www-authenticate');
        return phone.ask('REGISTER', d, { extra: [`Expires: ${expires}`, `Authorization: ${digest({ challenge: nonce,
            method: 'REGISTER', uri: d.uri, user: 'anna', password: 'annas secret' })}`] });
    };
    await register(0);
    await until(3000, 'the exchange to forget', () => !exchange.identities.includes('anna'));
    await register(60);
});

for (const to of ['client:nobody', 'sip:nobody@example.test', 'sip:a b@x', '<sip:x@y>', 'sip:x@y>\t', 'tel:+1'])
    await test(`${JSON.stringify(to)} is unroutable`, async () => {
        const call = exchange.offer(to.replace('\t', ''));
        assert.equal((await call.got('hangup')).cause, 'unroutable');
    });

await test('the link breaks: calls end, and it is made again', async () => {
    const call = exchange.offer('+4930');
    const m = await invited(carrier);
    carrier.reply(m, 200, { body: carrier.sdp() });
    await call.got('answer');
    const links = gateway.log.split('linked to the exchange').length;
    exchange.socket.terminate();
    exchange.identities = [];
    carrier.reply(await invited(carrier, 'BYE'), 200);
    await until(5000, 'a new link', () => gateway.log.split('linked to the exchange').length > links);
    await until(3000, 'the phones to be told again', () => exchange.identities.includes('anna'));
});

await test('at its end the gateway says goodbye to who is on the line', async () => {
    await within(5000, 'the new link', until(5000, 'hello', () => exchange.socket.readyState === 1));
    const call = exchange.offer('+4930');
    const m = await invited(carrier);
    carrier.reply(m, 200, { body: carrier.sdp() });
    await call.got('answer');
    const stopped = gateway.stop();
    carrier.reply(await invited(carrier, 'BYE'), 200);
    assert.equal((await call.got('hangup')).cause, 'normal');
    await provider.next('the farewell', (m) => m.method === 'REGISTER' && /expires=0/.test(m.header('contact')));
    await stopped;
    for (const p of [carrier, backup, phone, provider])
        p.close();
    rmSync(dir, { recursive: true });
});
await finish();
