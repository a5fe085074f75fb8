// A name server of a few records, over UDP: A, SRV and NAPTR (RFC 1035, 2782, 3403). It knows
// nothing else, and says so.

import dgram from 'node:dgram';

const TYPES = { A: 1, SRV: 33, NAPTR: 35 };

const labels = (name) => Buffer.concat([...name.split('.').filter(Boolean)
    .map((l) => Buffer.concat([Buffer.from([l.length]), Buffer.from(l)])), Buffer.from([0])]);
const text = (s) => Buffer.concat([Buffer.from([s.length]), Buffer.from(s)]);
const numbers = (...list) => Buffer.from(list.flatMap((n) => [n >> 8, n & 255]));

const data = {
    A: (r) => Buffer.from(r.address.split('.').map(Number)),
    SRV: (r) => Buffer.concat([numbers(r.priority, r.weight ?? 0, r.port), labels(r.target)]),
    NAPTR: (r) => Buffer.concat([numbers(r.order, r.preference ?? 0), text(r.flags ?? 's'), text(r.service), text(''),
        labels(r.replacement)]),
};

function question(packet) {
    const name = [];
    let at = 12;
    for (; packet[at] > 0; at += packet[at] + 1)
        name.push(packet.toString('latin1', at + 1, at + 1 + packet[at]));
    return { name: name.join('.').toLowerCase(), type: packet.readUInt16BE(at + 1), end: at + 5 };
}

export class NameServer {
    /** `records`: [{ name, type, … }]. */
    static async open(records) {
        const server = new NameServer();
        server.records = records;
        server.asked = [];
        server.socket = dgram.createSocket('udp4');
        server.socket.on('message', (packet, from) => server.answer(packet, from));
        await new Promise((resolve) => server.socket.bind(0, '127.0.0.1', resolve));
        server.address = `127.0.0.1:${server.socket.address().port}`;
        return server;
    }

    answer(packet, from) {
        const q = question(packet);
        this.asked.push(`${Object.keys(TYPES).find((t) => TYPES[t] === q.type) ?? q.type} ${q.name}`);
        const named = this.records.filter((r) => r.name === q.name);
        const list = named.filter((r) => TYPES[r.type] === q.type);
        const head = Buffer.from(packet.subarray(0, q.end));
        head.writeUInt16BE(0x8580 | (named.length > 0 ? 0 : 3), 2);
        head.writeUInt16BE(list.length, 6);
        head.fill(0, 8, 12);
        const answers = list.map((r) => {
            const bytes = data[r.type](r);
            return Buffer.concat([labels(r.name), numbers(q.type, 1, 0, r.ttl ?? 300, bytes.length), bytes]);
        });
        this.socket.send(Buffer.concat([head, ...answers]), from.port, from.address);
    }

    close() {
        this.socket.close();
    }
}
