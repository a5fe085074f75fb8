// baresip, the phone on the desk: a program of its own, on files of its own.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, until } from '../common.mjs';
import { tone, wav } from './sound.mjs';

/** Where its modules are; ends the test well when there is no baresip, or not this module. */
export function modulesOrSkip(needed = []) {
    try {
        execFileSync('baresip', ['-h'], { stdio: 'ignore' });
    } catch (error) {
        if (error.code === 'ENOENT') {
            console.log('ok - a desk phone # SKIP baresip is not installed');
            process.exit(0);
        }
    }
    for (const dir of ['/usr/lib/baresip/modules', '/usr/local/lib/baresip/modules'])
        try {
            const found = readdirSync(dir);
            if (needed.every((name) => found.includes(name)))
                return dir;
        } catch { /* elsewhere */ }
    console.log(`ok - a desk phone # SKIP baresip has no ${needed.join(', ')}`);
    return process.exit(0);
}

export class Desk {
    /** `config` and `account` are added to its own: lines, and ";parameters". It says `hz`. */
    constructor({ host = '127.0.0.1', gateway, modules, user, password, config = '', account = '', hz = 700 }) {
        this.dir = mkdtempSync(path.join(tmpdir(), 'almon-baresip-'));
        const at = (name) => path.join(this.dir, name);
        writeFileSync(at('say.wav'), wav(tone(hz, 3000)));
        this.configure = (port) => writeFileSync(at('config'), `poll_method epoll
sip_listen ${host}:${port}
audio_source aufile,${at('say.wav')}
module_path ${modules}
snd_path ${this.dir}
module g711.so
module aufile.so
${config}
module_app account.so
module_app menu.so
`);
        writeFileSync(at('accounts'), `<sip:${user}@${host}:${gateway}>;auth_user=${user};` +
            `auth_pass=${password};regint=60;answermode=auto${account}\n`);
        writeFileSync(at('contacts'), '');
    }

    /** Runs for so many seconds, on a port of its own, and may dial. */
    async run(seconds, uri) {
        for (let attempt = 1; ; attempt++) {
            this.configure(await freePort());
            this.log = '';
            this.child = spawn('baresip', ['-f', this.dir, '-t', String(seconds), ...(uri ? ['-e', `/dial ${uri}`] : [])],
                { stdio: ['ignore', 'pipe', 'pipe'] });
            for (const stream of [this.child.stdout, this.child.stderr])
                stream.on('data', (text) => { this.log += text; });
            this.left = new Promise((resolve) => this.child.on('close', resolve));
            try { // somebody may have taken the port meanwhile
                await until(8000, 'baresip to be ready', () => this.log.includes('baresip is ready'));
                return;
            } catch (error) {
                await this.leave();
                if (attempt === 3)
                    throw new Error(`${error.message}\n${this.log}`);
            }
        }
    }

    /** Ends it in order, after which its port is free and its log whole. */
    leave() {
        this.child.kill('SIGTERM');
        return this.left;
    }

    remove() {
        rmSync(this.dir, { recursive: true });
    }
}
