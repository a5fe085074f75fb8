// The exchange's side of the bridge, as far as a gateway's test needs it, on the npm package ws.

import { WebSocketServer } from 'ws';
import { assert, SECRET, until } from '../common.mjs';

export class Exchange {
    constructor(port) {
        this.server = new WebSocketServer({ port, host: '127.0.0.1', handleProtocols: () => 'almon.bridge.1' });
        this.next = 2147483648;
        this.calls = new Map();
        this.offers = [];
        this.identities = [];
        this.server.on('connection', (socket) => {
            this.socket = socket;
            socket.on('message', (data, binary) => (binary ? this.batch(data) : this.take(JSON.parse(data))));
        });
    }

    say(message) {
        this.socket.send(JSON.stringify(message));
    }

    take(m) {
        if (m.type === 'hello') {
            assert.equal(m.token, SECRET);
            this.say({ type: 'welcome', version: 1, max_channels: 100, originate: true, terminate: true });
            return;
        }
        if (m.type === 'offer') {
            this.offers.push(m);
            return;
        }
        if (m.type === 'register') {
            this.identities.push(m.identity);
            this.say({ type: 'registered', identity: m.identity });
            return;
        }
        if (m.type === 'unregister')
            this.identities = this.identities.filter((name) => name !== m.identity);
        const call = this.calls.get(m.channel);
        call?.messages.push(m);
    }

    batch(data) {
        for (let at = 0; at < data.length;) {
            const [channel, length] = [data.readUInt32BE(at), data.readUInt16BE(at + 4)];
            this.calls.get(channel)?.frames.push(Buffer.from(data.subarray(at + 6, at + 6 + length)));
            at += 6 + length;
        }
    }

    offer(to, { from = '+15550100', codec = 'PCMU', dtmf = 'events', ...more } = {}) {
        const call = { channel: this.next++, messages: [], frames: [] };
        call.got = (type) => until(8000, `${type} of ${to}`, () => call.messages.find((m) => m.type === type));
        call.say = (message) => this.say({ channel: call.channel, ...message });
        call.play = (bytes) => this.play(call.channel, bytes);
        this.calls.set(call.channel, call);
        call.say({ type: 'offer', from, to, codec, dtmf, ...more });
        return call;
    }

    play(channel, bytes) {
        const head = Buffer.alloc(6);
        head.writeUInt32BE(channel, 0);
        head.writeUInt16BE(bytes.length, 4);
        this.socket.send(Buffer.concat([head, bytes]));
    }

    /** A call from this phone, offered but not answered. */
    async incoming(phone, { extra = [], body = phone.sdp() } = {}) {
        const d = phone.dialog('+15550100');
        const n = this.offers.length;
        phone.send(phone.request('INVITE', d, { body, extra }));
        const offer = await until(3000, 'the offer', () => this.offers[n]);
        const call = { channel: offer.channel, messages: [], frames: [], say: (m) => this.say({ channel: offer.channel, ...m }) };
        call.got = (type) => until(5000, type, () => call.messages.find((m) => m.type === type));
        this.calls.set(offer.channel, call);
        return { d, offer, call, progress: (status) => phone.next(`${status}`, (m) => m.status === status && m.header('call-id') === d.id) };
    }

    /** One that is answered, and acknowledged. */
    async answered(phone, options) {
        const c = await this.incoming(phone, options);
        c.call.say({ type: 'answer' });
        c.ok = await c.progress(200);
        c.d.theirs = /tag=([^;]+)/.exec(c.ok.header('to'))[1];
        c.d.target = /<([^>]+)>/.exec(c.ok.header('contact'))[1];
        c.d.media = Number(/m=audio (\d+)/.exec(c.ok.body)[1]);
        phone.ack(c.d);
        return c;
    }
}
