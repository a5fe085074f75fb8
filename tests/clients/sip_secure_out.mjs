// Encrypted sound of calls out: what a trunk is offered by SDES where SRTP is required, and what an
// answer must say. This program plays the exchange and the carrier.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, pause, SECRET, test, TOKEN, until } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { Phone, SipGateway } from './lib/sip.mjs';
import { Srtp } from './lib/srtp.mjs';

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-secure-'));
const exchange = new Exchange(bridge);
const carrier = await Phone.open({ port: sip });
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "example.test", rtp_port_min = 42000, rtp_port_max = 42098 }
trunk { name = "strict", to = "sip:127.0.0.1:${carrier.port}", srtp = "required" }
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

const next = (what) => carrier.next(what, (m) => m.method === what);
const secured = (line) => carrier.sdp().replace('RTP/AVP', 'RTP/SAVP').replace('a=rtpmap', `${line}\r\na=rtpmap`);

for (const suite of ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_256_GCM', 'AES_256_CM_HMAC_SHA1_80'])
    await test(`the offer is SRTP with a key of ${suite}, and both directions are encrypted`, async () => {
        const call = exchange.offer('+4930123456');
        const m = await next('INVITE');
        assert.match(m.body, /m=audio \d+ RTP\/SAVP /);
        const [line, tag] = new RegExp(`a=crypto:(\\d+) ${suite} inline:.*`).exec(m.body);
        const [theirs, mine] = [Srtp.of(line), new Srtp(undefined, suite)];
        carrier.reply(m, 200, { body: secured(mine.line(tag)) });
        await next('ACK');
        await call.got('answer');
        carrier.heard.length = 0;
        for (let i = 0; i < 10; i++) {
            call.play(Buffer.alloc(160, 0x55));
            await pause(20);
        }
        await until(3000, 'audio at the carrier', () => carrier.heard.length >= 8);
        const opened = carrier.heard.map((p) => theirs.open(p)).filter(Boolean);
        assert.ok(opened.filter((p) => p[100] === 0x55).length >= 8);
        assert.ok(carrier.heard.every((p) => p[100] !== 0x55 || p[101] !== 0x55));
        const media = Number(/m=audio (\d+)/.exec(m.body)[1]);
        for (let i = 0; i < 20; i++) {
            const p = Buffer.alloc(172, 0x33);
            p.writeUInt16BE(0x8000, 0);
            p.writeUInt16BE(i, 2);
            p.writeUInt32BE(160 * i, 4);
            p.writeUInt32BE(7, 8);
            carrier.rtp.send(mine.protect(p), media, '127.0.0.1');
            await pause(20);
        }
        await until(3000, 'sound at the exchange', () => call.frames.filter((f) => f[80] === 0x33).length > 5);
        call.say({ type: 'hangup', cause: 'normal' });
        carrier.reply(await next('BYE'), 200);
    });

for (const [what, body] of [
    ['without SRTP', () => carrier.sdp()],
    ['with a key for another offer', () => secured(new Srtp().line(7))],
    ['SRTP without a key', () => carrier.sdp().replace('RTP/AVP', 'RTP/SAVP')]])
    await test(`an answer ${what} ends the call`, async () => {
        const call = exchange.offer('+4930123456');
        const m = await next('INVITE');
        carrier.reply(m, 200, { body: body() });
        await next('ACK');
        carrier.reply(await next('BYE'), 200);
        assert.ok(['error', 'rejected'].includes((await call.got('hangup')).cause));
        assert.equal(call.messages.filter((x) => x.type === 'answer').length, 0);
    });

await test('the gateway stops in order', async () => {
    carrier.close();
    await gateway.stop();
    rmSync(dir, { recursive: true });
});
await finish();
