// Our own passwords: a carrier's challenges, by MD5 and SHA-2 (RFC 7616, RFC 8760), of INVITE and
// REGISTER. What we answer is worked out again here with node's hashes.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, SECRET, test, TOKEN, until } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { digest, Phone, SipGateway } from './lib/sip.mjs';

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-prove-'));
const exchange = new Exchange(bridge);
const carrier = await Phone.open({ port: sip });
const provider = await Phone.open({ port: sip }, '127.0.0.3');
writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "example.test", rtp_port_min = 41000, rtp_port_max = 41098 }
trunk { name = "carrier", to = "sip:127.0.0.1:${carrier.port}", user = "acme", password = "acmes secret" }
trunk { name = "provider", to = "sip:127.0.0.3:${provider.port}", user = "acme", password = "acmes secret", register = true }
`);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

const invited = (what = 'INVITE') => carrier.next(what, (m) => m.method === what);
const acked = (m) => carrier.next('ACK', (a) => a.method === 'ACK' && a.header('call-id') === m.header('call-id'));
const WWW = ['WWW-Authenticate', 'authorization', 401];
const PROXY = ['Proxy-Authenticate', 'proxy-authorization', 407];

/** The call is asked to prove itself, by one challenge or several; what comes then. */
async function challenged(m, challenges, [header, , status] = PROXY) {
    carrier.reply(m, status, { extra: challenges.map((c) => `${header}: Digest ${c}`) });
    await acked(m);
    return invited();
}

/** Whether a request has the one right answer to `challenge`, the count'th with its nonce. */
function proves(m, challenge, { count = 1, by = PROXY } = {}) {
    const given = m.all(by[1]);
    assert.equal(given.length, 1, m.text);
    const value = (name) => new RegExp(`\\b${name}="?([^",]+)`).exec(given[0])?.[1];
    assert.equal(value('username'), 'acme');
    assert.equal(value('algorithm') ?? 'MD5', /algorithm="?([\w-]+)/.exec(challenge)?.[1] ?? 'MD5');
    assert.equal(value('nonce'), /nonce="([^"]+)/.exec(challenge)[1]);
    assert.equal(value('uri'), m.first.split(' ')[1]);
    assert.equal(value('nc'), count.toString(16).padStart(8, '0'));
    const wanted = digest({ challenge, method: m.method, uri: value('uri'), user: 'acme', password: 'acmes secret', nc: count,
        cnonce: value('cnonce') });
    assert.equal(value('response'), /response="(\w+)/.exec(wanted)[1]);
    return value;
}

async function refused(call, m) {
    carrier.reply(m, 486);
    await call.got('hangup');
}

/** The call ends, and is not tried again. */
async function givenUp(call, m, status, challenge) {
    carrier.reply(m, status, { extra: [`${status === 401 ? 'WWW' : 'Proxy'}-Authenticate: Digest ${challenge}`] });
    await acked(m);
    assert.equal((await call.got('hangup')).params.SipResponseCode, String(status));
    assert.ok(!carrier.messages.some((x) => x.method === 'INVITE'));
}

const plain = (algorithm, nonce) => `realm="c", nonce="${nonce}", qop="auth"${algorithm ? `, algorithm=${algorithm}` : ''}`;
const [none, md5, sha, sha512] = ['', 'MD5', 'SHA-256', 'SHA-512-256'].map((a, i) => plain(a, `n${i}`));

await test('a registrar that asks by SHA-256 gets it, and with each new nonce again', async () => {
    let [nonce, seen] = [0, 0];
    const number = (m) => Number(m.header('cseq').split(' ')[0]);
    const registers = async (what, fits = () => true) => {
        const m = await provider.next(what, (r) => r.method === 'REGISTER' && number(r) > seen && fits(r), 8000);
        seen = number(m);
        return m;
    };
    const ask = (m) => {
        const challenge = sha.replace('n2', `r${++nonce}`);
        provider.reply(m, 401, { extra: [md5.replace('n1', `m${nonce}`), challenge].map((c) => `WWW-Authenticate: Digest ${c}`) });
        return challenge;
    };
    for (let round = 0; round < 2; round++) {
        const first = await registers('a registration');
        const challenge = ask(first);
        const proof = await registers('its proof', (m) => m.header('authorization')?.includes(`"r${nonce}"`));
        proves(proof, challenge, { by: WWW });
        provider.reply(proof, 200, { extra: [`Contact: ${proof.header('contact').replace(/expires=\d+/, `expires=${round === 0 ? 2 : 600}`)}`] });
    }
    await until(3000, 'the log', () => gateway.log.includes('trunk provider: registration 200'));
    assert.doesNotMatch(gateway.log, /registration 401|acmes secret/);
});

for (const [what, by] of [['401', WWW], ['407', PROXY]])
    for (const [title, challenges, best] of [['SHA-256', [sha], sha], ['MD5', [md5], md5], ['no algorithm', [none], none],
        ['quoted SHA-256', [sha.replace('SHA-256', '"SHA-256"')], sha], ['MD5 before SHA-256', [md5, sha], sha],
        ['SHA-256 before MD5', [sha, md5], sha], ['all, the best in the middle', [md5, sha512, sha], sha512],
        ['one that nobody knows, and MD5', [plain('AKAv1-MD5', 'n9'), md5], md5],
        ['two ways to vouch', [sha.replace('"auth"', '"auth-int,auth"')], sha]])
        await test(`${what} by ${title} is answered by the best of it`, async () => {
            const call = exchange.offer('+4930', { trunk: 'carrier' });
            const m = await challenged(await invited(), challenges, by);
            proves(m, best, { by });
            await refused(call, m);
        });

await test('all requests of a call count on with its nonce', async () => {
    const call = exchange.offer('+4930', { trunk: 'carrier' });
    const m = await challenged(await invited(), [`${sha}, opaque="o1"`]);
    assert.equal(proves(m, sha)('opaque'), 'o1');
    carrier.reply(m, 200, { body: carrier.sdp() });
    const ack = await acked(m);
    await call.got('answer');
    call.say({ type: 'hangup', cause: 'normal' });
    const bye = await invited('BYE');
    const given = [ack, bye].map((x) => x.header('proxy-authorization')).filter(Boolean);
    assert.deepEqual(given.map((g) => /nc=(\w+)/.exec(g)[1]), given.map((g, i) => (i + 2).toString().padStart(8, '0')));
    proves(bye, sha, { count: given.length + 1 });
    carrier.reply(bye, 200);
});

await test('without qop the answer has no count', async () => {
    const call = exchange.offer('+4930', { trunk: 'carrier' });
    const m = await challenged(await invited(), ['realm="c", nonce="n5", algorithm=MD5']);
    const given = m.header('proxy-authorization');
    assert.doesNotMatch(given, /nc=|cnonce|qop/);
    assert.match(given, /response="[0-9a-f]{32}"/);
    await refused(call, m);
});

await test('a nonce that is called stale is replaced; a password that is wrong is not said again', async () => {
    const call = exchange.offer('+4930', { trunk: 'carrier' });
    const first = await challenged(await invited(), [sha]);
    const again = sha.replace('n2', 'n6');
    const m = await challenged(first, [`${again}, stale=TRUE`]);
    proves(m, again);
    await givenUp(call, m, 407, sha.replace('n2', 'n7'));
});

for (const [title, challenge] of [['an algorithm that nobody knows', plain('SHA3-999', 'n8')],
    ['only what vouches for the body', sha.replace('"auth"', '"auth-int"')], ['no digest', 'Basic'], ['nothing', '']])
    await test(`${title}: the call ends with the carrier's answer`, async () => {
        const call = exchange.offer('+4930', { trunk: 'carrier' });
        await givenUp(call, await invited(), 401, challenge);
    });

await test('a proxy and who is behind it each get their own', async () => {
    const call = exchange.offer('+4930', { trunk: 'carrier' });
    const first = await challenged(await invited(), [md5]);
    const behind = sha.replace('realm="c"', 'realm="d"');
    const m = await challenged(first, [behind], WWW);
    proves(m, md5, { count: 2 });
    proves(m, behind, { by: WWW });
    await refused(call, m);
});

const stopped = gateway.stop();
const farewell = await provider.next('the farewell', (m) => m.method === 'REGISTER' && /expires=0/.test(m.header('contact')), 8000);
provider.reply(farewell, 200);
await stopped;
for (const p of [carrier, provider])
    p.close();
exchange.server.close();
rmSync(dir, { recursive: true });
await finish();
