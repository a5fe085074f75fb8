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
}
