// A bad network in the way of a phone's RTP: it loses, doubles, delays and so reorders packets, by a
// seed, so that a failure comes again. This kernel cannot do it for us.

import dgram from 'node:dgram';

export class Relay {
    /** Stands in for `phone.rtp`. `loss` and `twice` in percent, `jitter` the most in milliseconds. */
    static async through(phone, { seed = 1, loss = 0, twice = 0, jitter = 0 } = {}) {
        const relay = new Relay();
        Object.assign(relay, { own: phone.rtp, seed, loss, twice, jitter, flying: new Set() });
        relay.counts = { packets: 0, lost: 0, doubled: 0 };
        relay.socket = dgram.createSocket('udp4');
        relay.socket.on('message', (data, from) => {
            if (from.port === relay.own.address().port)
                relay.pass(data, relay.far);
            else
                relay.pass(data, relay.own.address().port);
        });
        await new Promise((resolve) => relay.socket.bind(0, phone.address, resolve));
        phone.rtp = relay;
        return relay;
    }

    draw(below) {
        this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0;
        return (this.seed >>> 8) % below;
    }

    pass(data, port) {
        this.counts.packets++;
        if (this.draw(100) < this.loss) {
            this.counts.lost++;
            return;
        }
        const copies = this.draw(100) < this.twice ? 2 : 1;
        this.counts.doubled += copies - 1;
        for (let i = 0; i < copies; i++) {
            const timer = setTimeout(() => {
                this.flying.delete(timer);
                this.socket.send(data, port, '127.0.0.1');
            }, this.jitter > 0 ? this.draw(this.jitter) : 0);
            this.flying.add(timer);
        }
    }

    // --- what a phone asks of its socket ---

    address() {
        return this.socket.address();
    }

    send(data, port) {
        this.far = port;
        this.own.send(data, this.socket.address().port, '127.0.0.1');
    }

    close() {
        for (const timer of this.flying)
            clearTimeout(timer);
        this.socket.close();
        this.own.close();
    }
}
