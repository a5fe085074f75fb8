// `almon phone` as a person would use it: a process, its lines, its keys.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ALMON, until, within } from '../common.mjs';
import { readWav } from './sound.mjs';

const alive = new Set();
process.on('exit', () => alive.forEach((phone) => phone.child.kill('SIGKILL')));

export class Phone {
    constructor(almon, name, ...options) {
        this.dir = almon.dir;
        this.name = name;
        this.said = [];
        this.complaints = '';
        this.child = spawn(ALMON, ['phone', '--as', name, '--json', '--config', almon.config, ...options],
            { cwd: almon.dir, stdio: ['pipe', 'pipe', 'pipe'] });
        alive.add(this);
        let rest = '';
        this.child.stdout.on('data', (text) => {
            const lines = (rest + text).split('\n');
            rest = lines.pop();
            this.said.push(...lines.map((line) => JSON.parse(line)));
        });
        this.child.stderr.on('data', (text) => { this.complaints += text; });
        this.ended = new Promise((resolve) => this.child.on('close', (code, signal) => {
            alive.delete(this);
            resolve(signal ?? code);
        }));
    }

    /** Registered. */
    static async open(almon, name, ...options) {
        const phone = new Phone(almon, name, ...options);
        await phone.says('is');
        return phone;
    }

    /** The next line not yet asked for with this event (and detail, if it must match). */
    says(event, detail = /(?:)/, ms = 10000) {
        return until(ms, `${this.name}: "${event}"; it said ${JSON.stringify(this.said)} ${this.complaints}`, () => {
            const at = this.said.findIndex((line) => line.event === event && detail.test(line.detail ?? ''));
            return at < 0 ? null : this.said.splice(0, at + 1).at(-1);
        });
    }

    keys(text) {
        this.child.stdin.write(text);
    }

    left(ms = 10000) {
        return within(ms, `the end of the phone of ${this.name}`, this.ended);
    }

    async close() {
        if (alive.has(this))
            this.child.kill('SIGTERM');
        return this.left();
    }

    heard(file) {
        const name = path.join(this.dir, file);
        return existsSync(name) ? readWav(readFileSync(name)).samples : new Int16Array();
    }
}
