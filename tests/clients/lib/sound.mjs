// Sound as a gateway knows it: codecs, tones, WAV files, and what is heard in samples (Int16Array).

// --- codecs ----------------------------------------------------------------------------------

function ulawDecode(byte) {
    const u = ~byte & 0xff;
    const t = (((u & 0x0f) << 3) + 0x84) << ((u & 0x70) >> 4);
    return u & 0x80 ? 0x84 - t : t - 0x84;
}

function ulawEncode(sample) {
    const sign = sample < 0 ? 0x80 : 0;
    const v = Math.min(Math.abs(sample), 32635) + 0x84;
    const exponent = Math.max(0, 31 - Math.clz32(v >> 7));
    return ~(sign | (exponent << 4) | ((v >> (exponent + 3)) & 0x0f)) & 0xff;
}

function alawDecode(byte) {
    const a = byte ^ 0x55;
    const exponent = (a & 0x70) >> 4;
    let t = ((a & 0x0f) << 4) + 8;
    if (exponent > 0)
        t = (t + 0x100) << (exponent - 1);
    return a & 0x80 ? t : -t;
}

function alawEncode(sample) {
    const sign = sample >= 0 ? 0x80 : 0;
    const v = Math.min(sample >= 0 ? sample : -sample - 1, 32767) >> 3;
    const exponent = v < 32 ? 0 : 31 - Math.clz32(v >> 4);
    const mantissa = exponent === 0 ? (v >> 1) & 0x0f : (v >> exponent) & 0x0f;
    return (sign | (exponent << 4) | mantissa) ^ 0x55;
}

function g711(decode, encode) {
    const table = Int16Array.from({ length: 256 }, (_, byte) => decode(byte));
    return {
        rate: 8000,
        bytes: 160,
        decode: (frame) => Int16Array.from(frame, (byte) => table[byte]),
        encode: (samples) => Buffer.from(Uint8Array.from(samples, encode)),
    };
}

function linear(rate) {
    return {
        rate,
        bytes: rate / 25,
        decode(frame) {
            const samples = new Int16Array(frame.length / 2);
            for (let i = 0; i < samples.length; i++)
                samples[i] = frame.readInt16LE(2 * i);
            return samples;
        },
        encode(samples) {
            const frame = Buffer.alloc(2 * samples.length);
            samples.forEach((s, i) => frame.writeInt16LE(s, 2 * i));
            return frame;
        },
    };
}

export const CODECS = {
    'PCMU': g711(ulawDecode, ulawEncode),
    'PCMA': g711(alawDecode, alawEncode),
    'L16/8000': linear(8000),
    'L16/16000': linear(16000),
    'L16/24000': linear(24000),
};

// --- making sound ----------------------------------------------------------------------------

/** A sum of sines; `amplitude` is that of each. */
export function tone(frequencies, ms, rate = 8000, amplitude = 8000) {
    const list = [frequencies].flat();
    return Int16Array.from({ length: (rate * ms) / 1000 }, (_, i) => list.reduce(
        (sum, f) => sum + amplitude * Math.sin((2 * Math.PI * f * i) / rate), 0));
}

export const silence = (ms, rate = 8000) => new Int16Array((rate * ms) / 1000);

export function join(...parts) {
    const all = new Int16Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const part of parts) {
        all.set(part, at);
        at += part.length;
    }
    return all;
}

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477, 1633];
const KEYS = '123A456B789C*0#D';

/** The tones of keys, as a telephone sends them. */
export function dtmf(keys, rate = 8000, on = 100, off = 100) {
    return join(...[...keys].flatMap((key) => {
        const k = KEYS.indexOf(key);
        return [tone([ROWS[k >> 2], COLUMNS[k & 3]], on, rate, 5000), silence(off, rate)];
    }));
}

// --- WAV files -------------------------------------------------------------------------------

export function wav(samples, rate = 8000) {
    const head = Buffer.alloc(44);
    head.write('RIFF', 0);
    head.writeUInt32LE(36 + 2 * samples.length, 4);
    head.write('WAVEfmt ', 8);
    head.writeUInt32LE(16, 16);
    head.writeUInt16LE(1, 20);
    head.writeUInt16LE(1, 22);
    head.writeUInt32LE(rate, 24);
    head.writeUInt32LE(2 * rate, 28);
    head.writeUInt16LE(2, 32);
    head.writeUInt16LE(16, 34);
    head.write('data', 36);
    head.writeUInt32LE(2 * samples.length, 40);
    return Buffer.concat([head, linear(rate).encode(samples)]);
}

/** {rate, channels: [samples …]} of a WAV: linear, µ-law or A-law. */
export function readChannels(bytes) {
    if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE')
        throw new Error('no WAV file');
    let format, rate, width;
    for (let at = 12; at + 8 <= bytes.length;) {
        const id = bytes.toString('latin1', at, at + 4);
        const length = bytes.readUInt32LE(at + 4);
        if (id === 'fmt ') {
            format = bytes.readUInt16LE(at + 8);
            width = bytes.readUInt16LE(at + 10);
            rate = bytes.readUInt32LE(at + 12);
        }
        if (id === 'data') {
            const data = bytes.subarray(at + 8, Math.min(at + 8 + length, bytes.length));
            const codec = { 1: linear(rate), 6: CODECS.PCMA, 7: CODECS.PCMU }[format];
            if (!codec)
                throw new Error(`WAV format ${format}`);
            const all = codec.decode(data);
            const channel = (k) => Int16Array.from({ length: all.length / width }, (_, i) => all[i * width + k]);
            return { rate, channels: Array.from({ length: width }, (_, k) => channel(k)) };
        }
        at += 8 + length + (length & 1);
    }
    throw new Error('a WAV file without data');
}

/** {rate, samples} of a mono WAV. */
export function readWav(bytes) {
    const { rate, channels } = readChannels(bytes);
    if (channels.length !== 1)
        throw new Error('not mono');
    return { rate, samples: channels[0] };
}

// --- hearing ---------------------------------------------------------------------------------

/** The amplitude of one frequency in samples (Goertzel): that of the sine, when it is one. */
export function strength(samples, frequency, rate = 8000) {
    const w = 2 * Math.cos((2 * Math.PI * frequency) / rate);
    let a = 0, b = 0;
    for (const s of samples) {
        const c = s + w * a - b;
        b = a;
        a = c;
    }
    return (2 * Math.sqrt(Math.max(0, a * a + b * b - w * a * b))) / samples.length;
}

/** How loud samples are: root of the mean square. */
export function loudness(samples) {
    let sum = 0;
    for (const s of samples)
        sum += s * s;
    return Math.sqrt(sum / Math.max(1, samples.length));
}

/** From the first to the last loud 10 ms: {start, end, ms, active}, in milliseconds. */
export function span(samples, rate = 8000, level = 200) {
    const step = rate / 100;
    let first = -1, last = -1, active = 0;
    for (let i = 0; (i + 1) * step <= samples.length; i++)
        if (loudness(samples.subarray(i * step, (i + 1) * step)) > level) {
            first = first < 0 ? i : first;
            last = i;
            active++;
        }
    if (first < 0)
        return { start: 0, end: 0, ms: 0, active: 0 };
    return { start: first * 10, end: (last + 1) * 10, ms: (last + 1 - first) * 10, active: active * 10 };
}

/**
 * The tones among `candidates` one after another: [{frequency, ms}]. A window of 20 ms counts for
 * a frequency that makes most of its sound.
 */
export function melody(samples, candidates, rate = 8000) {
    const step = rate / 50;
    const found = [];
    for (let i = 0; (i + 1) * step <= samples.length; i++) {
        const part = samples.subarray(i * step, (i + 1) * step);
        const loud = loudness(part);
        const best = candidates
            .map((frequency) => ({ frequency, is: strength(part, frequency, rate) }))
            .reduce((x, y) => (y.is > x.is ? y : x));
        const heard = loud > 200 && best.is > loud ? best.frequency : 0;
        if (heard !== 0 && found.at(-1)?.frequency === heard && found.at(-1).last === i - 1) {
            found.at(-1).ms += 20;
            found.at(-1).last = i;
        } else if (heard !== 0) {
            found.push({ frequency: heard, ms: 20, last: i });
        }
    }
    return found.filter((t) => t.ms > 20).map(({ frequency, ms }) => ({ frequency, ms }));
}

/** The keys whose tones are in the samples. */
export function keysHeard(samples, rate = 8000) {
    const step = rate / 50;
    let keys = '', held = '', runs = 0;
    for (let i = 0; (i + 1) * step <= samples.length; i++) {
        const part = samples.subarray(i * step, (i + 1) * step);
        const best = (list) => list.map((f) => strength(part, f, rate))
            .reduce((top, is, k) => (is > top.is ? { is, k } : top), { is: 0, k: -1 });
        const row = best(ROWS), column = best(COLUMNS);
        const loud = loudness(part);
        const key = loud > 200 && row.is > loud / 2 && column.is > loud / 2
            ? KEYS[4 * row.k + column.k] : '';
        runs = key === held ? runs + 1 : 1;
        held = key;
        if (key !== '' && runs === 2)
            keys += key;
    }
    return keys;
}
