// Phones and callers over TCP: requests come by the connection that the phone keeps, a call outlives
// its connection, and one that is lost hurts nothing else. This program plays the exchange.

import net from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, pause, SECRET, test, TOKEN, until, within } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { digest, parse, Phone, SipGateway } from './lib/sip.mjs';

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-tcp-'));
const exchange = new Exchange(bridge);
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}", "tcp:127.0.0.1:${sip}" }, domain = "example.test", rtp_port_min = 45000, rtp_port_max = 45098 }
phone { name = "anna", password = "annas secret" }
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

/** A phone behind one connection that it makes itself; nobody can connect to it. */
class TcpPhone extends Phone {
    static async connect() {
        const phone = Object.assign(await Phone.open({ port: sip }), { text: '' });
        Object.setPrototypeOf(phone, TcpPhone.prototype);
        phone.link();
        return phone;
    }

    link() {
        this.socket.close?.();
        this.text = '';
        this.tcp = net.connect(sip, '127.0.0.1');
        this.tcp.on('error', () => {});
        this.tcp.on('data', (data) => this.read(data));
        this.socket = {};
    }

    /** Messages one behind the other, as a stream has them. */
    read(data) {
        this.text += data.toString('latin1');
        for (;;) {
            this.text = this.text.replace(/^(\r\n)+/, '');
            const end = this.text.indexOf('\r\n\r\n');
            const length = Number(/^content-length: *(\d+)/im.exec(this.text)?.[1] ?? 0);
            if (end < 0 || this.text.length < end + 4 + length)
                return;
            const whole = this.text.slice(0, end + 4 + length);
            this.text = this.text.slice(whole.length);
            this.take(parse(whole));
        }
    }

    send(text) {
        this.tcp.write(text.replaceAll('SIP/2.0/UDP', 'SIP/2.0/TCP').replace(/(Contact: <[^>;]+)>/, '$1;transport=tcp>'));
    }

    close() {
        this.tcp.destroy();
        this.rtp.close();
    }
}

const anna = await TcpPhone.connect();
const came = (what = 'INVITE') => anna.next(what, (m) => m.method === what);

async function registered() {
    const d = { ...anna.dialog('anna', 'sip:anna@example.test'), uri: `sip:127.0.0.1:${sip}`, to: 'sip:anna@example.test' };
    const challenge = (await anna.ask('REGISTER', d)).header('www-authenticate');
    const ok = await anna.ask('REGISTER', d, { extra: ['Expires: 60', `Authorization: ${digest({ challenge,
        method: 'REGISTER', uri: d.uri, user: 'anna', password: 'annas secret' })}`] });
    assert.equal(ok.status, 200);
}
async function talking() {
    const call = exchange.offer('client:anna');
    const m = await came();
    anna.reply(m, 180);
    await call.got('ring');
    anna.reply(m, 200, { body: anna.sdp() });
    await call.got('answer');
    await came('ACK');
    return { call, m };
}

await test('a phone is called by the connection that it keeps', async () => {
    await registered();
    const { call, m } = await talking();
    assert.match(m.header('via'), /SIP\/2\.0\/TCP/);
    call.say({ type: 'hangup', cause: 'normal' });
    anna.reply(await came('BYE'), 200);
});

await test('a call outlives its connection, and is hung up without it', async () => {
    const { call } = await talking();
    anna.tcp.destroy();
    await pause(200);
    assert.ok(!call.messages.some((m) => m.type === 'hangup'));
    exchange.play(call.channel, Buffer.alloc(160, 0x55));
    await until(3000, 'sound', () => anna.heard.length > 0);
    call.say({ type: 'hangup', cause: 'normal' });
});

await test('a phone whose connection is gone does not answer; when it is back it does', async () => {
    const call = exchange.offer('client:anna');
    const end = await call.got('hangup');
    assert.deepEqual([end.cause, end.params.SipResponseCode], ['congestion', '503']);
    anna.link();
    await registered();
    const again = exchange.offer('client:anna');
    const m = await came();
    anna.reply(m, 486);
    assert.equal((await again.got('hangup')).cause, 'busy');
    await came('ACK');
});

await test('a connection that goes while the phone rings', async () => {
    const call = exchange.offer('client:anna');
    anna.reply(await came(), 180);
    await call.got('ring');
    anna.tcp.destroy();
    await pause(100);
    call.say({ type: 'hangup', cause: 'canceled' });
    anna.link();
    await registered();
    const { call: next } = await talking();
    next.say({ type: 'hangup', cause: 'normal' });
    anna.reply(await came('BYE'), 200);
});

await test('a caller whose connection goes before the answer, and after it', async () => {
    for (const answer of [false, true]) {
        const d = { ...anna.dialog('+15550100', 'sip:anna@example.test') };
        const n = exchange.offers.length;
        const challenge = (await anna.ask('INVITE', d, { body: anna.sdp() })).header('www-authenticate');
        anna.ack(d, d.cseq, d.last);
        anna.send(anna.request('INVITE', d, { body: anna.sdp(), extra: [`Authorization: ${digest({ challenge, method: 'INVITE',
            uri: d.uri, user: 'anna', password: 'annas secret' })}`] }));
        const offer = await until(3000, 'the offer', () => exchange.offers[n]);
        if (!answer)
            anna.tcp.destroy();
        exchange.say({ type: 'answer', channel: offer.channel });
        if (answer) {
            const ok = await anna.answer(d, `${d.cseq} INVITE`);
            d.theirs = /tag=([^;]+)/.exec(ok.header('to'))[1];
            anna.ack(d);
            anna.tcp.destroy();
            await pause(50);
        }
        exchange.say({ type: 'hangup', channel: offer.channel, cause: 'normal' });
        anna.link();
    }
    await registered();
});

await test('many connections that say nothing keep nobody out', async () => {
    const idle = [];
    for (let i = 0; i < 300; i++) {
        const s = net.connect(sip, '127.0.0.1');
        s.on('error', () => {});
        idle.push(s);
    }
    await pause(300);
    const { call } = await talking();
    call.say({ type: 'hangup', cause: 'normal' });
    anna.reply(await came('BYE'), 200);
    idle.forEach((s) => s.destroy());
});

await test('the gateway stops in order', async () => {
    await within(15000, 'the end', gateway.stop());
    anna.close();
    rmSync(dir, { recursive: true });
});
await finish();
