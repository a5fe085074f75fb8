// What every client test needs: an exchange of its own on free ports, a TAP-like report, and a
// deadline on everything. Nothing here sleeps for luck: it waits for what it waits for, or fails.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import dgram from 'node:dgram';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export { assert };

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const ALMON = path.resolve(ROOT, process.env.ALMON ?? 'bin/almon');
/** Why memory says nothing: a sanitizer keeps what was freed. */
export const SANITIZED = /\/(asan|tsan)\//.test(ALMON) ? 'memory is not counted under a sanitizer' : '';
export const ACCOUNT = 'AC0123456789abcdef0123456789abcdef';
export const TOKEN = 'the-account-token';
export const GATEWAY = 'local';
export const SECRET = 'the-gateway-token';

// --- waiting ---------------------------------------------------------------------------------

/** `promise`, or an error that says what was waited for. */
export function within(ms, what, promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks `probe` again and again until it gives something true; for what tells nobody: files. */
export async function until(ms, what, probe) {
    const end = Date.now() + ms;
    for (;;) {
        const found = await probe();
        if (found)
            return found;
        if (Date.now() > end)
            throw new Error(`${what}: not within ${ms} ms`);
        await new Promise((go) => setTimeout(go, 10));
    }
}

export const pause = (ms) => new Promise((go) => setTimeout(go, ms));

const isFreeTcp = (port) => new Promise((resolve) => {
    const server = net.createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
});

const isFreeUdp = (port) => new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.on('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
});

/** Free for TCP and for UDP: SIP wants both. Below those that the kernel gives to whoever asks for
 *  any, so that nobody has it before the one whom it is for. */
export async function freePort() {
    for (;;) {
        const port = 10000 + Math.floor(Math.random() * 6000);
        if (await isFreeTcp(port) && await isFreeUdp(port))
            return port;
    }
}

// --- the exchange ----------------------------------------------------------------------------

const running = new Set();
process.on('exit', () => {
    for (const almon of running)
        almon.child.kill('SIGKILL');
});

/** `almon serve`, ready. `flows` is {file name: text or Buffer}, `config` more of almon.lua. */
export async function startAlmon({ config, flows = {} }) {
    const [http, bridge] = [await freePort(), await freePort()];
    const dir = mkdtempSync(path.join(tmpdir(), 'almon-client-'));
    const almon = new Almon(dir, http, bridge);
    for (const [name, text] of Object.entries(flows))
        writeFileSync(path.join(dir, name), text);
    writeFileSync(almon.config, `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "${GATEWAY}", token = "${SECRET}" }
server { http = "127.0.0.1:${http}", bridge = "127.0.0.1:${bridge}" }
limits { late_ms = 10000 } -- a machine that is busy with other things is no reason to refuse calls
${config}
`);
    await almon.start();
    return almon;
}

/** `almon serve` with a copy of one of our own folders (or of one file of it, `config` beside it):
 *  as it stands, but for the ports. */
export async function startFolder(folder, { config, edit = (text) => text } = {}) {
    const [http, bridge] = [await freePort(), await freePort()];
    const dir = mkdtempSync(path.join(tmpdir(), 'almon-client-'));
    const almon = new Almon(dir, http, bridge);
    cpSync(path.join(ROOT, folder), dir, { recursive: true });
    const text = config ?? readFileSync(almon.config, 'utf8');
    // One that leaves the addresses to the defaults gets free ones, too.
    const server = /^server\b/m.test(text) ? '' : '\nserver { http = "127.0.0.1:8080", bridge = "127.0.0.1:8081" }\n';
    writeFileSync(almon.config, edit(text + server).replaceAll(':8080', `:${http}`).replaceAll(':8081', `:${bridge}`));
    await almon.start();
    return almon;
}

export class Almon {
    constructor(dir, http, bridge) {
        this.dir = dir;
        this.state = path.join(dir, 'state');
        this.config = path.join(dir, 'almon.lua');
        this.url = `http://127.0.0.1:${http}`;
        this.bridge = `ws://127.0.0.1:${bridge}/`;
        this.bridgePort = bridge;
        this.log = '';
    }

    async start() {
        this.child = spawn(ALMON, ['serve', '--config', this.config, '--state', this.state],
            { cwd: this.dir, stdio: ['ignore', 'pipe', 'pipe'] });
        running.add(this);
        this.ended = new Promise((resolve) => this.child.on('exit', (code, signal) => {
            running.delete(this);
            resolve(signal ?? code);
        }));
        this.child.stderr.on('data', (text) => { this.log += text; });
        let out = '';
        await within(20000, 'almon: ready', new Promise((resolve, reject) => {
            this.child.stdout.on('data', (text) => {
                out += text;
                if (/^almon: ready .*\n/m.test(out))
                    resolve();
            });
            this.child.on('error', reject);
            this.ended.then((how) => reject(new Error(`almon serve ended: ${how}\n${this.log}`)));
        }));
    }

    /** Ends it as an operator would; anything but a clean exit is an error. */
    async stop() {
        if (!running.has(this))
            return;
        this.child.kill('SIGTERM');
        let how;
        try {
            how = await within(20000, 'the end of almon serve', this.ended);
        } catch (error) {
            this.child.kill('SIGKILL');
            throw error;
        }
        assert.equal(how, 0, `almon serve left with ${how}`);
    }

    remove() {
        rmSync(this.dir, { recursive: true, force: true });
    }

    /** Log lines that hold all of `words`. */
    logged(...words) {
        return this.log.split('\n').filter((line) => words.every((w) => line.includes(w)));
    }

    /** Every call's journal: [{sid, lines}], oldest first. */
    journals() {
        const top = path.join(this.state, 'journal');
        const all = [];
        for (const day of existsSync(top) ? readdirSync(top) : [])
            for (const file of readdirSync(path.join(top, day)).filter((f) => f.endsWith('.jsonl'))) {
                const text = readFileSync(path.join(top, day, file), 'utf8');
                const whole = text.slice(0, text.lastIndexOf('\n') + 1);
                const lines = whole.split('\n').filter(Boolean).map((line) => JSON.parse(line));
                all.push({ sid: file.replace('.jsonl', ''), lines });
            }
        return all.sort((a, b) => (a.lines[0]?.wall ?? 0) - (b.lines[0]?.wall ?? 0));
    }

    /** The finished journal of the call that came from `from`. */
    journal(from, ms = 10000) {
        return until(ms, `the journal's end of the call from ${from}`, () => this.journals().find(
            (j) => j.lines[0]?.from === from && j.lines.at(-1).e === 'end'));
    }

    /** The SID of the call that came from `from`, once its journal has begun. */
    async sidOf(from) {
        const journal = await until(5000, `the journal of the call from ${from}`,
            () => this.journals().find((j) => j.lines[0]?.from === from));
        return journal.sid;
    }

    /** A command of the program itself: {status, out}. */
    async run(args, ms = 60000) {
        const child = spawn(ALMON, args, { cwd: this.dir, stdio: ['ignore', 'pipe', 'pipe'] });
        let out = '';
        child.stdout.on('data', (text) => { out += text; });
        child.stderr.on('data', (text) => { out += text; });
        const ended = new Promise((resolve) => child.on('close', (status) => resolve(status)));
        try {
            return { status: await within(ms, `almon ${args[0]}`, ended), out };
        } catch (error) {
            child.kill('SIGKILL');
            error.message += `\n${out}`;
            throw error;
        }
    }

    /** What the control socket says of the running exchange. */
    async status() {
        const socket = net.connect(path.join(this.state, 'almon.sock'));
        let text = '';
        try {
            return await within(5000, 'the status', new Promise((resolve, reject) => {
                socket.on('error', reject);
                socket.on('data', (data) => {
                    text += data;
                    if (text.includes('\n'))
                        resolve(JSON.parse(text).status);
                });
                socket.write('{"id":1,"cmd":"status"}\n');
            }));
        } finally {
            socket.destroy();
        }
    }

    /** Memory of its own in kB, and open files. */
    resources() {
        const proc = `/proc/${this.child.pid}`;
        const status = readFileSync(`${proc}/status`, 'utf8');
        return {
            anon: Number(/RssAnon:\s+(\d+)/.exec(status)[1]),
            files: readdirSync(`${proc}/fd`).length,
        };
    }
}

// --- the report ------------------------------------------------------------------------------

const only = process.argv[2] ?? '';
let failed = 0;
let watched = null;

/** The exchange whose log is printed when a test fails. */
export function watch(almon) {
    watched = almon;
}

/** `skip`: why the test is left out, '' for run it. */
export async function test(name, body, ms = 30000, skip = '') {
    if (!name.includes(only))
        return;
    if (skip !== '') {
        console.log(`ok - ${name} # SKIP ${skip}`);
        return;
    }
    const from = watched?.log.length ?? 0;
    try {
        await within(ms, 'the test', body());
        console.log(`ok - ${name}`);
    } catch (error) {
        failed++;
        console.log(`not ok - ${name}`);
        console.log(`${error.stack ?? error}`.replace(/^/gm, '    '));
        const log = watched?.log.slice(from) ?? '';
        console.log(`  what the exchange said:\n${log.slice(-6000)}`.replace(/^/gm, '    '));
    }
}

/** Stops the exchanges and leaves; a test program's last line. */
export async function finish(...almons) {
    for (const almon of almons)
        await test('the exchange stops in order', async () => {
            await almon.stop();
            assert.doesNotMatch(almon.log, /runtime error|AddressSanitizer|ThreadSanitizer|LeakSan/);
            almon.remove();
        });
    process.exit(failed > 0 ? 1 : 0);
}

process.on('unhandledRejection', (error) => {
    console.log(`not ok - a promise nobody waited for\n    ${error.stack ?? error}`);
    process.exit(1);
});
