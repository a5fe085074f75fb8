// baresip as the phone on the desk: registers with a password, is called and heard, calls and hears.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, SECRET, test, TOKEN, until } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { SipGateway } from './lib/sip.mjs';
import { melody, tone, wav } from './lib/sound.mjs';

let modules = '';
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
        readdirSync(dir);
        modules = dir;
    } catch { /* elsewhere */ }

const [bridge, sip, phone] = [await freePort(), await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-baresip-'));
const exchange = new Exchange(bridge);
const at = (name) => path.join(dir, name);
writeFileSync(at('almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "127.0.0.1", rtp_port_min = 41000, rtp_port_max = 41098 }
phone { name = "anna", password = "annas-secret" }
`);
writeFileSync(at('say.wav'), wav(tone(700, 3000)));
writeFileSync(at('config'), `poll_method epoll
sip_listen 127.0.0.1:${phone}
audio_source aufile,${at('say.wav')}
module_path ${modules}
module g711.so
module aufile.so
module_app account.so
module_app menu.so
`);
writeFileSync(at('accounts'), `<sip:anna@127.0.0.1:${sip}>;auth_user=anna;auth_pass=annas-secret;regint=60;answermode=auto\n`);
writeFileSync(at('contacts'), '');

const gateway = new SipGateway({ config: at('almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();
const desk = (...args) => spawn('baresip', ['-f', dir, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
const samples = (call) => {
    const out = new Int16Array(call.frames.length * 160);
    call.frames.forEach((f, i) => f.forEach((byte, j) => {
        const u = ~byte & 0xff;
        const v = (((u & 15) << 3) + 132 << (u >> 4 & 7)) - 132;
        out[i * 160 + j] = u & 0x80 ? -v : v;
    }));
    return out;
};

await test('it registers, is called by its name, and is heard', async () => {
    const child = desk('-t', '6');
    child.stdout.resume();
    child.stderr.resume();
    await until(5000, 'the registration', () => gateway.log.includes('phone anna at 127.0.0.1: registration 200'));
    const call = exchange.offer('client:anna');
    await call.got('answer');
    await until(5000, 'two seconds of sound', () => call.frames.length > 120);
    call.say({ type: 'hangup', cause: 'normal' });
    assert.deepEqual(melody(samples(call), [700]).map((t) => t.frequency), [700]);
    await new Promise((resolve) => child.on('close', resolve)); // its port is free again
});

await test('it calls with its password, and hears sound', async () => {
    const child = desk('-t', '8', '-e', `/dial sip:+15550100@127.0.0.1:${sip}`);
    let log = '';
    for (const stream of [child.stdout, child.stderr])
        stream.on('data', (text) => { log += text; });
    const offer = await until(6000, 'the offer', () => exchange.offers.find((o) => o.to === '+15550100'));
    assert.equal(offer.from, 'client:anna');
    assert.equal(offer.params.SipUsername, 'anna');
    exchange.say({ type: 'answer', channel: offer.channel });
    await until(5000, 'sound at the phone', () => {
        exchange.play(offer.channel, Buffer.alloc(160, 0x33));
        return log.includes("incoming rtp for 'audio' established");
    });
    exchange.say({ type: 'hangup', channel: offer.channel, cause: 'normal' });
    // What it prints last it keeps until it leaves, which it does after its -t seconds.
    await new Promise((resolve) => child.on('close', resolve));
    assert.match(log, /session closed: Connection reset by peer/);
});

await test('the gateway stops in order', async () => {
    await gateway.stop();
    rmSync(dir, { recursive: true });
});
await finish();
