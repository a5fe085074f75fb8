// A SIP phone in a few lines, over UDP: it says exactly what a test tells it to, right or wrong,
// and shows what came back. And an exchange with almon-sip beside it.

import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { assert, ROOT, SECRET, freePort, startAlmon, within } from '../common.mjs';

const ALMON_SIP = path.resolve(ROOT, process.env.ALMON_SIP ?? 'bin/almon-sip');
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** An exchange and its gateway. `config` is more of almon.lua, `sip` more of its sip{…}. */
export async function startSip({ config = '', sip = '', flows = {}, tls = false }) {
    const [port, secure] = [await freePort(), await freePort()];
    const rtp = 20000 + Math.floor(Math.random() * 120) * 100;
    const pem = tls ? { 'sip.pem': certificate() } : {};
    const almon = await startAlmon({
        flows: { ...flows, ...pem },
        config: `gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${port}", "tcp:127.0.0.1:${port}"${tls ? `, "tls:127.0.0.1:${secure}"` : ''} },
      ${tls ? 'tls_certificate = "sip.pem",' : ''} domain = "example.test",
      rtp_port_min = ${rtp}, rtp_port_max = ${rtp + 98}, ${sip} }
${config}`,
    });
    const gateway = new SipGateway(almon, port);
    gateway.securePort = secure;
    await gateway.start();
    return { almon, gateway };
}

/** A key and its own certificate, as one PEM file has them. */
function certificate() {
    const run = (...args) => execFileSync('openssl', args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const key = run('ecparam', '-name', 'prime256v1', '-genkey', '-noout').toString();
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'almon-pem-')), 'key.pem');
    writeFileSync(file, key);
    const own = run('req', '-new', '-x509', '-key', file, '-days', '2', '-subj', '/CN=example.test').toString();
    rmSync(path.dirname(file), { recursive: true });
    return key + own;
}

export class SipGateway {
    /** `link`: another exchange than the one of the file. */
    constructor(almon, port, link) {
        this.almon = almon;
        this.port = port;
        this.link = link;
        this.log = '';
    }

    async start() {
        this.child = spawn(ALMON_SIP, ['--config', this.almon.config, ...(this.link ? ['--link', this.link] : [])], { stdio: ['ignore', 'pipe', 'pipe'] });
        running.add(this.child);
        this.ended = new Promise((resolve) => this.child.on('exit', (code, signal) => {
            running.delete(this.child);
            resolve(signal ?? code);
        }));
        this.child.stderr.on('data', (text) => { this.log += text; });
        await within(10000, 'almon-sip: linked', new Promise((resolve, reject) => {
            this.child.stderr.on('data', () => this.log.includes('linked to the exchange') && resolve());
            this.ended.then((how) => reject(new Error(`almon-sip ended: ${how}\n${this.log}`)));
        }));
    }

    async stop() {
        this.child.kill('SIGTERM');
        assert.equal(await within(10000, 'the end of almon-sip', this.ended), 0, this.log);
        assert.doesNotMatch(this.log, /runtime error|AddressSanitizer|LeakSan|still open/);
    }
}

/** One message, taken apart. */
export function parse(text) {
    const [head, ...rest] = text.split('\r\n\r\n');
    const [first, ...lines] = head.split('\r\n');
    const short = { i: 'call-id', f: 'from', t: 'to', v: 'via', m: 'contact', c: 'content-type', l: 'content-length' };
    const headers = lines.map((line) => /^([^:]+?)\s*:\s*(.*)$/.exec(line)).filter(Boolean)
        .map(([, name, value]) => [short[name] ?? name.toLowerCase(), value]);
    const message = {
        text, first, headers, body: rest.join('\r\n\r\n'),
        all: (name) => headers.filter(([n]) => n === name.toLowerCase()).map(([, v]) => v),
        header: (name) => message.all(name)[0],
    };
    const answer = /^SIP\/2\.0 (\d{3})/.exec(first);
    message.status = answer ? Number(answer[1]) : 0;
    message.method = answer ? '' : first.split(' ')[0];
    return message;
}

export const token = () => randomBytes(6).toString('hex');

export function digest({ challenge, method, uri, user, password, nc = 1, cnonce = token() }) {
    const algorithm = /algorithm="?([\w-]+)/.exec(challenge)?.[1] ?? 'MD5';
    const hash = (text) => createHash(algorithm.toLowerCase().replace(/^(sha|md)-/, '$1')).update(text).digest('hex');
    const field = (name) => new RegExp(`\\b${name}="?([^",]+)`).exec(challenge)[1];
    const [realm, nonce] = [field('realm'), field('nonce')];
    const count = nc.toString(16).padStart(8, '0');
    const response = hash(`${hash(`${user}:${realm}:${password}`)}:${nonce}:${count}:${cnonce}:auth:` +
        hash(`${method}:${uri}`));
    return `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", qop=auth, ` +
        `nc=${count}, cnonce="${cnonce}", response="${response}", algorithm=${algorithm}`;
}

export class Phone {
    static async open(gateway, address = '127.0.0.1') {
        const phone = new Phone();
        phone.gateway = gateway;
        phone.address = address;
        phone.host = address.includes(':') ? `[${address}]` : address;
        const kind = address.includes(':') ? 'udp6' : 'udp4';
        phone.messages = [];
        phone.waiting = [];
        phone.socket = dgram.createSocket(kind);
        phone.socket.on('message', (data) => phone.take(parse(data.toString())));
        await new Promise((resolve) => phone.socket.bind(0, address, resolve));
        phone.port = phone.socket.address().port;
        phone.rtp = dgram.createSocket(kind);
        phone.heard = [];
        phone.rtp.on('message', (data) => phone.heard.push(data));
        await new Promise((resolve) => phone.rtp.bind(0, address, resolve));
        return phone;
    }

    close() {
        this.socket.close();
        this.rtp.close();
    }

    take(message) {
        // A carrier says that it is there; `health` is what it says.
        if (message.method === 'OPTIONS') {
            this.asked = (this.asked ?? 0) + 1;
            this.reply(message, this.health ?? 200);
            return;
        }
        const i = this.waiting.findIndex(({ fits }) => fits(message));
        if (i < 0)
            this.messages.push(message);
        else
            this.waiting.splice(i, 1)[0].resolve(message);
    }

    /** The next message that fits, also one that came already. */
    next(what, fits, ms = 5000) {
        const i = this.messages.findIndex(fits);
        if (i >= 0)
            return Promise.resolve(this.messages.splice(i, 1)[0]);
        return within(ms, what, new Promise((resolve) => this.waiting.push({ fits, resolve })));
    }

    send(text, to = this.gateway.port) {
        this.socket.send(Buffer.from(text), to, this.host[0] === '[' ? '::1' : '127.0.0.1');
    }

    sdp({ formats = ['0 PCMU/8000', '101 telephone-event/8000'], way = 'sendrecv', address = this.address } = {}) {
        const at = `IN IP${address.includes(':') ? 6 : 4} ${address}`;
        return ['v=0', `o=- 1 1 ${at}`, 's=-', `c=${at}`, 't=0 0',
            `m=audio ${this.rtp.address().port} RTP/AVP ${formats.map((f) => f.split(' ')[0]).join(' ')}`,
            ...formats.map((f) => `a=rtpmap:${f}`), `a=${way}`, ''].join('\r\n');
    }

    /** A request of a dialog that this phone has begun, or begins. */
    request(method, d, { extra = [], body = '', type = 'application/sdp', branch = token(), cseq = ++d.cseq } = {}) {
        d.last = branch;
        return [`${method} ${d.target ?? d.uri} SIP/2.0`,
            `Via: SIP/2.0/UDP ${this.host}:${this.port};branch=z9hG4bK${branch};rport`,
            'Max-Forwards: 70', `From: <${d.from}>;tag=${d.tag}`,
            `To: <${d.to}>${d.theirs ? `;tag=${d.theirs}` : ''}`, `Call-ID: ${d.id}`,
            `CSeq: ${cseq} ${method}`, `Contact: <sip:phone@${this.host}:${this.port}>`, ...extra,
            ...(body ? [`Content-Type: ${type}`] : []), `Content-Length: ${Buffer.byteLength(body)}`, '', body]
            .join('\r\n');
    }

    dialog(to, from = 'sip:+15550199@elsewhere.test') {
        const uri = `sip:${to}@${this.host[0] === '[' ? '[::1]' : '127.0.0.1'}:${this.gateway.port}`;
        return { uri, to: uri, from, tag: token(), id: `${token()}@test`, cseq: 0 };
    }

    /** The dialog of a call that came to this phone, for its own requests in it. */
    turned(m, tag = 'phonetag') {
        return Object.assign(this.dialog('x'), { id: m.header('call-id'), uri: /<([^>]+)>/.exec(m.header('contact'))[1], tag,
            theirs: /tag=([^;]+)/.exec(m.header('from'))[1], from: /<([^>]+)>/.exec(m.header('to'))[1],
            to: /<([^>]+)>/.exec(m.header('from'))[1], cseq: 100 });
    }

    /** The final answer to a request; provisional ones are left in `messages`. */
    answer(d, cseq, ms) {
        return this.next(`the answer to ${cseq}`,
            (m) => m.status >= 200 && m.header('call-id') === d.id && m.header('cseq') === cseq, ms);
    }

    /** A request, sent again as UDP asks for until it is answered. */
    async ask(method, d, options) {
        const text = this.request(method, d, options);
        const again = setInterval(() => this.send(text), 500);
        this.send(text);
        try {
            return await this.answer(d, `${d.cseq} ${method}`, options?.ms);
        } finally {
            clearInterval(again);
        }
    }

    ack(d, cseq = d.cseq, branch = token(), body = '') {
        this.send(this.request('ACK', d, { cseq, branch, body }));
    }

    /** INVITE and ACK. */
    async call(to, { from, body = this.sdp(), extra } = {}) {
        const d = this.dialog(to, from);
        const final = await this.ask('INVITE', d, { body, extra });
        d.final = final;
        d.theirs = /tag=([^;]+)/.exec(final.header('to'))?.[1];
        if (final.status < 300) {
            d.target = /<([^>]+)>/.exec(final.header('contact'))[1];
            d.media = Number(/m=audio (\d+)/.exec(final.body)?.[1]);
            this.ack(d);
        } else {
            this.ack(d, d.cseq, d.last);
        }
        return d;
    }

    /** A request that came: answered. */
    reply(m, status, { extra = [], body = '', tag = 'phonetag' } = {}) {
        const to = m.header('to');
        this.send([`SIP/2.0 ${status} Because`, ...m.all('via').map((v) => `Via: ${v}`),
            `From: ${m.header('from')}`, `To: ${to}${to.includes('tag=') ? '' : `;tag=${tag}`}`,
            `Call-ID: ${m.header('call-id')}`, `CSeq: ${m.header('cseq')}`,
            `Contact: <sip:phone@${this.host}:${this.port}>`, ...extra,
            ...(body ? ['Content-Type: application/sdp'] : []),
            `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'));
    }

    /** A key as RFC 4733 says, three last packets. */
    press(d, event, payload = 101) {
        const packet = (duration, end, sequence) => {
            const p = Buffer.alloc(16);
            p.writeUInt8(0x80, 0);
            p.writeUInt8(payload | (sequence === d.sequence0 ? 0x80 : 0), 1);
            p.writeUInt16BE(sequence & 0xffff, 2);
            p.writeUInt32BE(d.timestamp, 4);
            p.writeUInt32BE(0x1234567, 8);
            p.writeUInt8(event, 12);
            p.writeUInt8(end ? 0x8a : 0x0a, 13);
            p.writeUInt16BE(duration, 14);
            return p;
        };
        d.sequence = d.sequence ?? 100;
        d.timestamp = (d.timestamp ?? 5000) + 8000;
        d.sequence0 = d.sequence;
        for (let i = 1; i <= 8; i++)
            this.rtp.send(packet(Math.min(i, 6) * 160, i > 5, d.sequence++), d.media, this.host[0] === '[' ? '::1' : '127.0.0.1');
    }
}
