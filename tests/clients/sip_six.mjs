// Calls by IPv6, signalling and sound, and by both at once: RTP goes by the version that the far end's
// description names. This program plays the exchange, the phones and the carriers.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, SECRET, test, TOKEN, until } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { digest, Phone, SipGateway } from './lib/sip.mjs';

if (!Object.values(networkInterfaces()).flat().some((i) => i.address === '::1')) {
    console.log('ok - IPv6 # SKIP this machine has no ::1');
    process.exit(0);
}
const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-six-'));
const exchange = new Exchange(bridge);
const [six, four] = [await Phone.open({ port: sip }, '::1'), await Phone.open({ port: sip })];
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}", "udp:[::1]:${sip}" }, domain = "example.test", address = "127.0.0.9",
      rtp_port_min = 42300, rtp_port_max = 42398 }
phone { name = "anna", password = "annas secret" }
trunk { name = "six", to = "sip:[::1]:${six.port}", from = { "::1", "127.0.0.0/8" } }
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

const packet = (n, byte) => {
    const p = Buffer.alloc(172, byte);
    p.writeUInt32BE(0x80000000 + n, 0);
    p.writeUInt32BE(n * 160, 4);
    p.writeUInt32BE(77, 8);
    return p;
};
/** Both hear each other: the phone at `media`, which is `host`'s. */
async function talk(phone, media, host, call) {
    let n = 1;
    phone.heard.length = call.frames.length = 0;
    const timer = setInterval(() => {
        phone.rtp.send(packet(n++, 0x35), media, host);
        exchange.play(call.channel, Buffer.alloc(160, 0x2a));
    }, 20);
    try {
        await until(5000, 'what the phone says', () => call.frames.some((f) => f.length === 160 && f[80] === 0x35));
        await until(5000, 'what it is told', () => phone.heard.some((p) => p[100] === 0x2a));
    } finally {
        clearInterval(timer);
    }
}
const hangup = async (phone, call) => {
    call.say({ type: 'hangup', cause: 'normal' });
    phone.reply(await phone.next('BYE', (m) => m.method === 'BYE'), 200);
};

await test('a call in by IPv6 is heard both ways, and its keys count', async () => {
    const c = await exchange.answered(six);
    assert.match(c.ok.body, /c=IN IP6 ::1\r\n/); // not the router's, which is of the other version
    assert.equal(c.ok.header('contact'), `<sip:almon@[::1]:${sip}>`);
    six.press(c.d, 7);
    await until(3000, 'the key', () => c.call.messages.some((m) => m.type === 'dtmf' && m.digits === '7'));
    await talk(six, c.d.media, '::1', c.call);
    const hold = await six.ask('INVITE', c.d, { body: six.sdp({ address: '::' }) });
    assert.equal(hold.status, 200);
    six.ack(c.d);
    const moved = await six.ask('INVITE', c.d, { body: six.sdp({ address: '127.0.0.1' }) });
    assert.equal(moved.status, 488);
    assert.match(moved.header('warning'), /^301 /);
    six.ack(c.d, c.d.cseq, c.d.last);
    await hangup(six, c.call);
});

await test('a call out by IPv6, to a trunk and to a phone', async () => {
    const d = { ...six.dialog('anna', 'sip:anna@example.test'), uri: `sip:[::1]:${sip}`, to: 'sip:anna@example.test' };
    const challenge = (await six.ask('REGISTER', d)).header('www-authenticate');
    assert.equal((await six.ask('REGISTER', d, { extra: ['Expires: 60', `Authorization: ${digest({ challenge, method: 'REGISTER',
        uri: d.uri, user: 'anna', password: 'annas secret' })}`] })).status, 200);
    for (const to of ['+4930', 'client:anna']) {
        const call = exchange.offer(to);
        const m = await six.next('INVITE', (x) => x.method === 'INVITE');
        assert.match(m.body, /c=IN IP6 ::1\r\n/);
        six.reply(m, 200, { body: six.sdp() });
        await six.next('ACK', (x) => x.method === 'ACK');
        await call.got('answer');
        await talk(six, Number(/m=audio (\d+)/.exec(m.body)[1]), '::1', call);
        await hangup(six, call);
    }
});

await test('signalling by IPv4, sound by IPv6, and the other way round', async () => {
    for (const [phone, other, host] of [[four, six, '::1'], [six, four, '127.0.0.1']]) {
        const c = await exchange.answered(phone, { body: other.sdp() });
        assert.match(c.ok.body, host === '::1' ? /c=IN IP6 ::1\r\n/ : /c=IN IP4 127\.0\.0\.[19]\r\n/);
        await talk(other, c.d.media, host, c.call);
        await hangup(phone, c.call);
    }
});

await test('an answer of the other version than our offer ends the call', async () => {
    const call = exchange.offer('+4930');
    const m = await six.next('INVITE', (x) => x.method === 'INVITE');
    six.reply(m, 200, { body: four.sdp() });
    six.reply(await six.next('BYE', (x) => x.method === 'BYE'), 200);
    await call.got('hangup');
});

await test('the gateway stops in order', async () => {
    six.close();
    four.close();
    await gateway.stop();
    rmSync(dir, { recursive: true });
});
await finish();
