// SRTP as RFC 3711 has it, AES_CM_128_HMAC_SHA1_80, written from the RFC: what a test's phone
// encrypts, and what it can read of what it is sent. One object is one direction.

import { createCipheriv, createHmac, randomBytes } from 'node:crypto';

const TAG = 10;

export class Srtp {
    /** `master`: 30 bytes of key and salt; by chance when left out. */
    constructor(master = randomBytes(30)) {
        this.master = master;
        this.cipher = this.derive(0, 16);
        this.auth = this.derive(1, 20);
        this.salt = this.derive(2, 14);
        this.roll = 0;
        this.newest = undefined;
    }

    static of(line) {
        return new Srtp(Buffer.from(/inline:([A-Za-z0-9+/]{40})/.exec(line)[1], 'base64'));
    }

    line(tag = 1) {
        return `a=crypto:${tag} AES_CM_128_HMAC_SHA1_80 inline:${this.master.toString('base64')}`;
    }

    derive(label, bytes) {
        const iv = Buffer.alloc(16);
        this.master.copy(iv, 0, 16, 30);
        iv[7] ^= label;
        return createCipheriv('aes-128-ctr', this.master.subarray(0, 16), iv).update(Buffer.alloc(bytes));
    }

    crypt(packet, roll) {
        const iv = Buffer.alloc(16);
        this.salt.copy(iv);
        const index = Buffer.alloc(10);
        packet.copy(index, 0, 8, 12);
        index.writeUInt32BE(roll, 4);
        packet.copy(index, 8, 2, 4);
        index.forEach((byte, i) => { iv[4 + i] ^= byte; });
        return createCipheriv('aes-128-ctr', this.cipher, iv).update(packet.subarray(12));
    }

    tag(packet, roll) {
        const counter = Buffer.alloc(4);
        counter.writeUInt32BE(roll);
        return createHmac('sha1', this.auth).update(packet).update(counter).digest().subarray(0, TAG);
    }

    protect(packet) {
        const secret = Buffer.concat([packet.subarray(0, 12), this.crypt(packet, 0)]);
        return Buffer.concat([secret, this.tag(secret, 0)]);
    }

    /** The packet in the clear; undefined when it was not made with this key. */
    open(packet) {
        const secret = packet.subarray(0, packet.length - TAG);
        const sequence = packet.readUInt16BE(2);
        if (this.newest !== undefined && this.newest > 0xf000 && sequence < 0x1000)
            this.roll++;
        this.newest = sequence;
        if (!this.tag(secret, this.roll).equals(packet.subarray(-TAG)))
            return undefined;
        return Buffer.concat([secret.subarray(0, 12), this.crypt(secret, this.roll)]);
    }
}
