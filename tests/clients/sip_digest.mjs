// Passwords of phones by SHA-256 (RFC 8760) and by MD5, as sip{ digest = … } says.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, SECRET, test, TOKEN } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { digest, Phone, SipGateway } from './lib/sip.mjs';

const bridge = await freePort();
const exchange = new Exchange(bridge);

for (const [mode, offered, taken] of [['md5', ['MD5'], ['MD5']], ['both', ['SHA-256', 'MD5'], ['SHA-256', 'MD5']],
    ['sha256', ['SHA-256'], ['SHA-256']]])
    await test(`digest = "${mode}" offers ${offered.join(', then ')}, and takes no other`, async () => {
        const sip = await freePort();
        const dir = mkdtempSync(path.join(tmpdir(), 'almon-digest-'));
        writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "example.test", digest = "${mode}", rtp_port_min = 44000, rtp_port_max = 44098 }
phone { name = "anna", password = "annas secret" }
`);
        const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
        await gateway.start();
        const phone = await Phone.open({ port: sip });
        const d = { ...phone.dialog('anna', 'sip:anna@example.test'), uri: `sip:127.0.0.1:${sip}`, to: 'sip:anna@example.test' };
        const prove = async (algorithm, password) => {
            const asked = await phone.ask('REGISTER', d);
            const challenges = asked.all('www-authenticate');
            assert.deepEqual(challenges.map((c) => /algorithm=([\w-]+)/.exec(c)[1]), offered);
            const challenge = challenges[0].replace(/algorithm=[\w-]+/, `algorithm=${algorithm}`);
            const ok = await phone.ask('REGISTER', d, { extra: ['Expires: 60', `Authorization: ${digest({ challenge,
                method: 'REGISTER', uri: d.uri, user: 'anna', password })}`] });
            return ok.status;
        };
        for (const algorithm of ['SHA-256', 'MD5'])
            assert.equal(await prove(algorithm, 'annas secret'), taken.includes(algorithm) ? 200 : 401, algorithm);
        assert.equal(await prove(taken[0], 'not hers'), 401);
        phone.close();
        await gateway.stop();
        rmSync(dir, { recursive: true });
    });
exchange.server.close();
await finish();
