// Trunks whose address is a name: DNS says which servers it stands for, and a call goes to the next
// of them when one cannot take it, or says nothing at all (RFC 3263). This program plays the
// exchange, the name server and the carriers' servers.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, SECRET, test, TOKEN, until } from './common.mjs';
import { NameServer } from './lib/dns.mjs';
import { Exchange } from './lib/exchange.mjs';
import { Phone, SipGateway } from './lib/sip.mjs';

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-names-'));
const exchange = new Exchange(bridge);
const [first, second, other] = await Promise.all([0, 1, 2].map(() => Phone.open({ port: sip })));
const srv = (name, priority, target, phone) => ({ name, type: 'SRV', priority, port: phone.port, target });
const a = (name) => ({ name, type: 'A', address: '127.0.0.1' });
const dns = await NameServer.open([
    srv('_sip._udp.pair.test', 20, 'b.pair.test', second), srv('_sip._udp.pair.test', 10, 'a.pair.test', first),
    srv('_sip._udp.frail.test', 20, 'b.pair.test', second), srv('_sip._udp.frail.test', 10, 'a.pair.test', first),
    srv('_sip._udp.mute.test', 10, 'a.pair.test', first),
    a('a.pair.test'), a('b.pair.test'), a('host.test'),
    { name: 'pointed.test', type: 'NAPTR', order: 10, service: 'SIPS+D2T', replacement: '_sips._tcp.no.test' },
    { name: 'pointed.test', type: 'NAPTR', order: 20, service: 'SIP+D2U', replacement: '_sip._udp.where.test' },
    srv('_sip._udp.where.test', 0, 'c.where.test', other), a('c.where.test'),
    srv('_sip._udp.pointed.test', 0, 'a.pair.test', first),
]);
const trunk = (name, to) => `trunk { name = "${name}", to = "sip:${to}", probe = 0, patience = 1 }`;
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, dns = "${dns.address}", rtp_port_min = 40100, rtp_port_max = 40198 }
${trunk('pair', 'pair.test')}
${trunk('frail', 'frail.test')}
${trunk('mute', 'mute.test;transport=udp')}
${trunk('pointed', 'pointed.test')}
${trunk('ported', `host.test:${other.port}`)}
${trunk('nowhere', 'nowhere.test')}
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();
await until(5000, 'DNS to be asked', () => dns.asked.includes('A c.where.test') && dns.asked.includes('A nowhere.test'));

const invited = (who, what = 'INVITE') => who.next(what, (m) => m.method === what);
const acked = (who, m) => who.next('ACK', (x) => x.method === 'ACK' && x.header('call-id') === m.header('call-id'));
const calls = (who) => who.messages.filter((m) => m.method === 'INVITE').length;

/** The call is answered by `who`, heard of by the exchange, and ended. */
async function answers(who, m, call) {
    who.reply(m, 200, { body: who.sdp() });
    await acked(who, m);
    await call.got('answer');
    call.say({ type: 'hangup', cause: 'normal' });
    who.reply(await invited(who, 'BYE'), 200);
}

/** DNS was asked, but it may take a while until its answers are there: until then a call is refused. */
await until(8000, 'the servers of a name', async () => {
    const call = exchange.offer('+4930', { trunk: 'pair' });
    await until(5000, 'an end', () => calls(first) > 0 || call.messages.some((m) => m.type === 'hangup'));
    const [m] = first.messages.splice(0);
    if (m === undefined)
        return false;
    first.reply(m, 486);
    return call.got('hangup');
});

await test('the server of the first priority gets the call, addressed to the name', async () => {
    const call = exchange.offer('+4930', { trunk: 'pair' });
    const m = await invited(first);
    assert.equal(m.first, 'INVITE sip:+4930@pair.test SIP/2.0');
    await answers(first, m, call);
});

await test('one that answers 503 is left for the next', async () => {
    const call = exchange.offer('+4930', { trunk: 'pair' });
    const m = await invited(first);
    first.reply(m, 503);
    await acked(first, m);
    await answers(second, await invited(second), call);
});

await test('what a server says of who was called ends the call there', async () => {
    const call = exchange.offer('+4930', { trunk: 'pair' });
    const m = await invited(first);
    first.reply(m, 486);
    await acked(first, m);
    assert.equal((await call.got('hangup')).cause, 'busy');
    assert.equal(calls(second), 0);
});

await test('one that is at work may take longer than our patience', async () => {
    const call = exchange.offer('+4930', { trunk: 'pair' });
    const m = await invited(first);
    first.reply(m, 100);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(calls(second), 0);
    await answers(first, m, call);
});

await test('one that says nothing is left for the next; should it answer late, it is hung up', async () => {
    const call = exchange.offer('+4930', { trunk: 'frail' });
    const m = await invited(first);
    await answers(second, await invited(second), call);
    first.reply(m, 200, { body: first.sdp() });
    first.reply(await invited(first, 'BYE'), 200);
    assert.match(gateway.log, /trunk frail does not answer at sip:127\.0\.0\.1:\d+.*its others get its calls/);
    first.messages.length = 0;
});

await test('and it is not tried again by the next call', async () => {
    const call = exchange.offer('+4930', { trunk: 'frail' });
    await answers(second, await invited(second), call);
    assert.equal(calls(first), 0);
});

await test('when none says anything, the exchange is told soon, and the next call at once', async () => {
    const call = exchange.offer('+4930', { trunk: 'mute' });
    await invited(first);
    assert.equal((await call.got('hangup')).cause, 'congestion');
    assert.match(gateway.log, /trunk mute does not answer \(a call was not heard\): no calls go there/);
    first.messages.length = 0;
    assert.equal((await exchange.offer('+4930', { trunk: 'mute' }).got('hangup')).cause, 'congestion');
    assert.equal(calls(first), 0);
});

await test('an address that is no trunk\'s: the next server after 503, and after one that says nothing', async () => {
    const call = exchange.offer('sip:bob@frail.test');
    const m = await invited(first);
    assert.match(m.first, /^INVITE sip:bob@frail\.test SIP/);
    first.reply(m, 503);
    await answers(second, await invited(second), call);
    const silent = exchange.offer('sip:bob@frail.test');
    await invited(first);
    await answers(second, await invited(second), silent);
    first.messages.length = 0;
    const busy = exchange.offer('sip:bob@frail.test');
    first.reply(await invited(first), 486);
    assert.equal((await busy.got('hangup')).cause, 'busy');
    assert.equal((await exchange.offer('sip:bob@nowhere.test').got('hangup')).cause, 'congestion');
    assert.match(gateway.log, /DNS knows no server behind sip:nowhere\.test/);
    assert.equal(calls(second), 0);
});

await test('who gives up while DNS is asked, or a server is silent, is forgotten', async () => {
    const call = exchange.offer('sip:bob@frail.test');
    call.say({ type: 'hangup', cause: 'canceled' });
    const ringing = exchange.offer('sip:bob@frail.test');
    await invited(first);
    ringing.say({ type: 'hangup', cause: 'canceled' });
    await assert.rejects(invited(second, 'INVITE'), /nothing within 5000/);
});

await test('NAPTR says which transport and where', async () => {
    const call = exchange.offer('+4930', { trunk: 'pointed' });
    await answers(other, await invited(other), call);
});

await test('a name with a port is an address only', async () => {
    const call = exchange.offer('+4930', { trunk: 'ported' });
    await answers(other, await invited(other), call);
    assert.ok(!dns.asked.some((q) => /SRV.*host\.test|NAPTR host\.test/.test(q)));
});

await test('a name that leads nowhere is said once, and gets no calls', async () => {
    assert.equal((await exchange.offer('+4930', { trunk: 'nowhere' }).got('hangup')).cause, 'congestion');
    assert.match(gateway.log, /trunk nowhere: DNS has no address for sip:nowhere\.test/);
});

await gateway.stop();
for (const p of [first, second, other, dns])
    p.close();
rmSync(dir, { recursive: true });
await finish();
