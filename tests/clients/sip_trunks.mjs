// What carriers are particular about, in calls both ways: who calls and whether he may be named, how
// numbers are written, headers, the proxy, limits, and the lines that keep NAT open. This program
// plays the exchange on the bridge, and the carriers on UDP.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, SECRET, test, TOKEN, until } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { Phone, SipGateway } from './lib/sip.mjs';

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-trunks-'));
const exchange = new Exchange(bridge);
const carrier = await Phone.open({ port: sip });
const proxy = await Phone.open({ port: sip });
const provider = await Phone.open({ port: sip }, '127.0.0.3');
const narrow = await Phone.open({ port: sip }, '127.0.0.4');
const to = `to = "sip:127.0.0.1:${carrier.port}"`;
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "example.test", rtp_port_min = 41400, rtp_port_max = 41498 }
trunk { name = "plain", ${to}, from = "127.0.0.1", rewrite_in = { "00:+", "0:+49" }, rewrite_out = { "+49:0", "+:00" },
        headers = { "X-Trunk: plain", "X-Account:77" } }
trunk { name = "asserted", ${to}, user = "4930555", password = "x", caller_id = "asserted" }
trunk { name = "both", ${to}, user = "4930555", password = "x", caller_id = "both" }
trunk { name = "telephones", to = "sip:127.0.0.1:${carrier.port};user=phone" }
trunk { name = "behind", to = "sip:carrier.invalid", proxy = "sip:127.0.0.1:${proxy.port}" }
trunk { name = "provider", to = "sip:127.0.0.3:${provider.port}", user = "acme", password = "x", register = true, keep_alive = 1 }
trunk { name = "quiet", to = "sip:127.0.0.1:${proxy.port}", user = "acme", password = "x", register = true, keep_alive = 0 }
trunk { name = "nowhere", to = "sip:255.255.255.255", user = "acme", password = "x", register = true }
trunk { name = "narrow", to = "sip:127.0.0.4:${narrow.port}", from = "127.0.0.4", max_calls = 1 }
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

const came = (who, what = 'INVITE') => who.next(what, (m) => m.method === what);

const empty = { provider: 0, quiet: 0 };
provider.socket.on('message', (data) => { empty.provider += data.toString() === '\r\n\r\n'; });
proxy.socket.on('message', (data) => { empty.quiet += data.toString() === '\r\n\r\n'; });
{
    const m = await came(proxy, 'REGISTER');
    proxy.reply(m, 200, { extra: [`Contact: ${m.header('contact')}`] });
}
await test('a registrar that cannot at the moment is asked when it says, for as long as it wants', async () => {
    const asked = async () => {
        const m = await came(provider, 'REGISTER');
        provider.messages = provider.messages.filter((x) => x.method !== 'REGISTER'); // copies
        return m;
    };
    provider.reply(await asked(), 503, { extra: ['Retry-After: 1'] }); // libre alone would wait half a minute at least
    provider.reply(await asked(), 500, { extra: ['Retry-After: 1 (soon)'] });
    provider.reply(await asked(), 423, { extra: ['Min-Expires: 700'] });
    const longer = await asked();
    assert.match(longer.header('contact'), /expires=700/);
    provider.reply(longer, 401, { extra: ['WWW-Authenticate: Digest realm="p", nonce="n1", qop="auth"'] });
    const proved = await asked();
    assert.match(proved.header('authorization'), /nonce="n1"/);
    provider.reply(proved, 401, { extra: ['WWW-Authenticate: Digest realm="p", nonce="n2", stale=true, qop="auth"'] });
    const again = await asked();
    assert.match(again.header('authorization'), /nonce="n2"/);
    provider.reply(again, 200, { extra: [`Contact: ${again.header('contact')}`] });
    await until(3000, 'the word of it', () => /trunk provider: registration 200/.test(gateway.log));
    assert.match(gateway.log, /trunk provider: registration 503/);
});

/** The INVITE of a call to a trunk, which is then refused. */
async function invite(trunk, { from, number = '+4930123', who = carrier, params } = {}) {
    const call = exchange.offer(number, { trunk, from, params });
    const m = await came(who);
    who.reply(m, 486);
    await call.got('hangup');
    return m;
}

/** The offer to the exchange that an INVITE becomes, refused. */
async function offered(change = (m) => m, who = carrier) {
    const n = exchange.offers.length;
    const d = who.dialog('+15550100');
    who.send(change(who.request('INVITE', d, { body: who.sdp() })));
    const offer = await until(3000, 'the offer', () => exchange.offers[n]);
    exchange.say({ type: 'hangup', channel: offer.channel, cause: 'busy' });
    assert.equal((await who.answer(d, '1 INVITE')).status, 486);
    who.ack(d, 1, d.last);
    return offer;
}

// --- calls out ---

for (const [trunk, from, shown, asserted, privacy] of [
    ['plain', '+4930777', '<sip:030777@127.0.0.1>'], ['plain', '+15550100', '<sip:0015550100@127.0.0.1>'],
    ['asserted', '+4930777', '<sip:4930555@127.0.0.1>', '<sip:+4930777@127.0.0.1>'],
    ['both', '+4930777', '<sip:+4930777@127.0.0.1>', '<sip:+4930777@127.0.0.1>'],
    ['plain', 'anonymous', '"Anonymous" <sip:anonymous@anonymous.invalid>', undefined, 'id'],
    ['asserted', 'anonymous', '"Anonymous" <sip:anonymous@anonymous.invalid>', '<sip:4930555@127.0.0.1>', 'id'],
    ['plain', 'client:anna', '<sip:anna@127.0.0.1>']])
    await test(`${from} calls by trunk ${trunk} as ${shown}`, async () => {
        const m = await invite(trunk, { from });
        assert.equal(m.header('from').replace(/;tag=\w+$/, ''), shown);
        assert.equal(m.header('p-asserted-identity'), asserted);
        assert.equal(m.header('privacy'), privacy);
    });

// No packet of ours may go to a broadcast address, as none goes anywhere before there is a network.
await test('a trunk with which not even a REGISTER can be sent is told once, and leaves the others alone', async () => {
    await until(5000, 'the warning', () => /trunk nowhere: cannot register with .*tried again every 30 s/.test(gateway.log));
    await invite('plain', { from: '+15550100' });
});

await test('a request has what RFC 3261 §8.1.1 asks for, once', async () => {
    const [m, n] = [await invite('plain'), await invite('plain')];
    assert.equal(m.first, `INVITE sip:030123@127.0.0.1:${carrier.port} SIP/2.0`);
    assert.equal(m.header('to'), `<sip:030123@127.0.0.1:${carrier.port}>`);
    for (const name of ['via', 'max-forwards', 'from', 'to', 'call-id', 'cseq', 'contact'])
        assert.equal(m.all(name).length, 1, name);
    assert.equal(m.header('max-forwards'), '70');
    assert.match(m.header('cseq'), /^\d+ INVITE$/);
    assert.match(m.header('contact'), new RegExp(`^<sip:[^@]+@127.0.0.1:${sip}>`));
    assert.match(m.header('via'), /;branch=z9hG4bK[^;]+;rport/);
    for (const [what, found] of [['tag', /tag=(\w{8,})/], ['branch', /branch=(z9hG4bK\w{8,})/], ['call-id', /^(.{8,})/]]) {
        const header = { tag: 'from', branch: 'via', 'call-id': 'call-id' }[what];
        assert.notEqual(found.exec(m.header(header))[1], found.exec(n.header(header))[1], what);
    }
    assert.equal(m.header('x-trunk'), 'plain');
    assert.equal(m.header('x-account'), '77');
});

await test('a carrier that wants to be told that a number is one gets user=phone, and its + where nothing takes it', async () => {
    const m = await invite('telephones');
    assert.equal(m.first, `INVITE sip:+4930123@127.0.0.1:${carrier.port};user=phone SIP/2.0`);
});

await test('all of a call goes through the proxy, addressed to the carrier', async () => {
    const call = exchange.offer('+4930123', { trunk: 'behind' });
    const m = await came(proxy);
    assert.equal(m.first, 'INVITE sip:+4930123@carrier.invalid SIP/2.0');
    assert.match(m.header('from'), /@carrier\.invalid>/);
    proxy.reply(m, 200, { body: proxy.sdp(), extra: [`Record-Route: <sip:127.0.0.1:${proxy.port};lr>`] });
    await came(proxy, 'ACK');
    await call.got('answer');
    call.say({ type: 'hangup', cause: 'normal' });
    proxy.reply(await came(proxy, 'BYE'), 200);
});

await test('what a flow says to the far end goes out whole, and never as another header', async () => {
    const m = await invite('plain', { params: { 'SipHeader_User-to-User': '3132;encoding=hex', 'SipHeader_X-Order': '42', SipHeader_Route: '<sip:evil.test;lr>' } });
    assert.equal(m.header('user-to-user'), '3132;encoding=hex');
    assert.equal(m.header('x-order'), '42');
    assert.doesNotMatch(m.text, /evil\.test/);
    exchange.offer('+4930123', { trunk: 'plain', params: { 'SipHeader_X-Evil': 'a\r\nX-Smuggled: b' } });
    assert.doesNotMatch((await invite('plain')).text, /Smuggled/);
    assert.ok(!carrier.messages.some((x) => x.text.includes('Smuggled')));
});

// --- calls in ---

const from = (value) => (m) => m.replace(/From: <[^>]+>/, `From: ${value}`);
for (const [title, change, wanted] of [
    ['a number of the country', from('<sip:030777@elsewhere.test>'), '+4930777'],
    ['a number of the world, with a name', from('"Carl, with a comma" <sip:004420777@elsewhere.test;user=phone>'), '+4420777'],
    ['dots and parameters', from('<sip:+49-30.777;npdi@elsewhere.test>'), '+4930777'],
    ['tel:', from('<tel:+49-30-777;phone-context=x>'), '+4930777'],
    ['tel: of the country', from('tel:030777'), '+4930777'],
    ['an asserted number', (m) => from('<sip:anonymous@anonymous.invalid>')(m).replace('Call-ID', 'P-Asserted-Identity: <sip:+4930888@x.test>\r\nCall-ID'), '+4930888'],
    ['an asserted tel:', (m) => m.replace('Call-ID', 'P-Asserted-Identity: <tel:+4930888>\r\nCall-ID'), '+4930888'],
    ['nobody', from('"Anonymous" <sip:anonymous@anonymous.invalid>'), 'anonymous'],
    ['one who is asserted, but not to be named', (m) => m.replace('Call-ID', 'P-Asserted-Identity: <sip:+4930888@x.test>\r\nPrivacy: critical;id\r\nCall-ID'), 'anonymous'],
    ['one who does not mind', (m) => m.replace('Call-ID', 'P-Asserted-Identity: <sip:+4930888@x.test>\r\nPrivacy: none\r\nCall-ID'), '+4930888']])
    await test(`a call from ${title} is from ${wanted}`, async () => {
        assert.equal((await offered(change)).from, wanted);
    });

for (const [title, change, wanted] of [
    ['tel: in To only', (m) => m.replace(/To: <[^>]+>/, 'To: <tel:+15550100>'), '+15550100'],
    ['tel: in the first line', (m) => m.replace(/INVITE \S+/, 'INVITE tel:+1-555-0100'), '+15550100'],
    ['a number of the country', (m) => m.replace(/INVITE sip:[^@]+/, 'INVITE sip:030123'), '+4930123'],
    ['user=phone', (m) => m.replace(/(INVITE \S+)/, '$1;user=phone'), '+15550100']])
    await test(`a call to ${title} is to ${wanted}`, async () => {
        assert.equal((await offered(change)).to, wanted);
    });

await test('a call between two tel: is answered and hung up within its dialog', async () => {
    const n = exchange.offers.length;
    const d = Object.assign(carrier.dialog('+15550100', 'tel:+4930777'), { to: 'tel:+15550100' });
    carrier.send(carrier.request('INVITE', d, { body: carrier.sdp(), extra: ['User-to-User: 3435;encoding=hex'] }));
    const offer = await until(3000, 'the offer', () => exchange.offers[n]);
    assert.equal(offer.params['SipHeader_User-to-User'], '3435;encoding=hex');
    assert.equal(offer.params.SipDomain, '127.0.0.1');
    exchange.say({ type: 'answer', channel: offer.channel });
    const ok = await carrier.answer(d, '1 INVITE');
    assert.equal(ok.status, 200);
    carrier.ack(Object.assign(d, { theirs: /tag=([^;]+)/.exec(ok.header('to'))[1], target: /<([^>]+)>/.exec(ok.header('contact'))[1] }));
    exchange.say({ type: 'hangup', channel: offer.channel, cause: 'normal' });
    const bye = await came(carrier, 'BYE');
    assert.match(bye.header('to'), /^<tel:\+4930777>;tag=/);
    assert.equal(bye.first, `BYE sip:phone@127.0.0.1:${carrier.port} SIP/2.0`);
    carrier.reply(bye, 200);
});

// --- limits ---

await test('a trunk that is full takes no call, from here or there, until one ends', async () => {
    const d = narrow.dialog('+15550100');
    const n = exchange.offers.length;
    narrow.send(narrow.request('INVITE', d, { body: narrow.sdp() }));
    const offer = await until(3000, 'the offer', () => exchange.offers[n]);
    const second = await narrow.call('+15550100');
    assert.equal(second.final.status, 503);
    assert.equal((await exchange.offer('+4930', { trunk: 'narrow' }).got('hangup')).cause, 'congestion');
    exchange.say({ type: 'hangup', channel: offer.channel, cause: 'busy' });
    assert.equal((await narrow.answer(d, '1 INVITE')).status, 486);
    narrow.ack(d, 1, d.last);
    await invite('narrow', { who: narrow });
});

// --- NAT ---

await test('where we are registered NAT is kept open as often as the trunk says', async () => {
    await until(8000, 'two times empty lines', () => empty.provider >= 2);
    assert.equal(empty.quiet, 0);
});

const stopped = gateway.stop();
for (const who of [provider, proxy])
    who.reply(await who.next('the farewell', (m) => m.method === 'REGISTER' && /expires=0/.test(m.header('contact'))), 200);
await stopped;
for (const p of [carrier, proxy, provider, narrow])
    p.close();
exchange.server.close();
rmSync(dir, { recursive: true });
await finish();
