// baresip as the phone on the desk: registers with a password, is called and heard, calls and hears;
// plainly, and with its sound encrypted by SDES and by DTLS, and found by ICE.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, SECRET, test, TOKEN, until } from './common.mjs';
import { Desk, modulesOrSkip } from './lib/baresip.mjs';
import { Exchange } from './lib/exchange.mjs';
import { SipGateway } from './lib/sip.mjs';
import { CODECS, join, melody } from './lib/sound.mjs';

const modules = modulesOrSkip(['srtp.so', 'dtls_srtp.so', 'ice.so']);
const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-desk-'));
const exchange = new Exchange(bridge);
// baresip's ICE leaves the loopback interface out: what it finds is this machine's address elsewhere.
const other = Object.values(networkInterfaces()).flat().find((a) => a.family === 'IPv4' && !a.internal)?.address;
const PHONES = {
    anna: {},
    sara: { config: 'module srtp.so', account: ';mediaenc=srtp-mand', almon: 'srtp = "required"', way: 'SRTP by SDES' },
    dora: { config: 'module dtls_srtp.so', account: ';mediaenc=dtls_srtp', almon: 'srtp = "required", srtp_keys = "dtls"',
        way: 'SRTP by DTLS' },
    mira: { config: 'module dtls_srtp.so\nrtcp_mux yes', account: ';mediaenc=dtls_srtp',
        almon: 'srtp = "required", srtp_keys = "dtls"', way: 'SRTP by DTLS' },
    iris: { config: 'module ice.so\nrtcp_mux no', account: ';medianat=ice', almon: 'ice = true' },
    nina: { config: 'module ice.so\nmodule dtls_srtp.so\nrtcp_mux yes',
        account: ';medianat=ice;mediaenc=dtls_srtp', almon: 'ice = true, srtp = "required", srtp_keys = "dtls"', way: 'SRTP by DTLS' },
};
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}"${other ? `, "udp:${other}:${sip}"` : ''} }, domain = "127.0.0.1", rtp_port_min = 41000, rtp_port_max = 41098 }
${Object.entries(PHONES).map(([name, p]) =>
        `phone { name = "${name}", password = "${name}s-secret", ${p.almon ?? ''} }`).join('\n')}
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();
const samples = (call) => join(...call.frames.filter((f) => f.length > 0).map((f) => CODECS.PCMU.decode(f)));

for (const [user, { config = '', account = '', way }] of Object.entries(PHONES)) {
    const ice = config.includes('ice.so');
    if (ice && !other) {
        console.log(`ok - ${user} # SKIP this machine has only its loopback address`);
        continue;
    }
    const host = ice ? other : '127.0.0.1';
    const desk = new Desk({ host, gateway: sip, modules, user, password: `${user}s-secret`, config, account });
    const secret = () => {
        if (way)
            assert.match(gateway.log, new RegExp(`${way}`));
    };

    await test(`${user} registers, is called by name, and is heard`, async () => {
        await desk.run(25);
        await until(10000, 'the registration', () => gateway.log.includes(`phone ${user} at ${host}: registration 200`));
        const call = exchange.offer(`client:${user}`);
        await call.got('answer');
        await until(5000, 'two seconds of sound', () => call.frames.filter((f) => f.length > 0).length > 100);
        call.say({ type: 'hangup', cause: 'normal' });
        assert.deepEqual(melody(samples(call), [700]).map((t) => t.frequency), [700]);
        secret();
        await desk.leave();
    });

    await test(`${user} calls with a password, and hears sound`, async () => {
        const before = exchange.offers.length;
        gateway.log = '';
        await desk.run(25, `sip:+15550100@${host}:${sip}`);
        const offer = await until(10000, 'the offer', () => exchange.offers.slice(before).find((o) => o.to === '+15550100'));
        assert.equal(offer.from, `client:${user}`);
        assert.equal(offer.params.SipUsername, user);
        exchange.say({ type: 'answer', channel: offer.channel });
        await until(5000, 'sound at the phone', () => {
            exchange.play(offer.channel, Buffer.alloc(160, 0x33));
            return desk.log.includes("incoming rtp for 'audio' established");
        });
        secret();
        exchange.say({ type: 'hangup', channel: offer.channel, cause: 'normal' });
        await until(5000, 'its end at the phone', () => /session closed: Connection reset by peer/.test(desk.log));
        await desk.leave();
    });
    desk.remove();
}

await test('the gateway stops in order', async () => {
    await gateway.stop();
    rmSync(dir, { recursive: true });
});
await finish();
