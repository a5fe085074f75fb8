// Session timers (RFC 4028) of calls that almon-sip places; those that it takes are in
// sip_reliable.mjs. This program plays the exchange on the bridge, and the carrier on UDP.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, SECRET, test, TOKEN } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { Phone, SipGateway } from './lib/sip.mjs';

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-timer-'));
const exchange = new Exchange(bridge);
const carrier = await Phone.open({ port: sip });
const trunk = (name, more) => `trunk { name = "${name}", to = "sip:127.0.0.1:${carrier.port}", user = "acme", password = "acmes secret" ${more} }`;
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "example.test", rtp_port_min = 41200, rtp_port_max = 41298, session_expires = 700 }
${trunk('usual', '')}
${trunk('ten', ', session_expires = 600, headers = { "X-Trunk: ten" }')}
${trunk('hasty', ', session_expires = 20')}
${trunk('none', ', session_expires = 0')}
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

const came = (what) => carrier.next(what, (m) => m.method === what);
const acked = (m) => carrier.next('ACK', (a) => a.method === 'ACK' && a.header('call-id') === m.header('call-id'));

for (const [to, name, wanted] of [['+4930', 'usual', '1800'], ['+4930', 'ten', '600'], ['+4930', 'hasty', '90'],
    ['+4930', 'none', undefined], [`sip:bob@127.0.0.1:${carrier.port}`, undefined, '700']])
    await test(`a call to ${name ?? 'an address'} asks for ${wanted ?? 'no'} seconds`, async () => {
        const call = exchange.offer(to, { trunk: name });
        const m = await came('INVITE');
        assert.equal(m.header('session-expires'), wanted);
        assert.equal(m.header('min-se'), wanted && '90');
        assert.match(m.header('supported'), /timer/);
        carrier.reply(m, 486);
        await call.got('hangup');
    });

await test('who finds the interval too short is asked again, with his, and gets the same call', async () => {
    const call = exchange.offer('+4930', { trunk: 'ten' });
    const first = await came('INVITE');
    carrier.reply(first, 407, { extra: ['Proxy-Authenticate: Digest realm="c", nonce="n1", qop="auth"'] });
    await acked(first);
    const proved = await came('INVITE');
    carrier.reply(proved, 422, { extra: ['Min-SE: 900'] });
    await acked(proved);
    const again = await came('INVITE');
    carrier.reply(again, 407, { extra: ['Proxy-Authenticate: Digest realm="c", nonce="n2", qop="auth"'] });
    await acked(again);
    const m = await came('INVITE');
    assert.match(m.header('proxy-authorization'), /nonce="n2"/);
    assert.equal(m.header('session-expires'), '900');
    for (const name of ['from', 'to', 'contact', 'call-id']) // RFC 3261 §8.1.3.5
        assert.equal(m.header(name), first.header(name));
    assert.equal(parseInt(m.header('cseq')), parseInt(first.header('cseq')) + 3);
    assert.equal(m.first, first.first);
    assert.equal(m.header('x-trunk'), 'ten');
    carrier.reply(m, 180);
    await call.got('ring');
    carrier.reply(m, 200, { body: carrier.sdp(), extra: ['Session-Expires: 900;refresher=uas', 'Require: timer'] });
    await acked(m);
    assert.equal((await call.got('answer')).params.SipCallId, m.header('call-id'));
    call.say({ type: 'hangup', cause: 'normal' });
    carrier.reply(await came('BYE'), 200);
});

for (const [title, trunkName, answers] of [['names no longer one', 'ten', ['Min-SE: 600']], ['names none', 'ten', ['X-No: 1']],
    ['was not asked for any', 'none', ['Min-SE: 900']], ['names a year', 'ten', ['Min-SE: 31536000']],
    ['is never content', 'ten', ['Min-SE: 700', 'Min-SE: 800', 'Min-SE: 900', 'Min-SE: 1000']]])
    await test(`a carrier that refuses the interval and ${title} ends the call`, async () => {
        const call = exchange.offer('+4930', { trunk: trunkName });
        for (const answer of answers) {
            const m = await came('INVITE');
            carrier.reply(m, 422, { extra: [answer] });
            await acked(m);
        }
        assert.equal((await call.got('hangup')).params.SipResponseCode, '422');
        assert.ok(!carrier.messages.some((m) => m.method === 'INVITE'));
    });

await test('a caller who goes while he is asked again is not forgotten', async () => {
    const call = exchange.offer('+4930', { trunk: 'ten' });
    const first = await came('INVITE');
    carrier.reply(first, 422, { extra: ['Min-SE: 900'] });
    const m = await came('INVITE');
    carrier.reply(m, 180);
    await call.got('ring');
    call.say({ type: 'hangup', cause: 'canceled' });
    carrier.reply(await came('CANCEL'), 200);
    carrier.reply(m, 487);
    await acked(m);
});

const within = (m, what) => carrier.next(what, (a) => a.method === what && a.header('call-id') === m.header('call-id'));

async function answered(seconds, refresher, extra = []) {
    const call = exchange.offer('+4930', { trunk: 'ten' });
    const m = await came('INVITE');
    carrier.reply(m, 200, { body: carrier.sdp(), extra: [`Session-Expires: ${seconds};refresher=${refresher}`, 'Require: timer', ...extra] });
    await acked(m);
    await call.got('answer');
    return { call, m };
}

for (const [title, allow, refuses] of [['who says that he takes no UPDATE', ['Allow: INVITE, ACK, BYE'], false],
    ['who refuses our UPDATE', [], true]])
    await test(`${title} is refreshed by re-INVITEs, until he says no more of timers`, async () => {
        const { call, m } = await answered(4, 'uac', allow);
        if (refuses)
            carrier.reply(await within(m, 'UPDATE'), 405);
        for (const extra of refuses ? [[]] : [['Session-Expires: 4;refresher=uac', 'Require: timer'], []]) {
            const again = await within(m, 'INVITE');
            assert.equal(again.header('session-expires'), '4;refresher=uac');
            assert.match(again.header('supported'), /timer/);
            assert.match(again.header('allow'), /UPDATE/);
            assert.match(again.body, /m=audio/);
            carrier.reply(again, 200, { body: carrier.sdp(), extra });
            await acked(m);
        }
        await assert.rejects(carrier.next('more', (x) => /INVITE|UPDATE|BYE/.test(x.method), 2500));
        call.say({ type: 'hangup', cause: 'normal' });
        carrier.reply(await within(m, 'BYE'), 200);
    });

await test('a re-INVITE that is too short is sent again, one that is refused is no end, one without an answer is', async () => {
    const { call, m } = await answered(3, 'uac', ['Allow: INVITE, ACK, BYE']);
    carrier.reply(await within(m, 'INVITE'), 422, { extra: ['Min-SE: 4'] });
    await acked(m);
    const longer = await within(m, 'INVITE');
    assert.equal(longer.header('session-expires'), '4;refresher=uac');
    carrier.reply(longer, 488);
    await acked(m);
    const again = await within(m, 'INVITE');
    assert.equal(again.header('session-expires'), '4;refresher=uac');
    carrier.reply(again, 100);
    carrier.reply(await within(m, 'CANCEL'), 200);
    carrier.reply(again, 487);
    carrier.reply(await within(m, 'BYE'), 200);
    await call.got('hangup');
});

await test('a re-INVITE and an UPDATE of the carrier keep the timer, whether they speak of it or not', async () => {
    const { call, m } = await answered(600, 'uas');
    const d = carrier.turned(m);
    for (const method of ['INVITE', 'UPDATE'])
        for (const [extra, wanted] of [[['Supported: timer', 'Session-Expires: 700;refresher=uac'], '700;refresher=uac'],
            [['Supported: timer'], '700;refresher=uac'], [[], '700;refresher=uas']]) {
            const r = await carrier.ask(method, d, { body: carrier.sdp(), extra });
            assert.equal(r.status, 200);
            assert.equal(r.header('session-expires'), wanted, `${method} ${extra}`);
            assert.equal(r.header('require'), /uac/.test(wanted) ? 'timer' : undefined);
            assert.deepEqual(r.all('allow').map((a) => /UPDATE/.test(a)), [true]);
            if (method === 'INVITE')
                carrier.ack(d);
        }
    call.say({ type: 'hangup', cause: 'normal' });
    carrier.reply(await within(m, 'BYE'), 200);
});

await test('who refreshes by re-INVITE is not hung up, and is when he stops', async () => {
    const { call, m } = await answered(4, 'uas');
    const d = carrier.turned(m);
    for (let i = 0; i < 2; i++) {
        assert.equal((await carrier.ask('INVITE', d, { body: carrier.sdp(), extra: ['Supported: timer'] })).status, 200);
        carrier.ack(d);
        await assert.rejects(carrier.next('BYE', (x) => x.method === 'BYE', 1800));
    }
    carrier.reply(await within(m, 'BYE'), 200);
    await call.got('hangup');
});

await gateway.stop();
carrier.close();
exchange.server.close();
rmSync(dir, { recursive: true });
await finish();
