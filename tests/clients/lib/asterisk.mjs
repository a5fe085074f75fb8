// An Asterisk's WebSocket channel (chan_websocket) on the npm package `ws`, written from the
// reference's transcripts of a real one: what it says, its queue of frames that a clock of 20 ms
// empties, and its refusals. Either side of the handshake: `dial` connects as websocket_client does,
// `Incoming` waits at /media/ID as WebSocket/INCOMING does.

import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { performance } from 'node:perf_hooks';
import WebSocket, { WebSocketServer } from 'ws';
import { within } from '../common.mjs';
import { CODECS, join } from './sound.mjs';

const FORMATS = { ulaw: ['PCMU', 160], alaw: ['PCMA', 160], slin: ['L16/8000', 320], slin16: ['L16/16000', 640],
    slin24: ['L16/24000', 960] };
const COMMAND_MAX = 128;
const [QUEUE_MAX, XOFF, XON] = [1000, 900, 800];
let channels = 0;

export class Channel extends EventEmitter {
    /** As Asterisk's own client: subprotocol, Basic auth, no extensions. */
    static async dial(url, { user, password, ...options }) {
        const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
        const socket = new WebSocket(url, 'media', { perMessageDeflate: false, headers: { authorization } });
        let upgrade;
        socket.on('upgrade', (response) => { upgrade = response; });
        await within(5000, 'the handshake', once(socket, 'open'));
        const channel = new Channel(socket, options);
        channel.upgrade = upgrade.headers;
        channel.start();
        return channel;
    }

    constructor(socket, { json = false, format = 'ulaw', frame, variables = {}, connection = 'almon', paused = false,
        oldest = false } = {}) {
        super();
        this.socket = socket;
        Object.assign(this, { json, format, variables, connection, paused, oldest });
        [this.codec, this.frameBytes] = FORMATS[format];
        this.frameBytes = frame ?? this.frameBytes; // what it calls optimal
        this.id = `1795342883.${++channels}`;
        this.commands = []; // as they came, with the number of frames heard before
        this.log = []; // texts
        this.queue = []; // Buffers, and events that are said when their turn comes
        this.length = 0;
        this.frames = []; // {at, audio}: what the caller hears, silence left out
        this.full = this.bulk = false;
        this.left = Buffer.alloc(0);
        this.pings = 0;
        this.mistakes = [];
        this.closed = new Promise((resolve) => socket.on('close', (code) => {
            clearInterval(this.clock);
            resolve(code);
        }));
        socket.on('error', () => {});
        socket.on('ping', () => { this.pings++; });
        socket.on('message', (data, binary) => (binary ? this.listen(data) : this.obey(data)));
    }

    start() {
        this.say('MEDIA_START', { connection_id: this.connection, channel: `WebSocket/${this.connection}/0x7fc0b8003910`,
            channel_id: this.id, format: this.format, optimal_frame_size: this.frameBytes,
            ptime: this.frameBytes * 20 / FORMATS[this.format][1],
            ...(this.json ? { channel_variables: { MEDIA_WEBSOCKET_CONNECTION_ID: this.connection,
                MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE: String(this.frameBytes), ...this.variables } } : {}) });
        const begun = performance.now();
        let ticks = 0;
        this.clock = setInterval(() => {
            const due = Math.floor((performance.now() - begun) / 20);
            for (; ticks < due; ticks++)
                this.tick();
        }, 5);
    }

    // --- what it says ---

    say(event, fields = {}) {
        const plain = (name, value) => (name === 'correlation_id' ? ` ${value}` : ` ${name}:${value}`);
        const text = this.json ? JSON.stringify({ event, channel_id: this.id, ...fields })
            : event + Object.entries(fields).map(([name, value]) => plain(name, value)).join('');
        if (this.socket.readyState === WebSocket.OPEN)
            this.socket.send(text);
    }

    press(keys) {
        for (const digit of keys)
            this.say('DTMF_END', this.json ? { digit } : { digit, channel_id: this.id });
    }

    /** What the caller says from now on: samples in the channel's rate, cut into messages of `bytes`. */
    speak(samples, bytes = this.frameBytes) {
        const audio = CODECS[this.codec].encode(samples);
        this.voice = [];
        for (let at = 0; at < audio.length; at += bytes)
            this.voice.push(audio.subarray(at, at + bytes));
    }

    hangUp() {
        this.socket.close(1000);
    }

    // --- its clock: a frame each way ---

    tick() {
        const mouth = this.voice?.shift() ?? Buffer.alloc(this.frameBytes, this.format.startsWith('slin') ? 0 : 0xff);
        if (this.socket.readyState === WebSocket.OPEN && !this.mute)
            this.socket.send(mouth);
        if (this.paused)
            return;
        if (this.full && this.length < XON) {
            this.full = false;
            this.say('MEDIA_XON');
        }
        while (this.queue.length > 0 && !Buffer.isBuffer(this.queue[0])) {
            const [event, fields] = this.queue.shift();
            this.say(event, fields);
        }
        const audio = this.queue.shift();
        if (audio === undefined)
            return;
        this.length--;
        this.frames.push({ at: performance.now(), audio });
    }

    heard() {
        return join(...this.frames.map((f) => CODECS[this.codec].decode(f.audio)));
    }

    // --- what it is told ---

    put(audio) {
        this.queue.push(audio);
        if (++this.length >= XOFF && !this.full) {
            this.full = true;
            this.say('MEDIA_XOFF');
        }
    }

    listen(data) {
        if (this.length >= QUEUE_MAX)
            return;
        let all = this.bulk ? Buffer.concat([this.left, data]) : data;
        for (; all.length >= this.frameBytes; all = all.subarray(this.frameBytes))
            this.put(all.subarray(0, this.frameBytes));
        if (!this.bulk && all.length > 0)
            this.mistakes.push(`${all.length} bytes of audio are dropped`);
        this.left = this.bulk ? all : Buffer.alloc(0);
    }

    obey(data) {
        const text = data.toString();
        this.log.push(text);
        if (data.length > COMMAND_MAX) {
            this.mistakes.push(`a command of ${data.length} bytes`);
            return;
        }
        let [command, id] = text.split(' ');
        if (this.json)
            ({ command, correlation_id: id } = JSON.parse(text));
        else if (text.startsWith('{'))
            this.mistakes.push('JSON in plain text');
        if (this.oldest && command === 'MARK_MEDIA')
            return;
        this.commands.push(command);
        this.emit('command', command);
        this.act(command, id);
    }

    act(command, id) {
        switch (command) {
        case 'ANSWER':
            break;
        case 'HANGUP':
            this.socket.close(1000);
            break;
        case 'START_MEDIA_BUFFERING':
            this.bulk = true;
            break;
        case 'STOP_MEDIA_BUFFERING':
            if (this.left.length > 0)
                this.put(this.left);
            this.left = Buffer.alloc(0);
            this.bulk = false;
            this.queue.push(['MEDIA_BUFFERING_COMPLETED', { correlation_id: id }]);
            break;
        case 'MARK_MEDIA':
            this.queue.push(['MEDIA_MARK_PROCESSED', { correlation_id: id }]);
            break;
        case 'FLUSH_MEDIA':
            this.queue = [];
            this.length = 0;
            this.bulk = false;
            break;
        case 'GET_STATUS':
            this.say('STATUS', { ...(this.json ? {} : { channel_id: this.id }), queue_length: this.length, xon_level: XON,
                xoff_level: XOFF, queue_full: this.full, bulk_media: this.bulk, media_paused: this.paused });
            break;
        default:
            this.mistakes.push(`unknown command ${command}`);
        }
    }

    next(command, ms = 10000) {
        return within(ms, `the command ${command}`, new Promise((resolve) => {
            if (this.commands.includes(command))
                resolve();
            else
                this.on('command', (c) => { if (c === command) resolve(); });
        }));
    }
}

/** Asterisk's HTTP server: a channel waits at /media/ID for whoever connects. While it is `brittle`, it
 *  breaks every connection off before a word was said. */
export class Incoming {
    static async listen(port) {
        const incoming = new Incoming();
        incoming.waiting = new Map();
        incoming.server = http.createServer((request, response) => response.writeHead(404).end());
        const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false,
            handleProtocols: (offered) => (offered.has('media') ? 'media' : false) });
        incoming.server.on('upgrade', (request, socket, head) => {
            const place = incoming.waiting.get(request.url.replace(/^\/media\//, ''));
            if (!place || place.taken) {
                socket.end(`HTTP/1.1 ${place ? '409 Conflict' : '404 Not Found'}\r\nContent-Length: 0\r\n\r\n`);
                return;
            }
            place.taken = true;
            sockets.handleUpgrade(request, socket, head, (ws) => {
                const channel = new Channel(ws, place.options);
                channel.request = request;
                channel.start();
                place.resolve(channel);
            });
        });
        incoming.server.on('connection', (socket) => incoming.brittle && socket.destroy());
        incoming.server.listen(port, '127.0.0.1');
        await once(incoming.server, 'listening');
        return incoming;
    }

    /** A channel WebSocket/INCOMING of that connection id: resolves when somebody connected. */
    wait(id, options) {
        return within(10000, `a connection to ${id}`, new Promise((resolve) => {
            this.waiting.set(id, { resolve, options: { ...options, connection: id } });
        }));
    }

    close() {
        this.server.close();
        this.server.closeAllConnections?.();
    }
}
