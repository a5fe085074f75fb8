// A gateway for the protocol almon.bridge.1, on the npm package `ws`: written from
// runtime/bridge/README.md alone.

import { EventEmitter, once } from 'node:events';
import { performance } from 'node:perf_hooks';
import WebSocket from 'ws';
import { within } from '../common.mjs';
import { CODECS, join } from './sound.mjs';

const FRAME_MS = 20;
const MOST_FRAME = 960;

export class Gateway extends EventEmitter {
    /** Connects and says hello; resolves once welcomed. */
    static async open(url, hello, options = {}) {
        const gateway = new Gateway(await Gateway.connect(url, options));
        gateway.say({ type: 'hello', version: 1, software: 'almon test gateway', ...hello });
        gateway.welcome = await gateway.next('welcome');
        gateway.startClock();
        return gateway;
    }

    /** A bare WebSocket to the bridge. */
    static async connect(url, options = {}) {
        const socket = new WebSocket(url, options.protocol ?? 'almon.bridge.1',
            { perMessageDeflate: false });
        await within(5000, 'the handshake', once(socket, 'open'));
        return socket;
    }

    constructor(socket) {
        super();
        this.setMaxListeners(0);
        this.socket = socket;
        this.calls = new Map();
        this.errors = [];
        this.oddities = [];
        this.lastChannel = 0;
        this.closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
        this.closed.then((code) => this.broke(code));
        socket.on('error', () => {}); // 'close' follows
        socket.on('message', (data, binary) => (binary ? this.hear(data) : this.told(data)));
    }

    say(message) {
        if (this.socket.readyState === WebSocket.OPEN)
            this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    }

    /** The next message of a type (for `match`), or an error when the link ends before. */
    next(type, match = () => true, ms = 10000) {
        return within(ms, `a message ${type}`, new Promise((resolve, reject) => {
            const seen = (message) => {
                if (message.type !== type || !match(message))
                    return;
                this.off('message', seen);
                resolve(message);
            };
            this.on('message', seen);
            this.closed.then((code) => reject(new Error(`closed with ${code} before ${type}`)));
        }));
    }

    told(data) {
        const message = JSON.parse(data.toString());
        if (message.type === 'error')
            this.errors.push(message);
        if (message.type === 'offer')
            this.offered(message);
        else
            this.calls.get(message.channel)?.told(message);
        this.emit('message', message);
    }

    // --- audio ---

    hear(batch) {
        const at = performance.now();
        let i = 0;
        while (i < batch.length) {
            const channel = batch.readUInt32BE(i);
            const length = batch.readUInt16BE(i + 4);
            if (length === 0 || length > MOST_FRAME || i + 6 + length > batch.length) {
                this.oddities.push(`a record of ${length} bytes on channel ${channel}`);
                return;
            }
            this.calls.get(channel)?.hear(batch.subarray(i + 6, i + 6 + length), at);
            i += 6 + length;
        }
    }

    /** One batch each 20 ms with a record for each answered call. */
    startClock() {
        let due = performance.now();
        const tick = () => {
            if (this.socket.readyState !== WebSocket.OPEN)
                return;
            const now = performance.now();
            for (; due <= now; due += FRAME_MS)
                this.sendAudio();
            this.clock = setTimeout(tick, due - now);
        };
        tick();
    }

    sendAudio() {
        const records = [];
        for (const call of this.calls.values())
            if (call.state === 'answered' && call.media)
                records.push(record(call.channel, call.nextFrame()));
        for (let i = 0; i < records.length; i += 60) // below 65,536 bytes
            this.socket.send(Buffer.concat(records.slice(i, i + 60)));
    }

    sendRecord(channel, frame) {
        this.socket.send(record(channel, frame));
    }

    // --- calls ---

    /** Offers a call; what becomes of it is told by the call's promises. */
    call(to, options = {}) {
        const call = new Call(this, ++this.lastChannel, { to, ...options });
        this.calls.set(call.channel, call);
        this.say({
            type: 'offer', channel: call.channel, from: call.from, to, codec: call.codecName,
            ...(call.dtmf ? { dtmf: call.dtmf } : {}), ...(options.fields ?? {}),
        });
        return call;
    }

    /** The exchange calls somebody here. */
    offered(offer) {
        const call = new Call(this, offer.channel, offer);
        call.offer = offer;
        this.calls.set(call.channel, call);
        this.emit('offer', call);
    }

    /** The next call to `to`: it rings, and is answered when asked so. */
    called(to, ms = 10000) {
        return within(ms, `a call to ${to}`, new Promise((resolve) => {
            const seen = (call) => {
                if (call.to !== to)
                    return;
                this.off('offer', seen);
                resolve(call);
            };
            this.on('offer', seen);
        }));
    }

    broke(code) {
        clearTimeout(this.clock);
        for (const call of this.calls.values())
            call.end('link-lost');
        this.emit('broke', code);
    }

    async close() {
        this.socket.close(1000);
        await within(5000, 'the close of the link', this.closed);
    }
}

export function record(channel, frame) {
    const head = Buffer.alloc(6);
    head.writeUInt32BE(channel, 0);
    head.writeUInt16BE(frame.length, 4);
    return Buffer.concat([head, frame]);
}

class Call extends EventEmitter {
    constructor(gateway, channel, { to, from = '+15550199', codec = 'PCMU', dtmf = 'events' }) {
        super();
        Object.assign(this, { gateway, channel, to, from, dtmf, codecName: codec });
        this.codec = CODECS[codec];
        this.state = 'offered';
        this.media = true; // send records
        this.messages = [];
        this.frames = []; // {at, audio}
        this.sending = []; // frames that wait
        this.prompts = 0; // that have ended
        this.answered = new Promise((resolve) => this.once('answer', resolve));
        this.ended = new Promise((resolve) => this.once('end', resolve));
    }

    /** Of a call to us. */
    ring() {
        this.gateway.say({ type: 'ring', channel: this.channel });
    }

    answer() {
        this.gateway.say({ type: 'answer', channel: this.channel });
        this.state = 'answered';
        this.emit('answer');
    }

    told(message) {
        this.messages.push(message);
        if (message.type === 'ring')
            this.state = 'ringing';
        if (message.type === 'answer') {
            this.state = 'answered';
            this.emit('answer');
        }
        if (message.type === 'prompt' && message.state === 'end') {
            this.prompts++;
            this.emit('prompt', message);
        }
        if (message.type === 'hangup')
            this.end(message.cause);
    }

    end(cause) {
        if (this.state === 'ended')
            return;
        this.state = 'ended';
        this.cause = cause;
        this.gateway.calls.delete(this.channel);
        this.emit('end', cause);
    }

    hear(audio, at) {
        if (audio.length !== this.codec.bytes)
            this.gateway.oddities.push(`a frame of ${audio.length} bytes for ${this.codecName}`);
        this.frames.push({ at, audio: Buffer.from(audio) });
        this.emit('frame', this.frames.length);
    }

    /** Everything heard from frame `first` on, as samples. */
    heard(first = 0) {
        return join(...this.frames.slice(first).map((f) => this.codec.decode(f.audio)));
    }

    nextFrame() {
        const frame = this.sending.shift();
        if (frame !== undefined && this.sending.length === 0)
            this.emit('sent');
        return frame ?? this.hum?.() ?? Buffer.alloc(0);
    }

    /** A sine from now on, whenever nothing else is said. */
    plays(frequency, amplitude = 4000) {
        const { rate } = this.codec;
        let at = 0;
        this.hum = () => this.codec.encode(Int16Array.from({ length: rate / 50 },
            () => amplitude * Math.sin((2 * Math.PI * frequency * at++) / rate)));
    }

    /** The next `ms` of what is heard, in samples. */
    async listen(ms) {
        const first = this.frames.length, wanted = first + ms / FRAME_MS;
        await within(ms + 5000, `${ms} ms of sound on channel ${this.channel}`, new Promise((resolve) => {
            const look = (n) => {
                if (n < wanted)
                    return;
                this.off('frame', look);
                resolve();
            };
            this.on('frame', look);
        }));
        return this.heard(first);
    }

    /** Says samples (at the codec's rate); resolves when the last frame went out. */
    speak(samples) {
        const n = this.codec.rate / 50;
        for (let i = 0; i < samples.length; i += n) {
            const part = new Int16Array(n);
            part.set(samples.subarray(i, i + n));
            this.sending.push(this.codec.encode(part));
        }
        return once(this, 'sent');
    }

    press(digits) {
        this.gateway.say({ type: 'dtmf', channel: this.channel, digits, duration: 100 });
    }

    hangup(cause = 'normal') {
        this.gateway.say({ type: 'hangup', channel: this.channel, cause });
        this.end(cause);
    }

    /** Resolves when the `n`-th prompt of the call has ended (needs prompts: true). */
    async prompt(n, ms = 15000) {
        await within(ms, `the end of prompt ${n} on channel ${this.channel}`, new Promise((resolve, reject) => {
            const look = () => this.prompts >= n && resolve();
            this.on('prompt', look);
            this.once('end', (cause) => reject(new Error(`${cause} before prompt ${n}`)));
            look();
        }));
    }

    /** Resolves with the cause once the call has ended. */
    over(ms = 20000) {
        return within(ms, `the end of the call on channel ${this.channel}`, this.ended);
    }
}
