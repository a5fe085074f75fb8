// What attackers of a SIP server do that the other tests leave out: each test's name begins with the
// row of our list of threats.

import { readFileSync } from 'node:fs';
import net from 'node:net';
import { assert, finish, pause, SANITIZED, test, until, watch, within } from './common.mjs';
import { Phone, startSip } from './lib/sip.mjs';

const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const { almon, gateway } = await startSip({
    sip: 'requests_per_second = 2000',
    flows: { 'short.xml': xml('<Pause length="1"/><Hangup/>'), 'stay.xml': xml('<Pause length="20"/>') },
    config: `trunk { name = "near", from = "127.0.0.1", to = "sip:127.0.0.1:9", user = "acme", password = "acmes secret" }
phone { name = "anna", password = "annas secret" }
number { "+15550101", voice = "short.xml" }
number { "+15550106", voice = "stay.xml" }`,
});
watch(almon);
const friend = await Phone.open(gateway);
const stranger = await Phone.open(gateway, '127.0.0.9');
// kB of its own.
const memory = () => SANITIZED ? 0 : Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8'))[1]);

await test('S5: who calls us and challenges our BYE gets no password, though its trunk has one', async () => {
    const d = await friend.call('+15550101');
    assert.equal(d.final.status, 200);
    const isBye = (m) => m.method === 'BYE' && m.header('call-id') === d.id;
    friend.reply(await friend.next('BYE', isBye), 401,
        { extra: ['WWW-Authenticate: Digest realm="example.test", nonce="n5", qop="auth"'] });
    await almon.journal('+15550199');
    await pause(300);
    const more = friend.messages.filter(isBye);
    assert.ok(more.every((m) => !m.header('authorization') && !m.header('proxy-authorization')), more.map((m) => m.text).join());
    assert.doesNotMatch(friend.messages.map((m) => m.text).join(), /acme/);
});

for (const [method, status] of [['REGISTER', 401], ['BYE', 481], ['CANCEL', 481], ['OPTIONS', 200], ['PRACK', 481],
    ['SUBSCRIBE', 405], ['NOTIFY', 481], ['PUBLISH', 405], ['INFO', 481], ['REFER', 405], ['MESSAGE', 405], ['UPDATE', 481],
    ['NONSENSE', 501]])
    await test(`S6: ${method} of a trunk, outside of any call: ${status}`, async () => {
        assert.equal((await friend.ask(method, friend.dialog('+15550106'))).status, status);
    });

await test('S8: four hundred connections that say nothing, or half a line, keep nobody out', async () => {
    const before = memory();
    const idle = Array.from({ length: 400 }, (_, i) => {
        const socket = net.connect(gateway.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.on('connect', () => i % 2 && socket.write('INVITE sip:x@y SIP/2.0\r\nContent-Length: 99999999\r\n'));
        return socket;
    });
    await until(10000, 'the connections', () => idle.every((s) => !s.connecting));
    assert.equal((await friend.ask('OPTIONS', friend.dialog('x'))).status, 200);
    const live = net.connect(gateway.port, '127.0.0.1');
    live.write(friend.request('OPTIONS', friend.dialog('x')).replace('SIP/2.0/UDP', 'SIP/2.0/TCP'));
    const [answer] = await within(5000, 'an answer over TCP', new Promise((resolve) => live.once('data', (d) => resolve([String(d)]))));
    assert.match(answer, /^SIP\/2\.0 200 /);
    assert.ok(memory() - before < 64 * 1024, `${memory() - before} kB more`);
    [...idle, live].forEach((s) => s.destroy());
});

await test('S3, S8: twenty thousand REGISTERs and INVITEs of a stranger leave nothing behind', async () => {
    const flooder = await Phone.open(gateway, '127.0.0.66');
    const round = async (n) => {
        for (let i = 0; i < n; i++) {
            const method = i % 2 ? 'REGISTER' : 'INVITE';
            flooder.send(flooder.request(method, flooder.dialog('+15550106', `sip:u${i}@example.test`)));
            if (i % 200 === 0)
                await new Promise((go) => setImmediate(go));
        }
        flooder.messages.length = 0;
        assert.equal((await friend.ask('OPTIONS', friend.dialog('x'))).status, 200);
    };
    await round(2000);
    const before = memory();
    await round(20000);
    assert.ok(memory() - before < 16 * 1024, `${memory() - before} kB more`);
    flooder.close();
});

for (const lines of [1, 200])
    await test(`S11: ${lines === 1 ? 'an m= line' : 'two hundred m= lines'} with port 0 and no audio is 488`, async () => {
        const body = stranger.sdp().replace(/m=audio \d+/, 'm=audio 0') + 'm=video 0 RTP/AVP 31\r\n'.repeat(lines);
        const d = await friend.call('+15550106', { body });
        assert.equal(d.final.status, 488);
    });

await test('S12: an answer to a stranger is one, and not much more than he said', async () => {
    for (const method of ['INVITE', 'REGISTER', 'OPTIONS', 'SUBSCRIBE', 'NONSENSE']) {
        stranger.messages.length = 0;
        const d = stranger.dialog('+15550106');
        const text = stranger.request(method, d);
        stranger.send(text);
        await until(3000, `the answer to ${method}`, () => stranger.messages.length > 0);
        await pause(700); // longer than the time after which SIP sends again
        assert.equal(stranger.messages.length, 1, method);
        const { length } = stranger.messages[0].text;
        assert.ok(length < 1000 && length < text.length + 300, `${method}: ${length} bytes for ${text.length}`);
    }
});

await test('the gateway stops in order', async () => {
    friend.close();
    stranger.close();
    await gateway.stop();
});
await finish(almon);
