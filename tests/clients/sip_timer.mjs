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
    for (const name of ['from', 'to', 'contact'])
        assert.equal(m.header(name).replace(/;tag=.*/, ''), first.header(name).replace(/;tag=.*/, ''));
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

for (const [title, allow, refuses] of [['who says that he takes no UPDATE', ['Allow: INVITE, ACK, BYE'], false],
    ['who refuses our UPDATE', [], true]])
    await test(`${title} gets a re-INVITE without a timer: the call goes on`, async () => {
        const call = exchange.offer('+4930', { trunk: 'ten' });
        const m = await came('INVITE');
        carrier.reply(m, 200, { body: carrier.sdp(), extra: ['Session-Expires: 2;refresher=uac', 'Require: timer', ...allow] });
        await acked(m);
        await call.got('answer');
        if (refuses)
            carrier.reply(await came('UPDATE'), 405);
        const again = await came('INVITE');
        assert.equal(again.header('call-id'), m.header('call-id'));
        assert.equal(again.header('session-expires'), undefined);
        assert.match(again.body, /m=audio/);
        carrier.reply(again, 200, { body: carrier.sdp() });
        await acked(m);
        call.say({ type: 'hangup', cause: 'normal' });
        carrier.reply(await came('BYE'), 200);
    });

await gateway.stop();
carrier.close();
exchange.server.close();
rmSync(dir, { recursive: true });
await finish();
