// SRTP as RFC 3711, 6188 and 7714 have it, written from the RFCs: what a test's phone encrypts, and
// what it can read of what it is sent. One object is one direction.

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** By SDP's names: bytes of key, salt and tag. */
export const SUITES = {
    AES_CM_128_HMAC_SHA1_80: { key: 16, salt: 14, tag: 10 },
    AES_CM_128_HMAC_SHA1_32: { key: 16, salt: 14, tag: 4 },
    AES_256_CM_HMAC_SHA1_80: { key: 32, salt: 14, tag: 10 },
    AES_256_CM_HMAC_SHA1_32: { key: 32, salt: 14, tag: 4 },
    AEAD_AES_128_GCM: { key: 16, salt: 12, tag: 16, aead: true },
    AEAD_AES_256_GCM: { key: 32, salt: 12, tag: 16, aead: true },
};

export class Srtp {
    /** `master`: bytes of key and salt; by chance when left out. `mki`: bytes of the key's index in
     *  each packet. */
    constructor(master, suite = 'AES_CM_128_HMAC_SHA1_80', mki = Buffer.alloc(0)) {
        this.suite = suite;
        Object.assign(this, { size: SUITES[suite], mki });
        this.master = master ?? randomBytes(this.size.key + this.size.salt);
        this.cipher = this.derive(0, this.size.key);
        this.auth = this.derive(1, 20);
        this.salt = this.derive(2, this.size.salt);
        this.roll = 0;
        this.newest = undefined;
    }

    static of(line) {
        const [, suite, key] = /(\S+) inline:([A-Za-z0-9+/]+)/.exec(line);
        return new Srtp(Buffer.from(key, 'base64'), suite);
    }

    line(tag = 1) {
        const index = this.mki.length > 0 ? `|2^31|${BigInt(`0x${this.mki.toString('hex')}`)}:${this.mki.length}` : '';
        return `a=crypto:${tag} ${this.suite} inline:${this.master.toString('base64')}${index}`;
    }

    stream(key, iv) {
        return createCipheriv(`aes-${8 * this.size.key}-ctr`, key, iv);
    }

    derive(label, bytes) {
        const iv = Buffer.alloc(16);
        this.master.copy(iv, 0, this.size.key);
        iv[7] ^= label;
        return this.stream(this.master.subarray(0, this.size.key), iv).update(Buffer.alloc(bytes));
    }

    /** The salt, with SSRC, roll-over counter and sequence number put in behind `at` bytes. */
    iv(packet, roll, bytes, at) {
        const iv = Buffer.alloc(bytes);
        this.salt.copy(iv);
        const index = Buffer.alloc(10);
        packet.copy(index, 0, 8, 12);
        index.writeUInt32BE(roll, 4);
        packet.copy(index, 8, 2, 4);
        index.forEach((byte, i) => { iv[at + i] ^= byte; });
        return iv;
    }

    crypt(packet, roll) {
        return this.stream(this.cipher, this.iv(packet, roll, 16, 4)).update(packet.subarray(12));
    }

    tag(packet, roll) {
        const counter = Buffer.alloc(4);
        counter.writeUInt32BE(roll);
        return createHmac('sha1', this.auth).update(packet).update(counter).digest().subarray(0, this.size.tag);
    }

    gcm(make, packet, roll) {
        return make(`aes-${8 * this.size.key}-gcm`, this.cipher, this.iv(packet, roll, 12, 2)).setAAD(packet.subarray(0, 12));
    }

    protect(packet) {
        if (this.size.aead) {
            const c = this.gcm(createCipheriv, packet, 0);
            const secret = c.update(packet.subarray(12));
            c.final();
            return Buffer.concat([packet.subarray(0, 12), secret, c.getAuthTag(), this.mki]);
        }
        const secret = Buffer.concat([packet.subarray(0, 12), this.crypt(packet, 0)]);
        return Buffer.concat([secret, this.mki, this.tag(secret, 0)]);
    }

    /** The packet in the clear; undefined when it was not made with this key. It has no index. */
    open(packet) {
        const secret = packet.subarray(0, packet.length - this.size.tag);
        const sequence = packet.readUInt16BE(2);
        if (this.newest !== undefined && this.newest > 0xf000 && sequence < 0x1000)
            this.roll++;
        this.newest = sequence;
        const tag = packet.subarray(-this.size.tag);
        if (this.size.aead) {
            const c = this.gcm(createDecipheriv, secret, this.roll).setAuthTag(tag);
            const body = c.update(secret.subarray(12));
            try {
                c.final();
            } catch {
                return undefined;
            }
            return Buffer.concat([secret.subarray(0, 12), body]);
        }
        if (!this.tag(secret, this.roll).equals(tag))
            return undefined;
        return Buffer.concat([secret.subarray(0, 12), this.crypt(secret, this.roll)]);
    }
}
