// Behind a router with NAT that forwards its ports: sip.address is what descriptions and Contacts
// say, to who is not on our side of it. (Here all are on one machine, so the router's address is a
// private one as well, which is told to everybody; test_sip_secure has who is near.)

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, SECRET, test, TOKEN, until } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { digest, Phone, SipGateway } from './lib/sip.mjs';

const ROUTER = '127.0.0.9';
const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-nat-'));
const exchange = new Exchange(bridge);
const carrier = await Phone.open({ port: sip });
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "example.test", address = "${ROUTER}",
      rtp_port_min = 42100, rtp_port_max = 42198 }
phone { name = "anna", password = "annas secret" }
trunk { name = "carrier", to = "sip:127.0.0.1:${carrier.port}", from = "127.0.0.1" }
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

const next = (what) => carrier.next(what, (m) => m.method === what);
const says = (m) => {
    assert.match(m.body, new RegExp(`c=IN IP4 ${ROUTER}\\r`));
    assert.equal(m.header('contact'), `<sip:almon@${ROUTER}:${sip}>`);
};

await test('a call out says the address of the router', async () => {
    const call = exchange.offer('+4930123456');
    const m = await next('INVITE');
    says(m);
    carrier.reply(m, 200, { body: carrier.sdp(), extra: ['Session-Expires: 4;refresher=uac', 'Allow: INVITE'] });
    await next('ACK');
    await call.got('answer');
    const refresh = await next('INVITE');
    says(refresh);
    carrier.reply(refresh, 200, { body: carrier.sdp() });
    await next('ACK');
    call.say({ type: 'hangup', cause: 'normal' });
    carrier.reply(await next('BYE'), 200);
});

await test('so does the answer to a call in, with ICE both addresses', async () => {
    const ice = ['a=ice-ufrag:them', 'a=ice-pwd:0123456789012345678901',
        `a=candidate:1 1 UDP 2130706431 127.0.0.1 ${carrier.rtp.address().port} typ host`].join('\r\n');
    const asked = carrier.call('+15550100', { body: carrier.sdp().replace('a=rtpmap', `${ice}\r\na=rtpmap`) });
    const offer = await new Promise((resolve) => {
        const look = setInterval(() => exchange.offers.length > 0 && resolve(exchange.offers[0], clearInterval(look)), 10);
    });
    exchange.say({ type: 'answer', channel: offer.channel });
    const d = await asked;
    assert.equal(d.final.status, 200);
    says(d.final);
    assert.match(d.final.body, new RegExp(`candidate:1 1 UDP \\d+ ${ROUTER} ${d.media} typ host`));
    assert.match(d.final.body, new RegExp(`candidate:2 1 UDP \\d+ 127.0.0.1 ${d.media} typ host`));
    d.target = `sip:almon@127.0.0.1:${sip}`; // nobody plays the router here
    const changed = await carrier.ask('INVITE', d, { body: carrier.sdp() });
    says(changed);
    carrier.ack(d);
    assert.equal((await carrier.ask('BYE', d)).status, 200);
});

// Its Contact is its own, which leads nowhere from here; `Record-Route`s it has none.
const anna = await Phone.open({ port: sip }, '127.0.0.4');
const say = anna.send;
anna.send = (text) => say.call(anna, text.replace(/Contact: <sip:phone@[^>]*>/, 'Contact: <sip:phone@10.255.255.1:5062;ob>'));
const came = (what) => anna.next(what, (m) => m.method === what);
const target = `sip:phone@127.0.0.4:${anna.port};ob`;
async function proved(method, d, options = {}) {
    const challenge = (await anna.ask(method, d, options)).header('www-authenticate');
    if (method === 'INVITE')
        anna.ack(d, d.cseq, d.last);
    return { ...options, extra: [...options.extra ?? [], `Authorization: ${digest({ challenge, method, uri: d.uri, user: 'anna',
        password: 'annas secret' })}`] };
}

await test('a phone behind NAT is called, and what follows reaches it, too', async () => {
    const d = { ...anna.dialog('anna', 'sip:anna@example.test'), uri: `sip:127.0.0.1:${sip}`, to: 'sip:anna@example.test' };
    assert.equal((await anna.ask('REGISTER', d, await proved('REGISTER', d, { extra: ['Expires: 60'] }))).status, 200);
    const call = exchange.offer('client:anna');
    const m = await came('INVITE');
    anna.reply(m, 200, { body: anna.sdp() });
    assert.match((await came('ACK')).first, new RegExp(`^ACK ${target} `));
    await call.got('answer');
    const within = Object.assign(anna.turned(m), { target: `sip:almon@127.0.0.1:${sip}` });
    assert.equal((await anna.ask('UPDATE', within, { body: anna.sdp() })).status, 200);
    assert.equal((await anna.ask('INVITE', within, { body: anna.sdp() })).status, 200);
    anna.ack(within);
    call.say({ type: 'hangup', cause: 'normal' });
    const bye = await came('BYE');
    assert.match(bye.first, new RegExp(`^BYE ${target} `));
    anna.reply(bye, 200);
});

await test('a phone behind NAT calls, and is hung up', async () => {
    const n = exchange.offers.length;
    const d = anna.dialog('+15550100', 'sip:anna@example.test');
    anna.send(anna.request('INVITE', d, await proved('INVITE', d, { body: anna.sdp() })));
    const offer = await until(3000, 'the offer', () => exchange.offers[n]);
    exchange.say({ type: 'answer', channel: offer.channel });
    const ok = await anna.answer(d, `${d.cseq} INVITE`);
    d.theirs = /tag=([^;]+)/.exec(ok.header('to'))[1];
    anna.ack(d);
    exchange.say({ type: 'hangup', channel: offer.channel, cause: 'normal' });
    const bye = await came('BYE');
    assert.match(bye.first, new RegExp(`^BYE ${target} `));
    anna.reply(bye, 200);
    anna.close();
});

await test('the gateway stops in order', async () => {
    carrier.close();
    await gateway.stop();
    rmSync(dir, { recursive: true });
});
await finish();
