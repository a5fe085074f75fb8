// A storm: phones, a carrier and the exchange say anything that could be said in a call, at any time and
// in any order, while the link breaks and the configuration changes. The gateway answers what comes
// after it as if nothing had been, and at its end nothing is left. SEED and DURATION repeat and prolong.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, assert, finish, freePort, pause, SECRET, test, TOKEN, until } from './common.mjs';
import { Exchange } from './lib/exchange.mjs';
import { digest, Phone, SipGateway } from './lib/sip.mjs';

const seed = Number(process.env.SEED ?? 1);
const seconds = Number(process.env.DURATION ?? 5);
let state = seed >>> 0;
function random(n) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 4294967296 * n);
}
const one = (list) => list[random(list.length)];
const chance = (percent) => random(100) < percent;

const [bridge, sip] = [await freePort(), await freePort()];
const dir = mkdtempSync(path.join(tmpdir(), 'almon-storm-'));
const exchange = new Exchange(bridge);
const phones = [];
for (let i = 0; i < 3; i++)
    phones.push(await Phone.open({ port: sip }));
const [carrier, desk, soft] = phones;
const all = `trunk { name = "second", to = "sip:127.0.0.1:${carrier.port}", rewrite_out = { "+:" } }
phone { name = "anna", password = "annas secret", max_calls = 20 }`;
const configure = (more) => writeFileSync(path.join(dir, 'almon.lua'), `
account { sid = "${ACCOUNT}", token = "${TOKEN}" }
gateway { name = "sip", token = "${SECRET}" }
sip { listen = { "udp:127.0.0.1:${sip}" }, domain = "example.test", rtp_port_min = 44000, rtp_port_max = 44198,
      requests_per_second = 100000 }
trunk { name = "first", to = "sip:127.0.0.1:${carrier.port}", from = "127.0.0.1", user = "acme", password = "acmes secret" }
${more}
`);
configure(all);
const gateway = new SipGateway({ config: path.join(dir, 'almon.lua') }, sip, `ws://127.0.0.1:${bridge}/`);
await gateway.start();

async function register(who) {
    const d = { ...who.dialog('anna', 'sip:anna@example.test'), uri: `sip:127.0.0.1:${sip}`, to: 'sip:anna@example.test' };
    const challenge = (await who.ask('REGISTER', d)).header('www-authenticate');
    return who.ask('REGISTER', d, { extra: ['Expires: 60', `Authorization: ${digest({ challenge,
        method: 'REGISTER', uri: d.uri, user: 'anna', password: 'annas secret' })}`] });
}

// --- what is said -----------------------------------------------------------------------------

const bodies = (who) => [who.sdp(), who.sdp({ way: 'sendonly' }), who.sdp({ way: 'inactive' }), who.sdp({ address: '0.0.0.0' }),
    who.sdp({ formats: ['8 PCMA/8000', '0 PCMU/8000'] }), who.sdp({ formats: ['9 G722/8000'] }), '', 'v=0\r\n', who.sdp() +
    'm=video 9 RTP/AVP 96\r\n', who.sdp().replace('RTP/AVP', 'RTP/SAVP'), who.sdp({ address: '127.0.0.9' })];
const body = (who) => (chance(60) ? who.sdp() : one(bodies(who)));
const invites = [[], [], ['Supported: 100rel, timer', 'Allow: UPDATE, PRACK'], ['Require: 100rel'],
    ['Supported: timer', 'Session-Expires: 1800;refresher=uas', 'Allow: UPDATE'], ['Privacy: id', 'X-A: b', 'User-to-User: 00']];
const REPLIES = [100, 180, 180, 183, 183, 200, 200, 200, 302, 401, 407, 408, 480, 486, 488, 491, 500, 503, 603, 606];
const causes = ['normal', 'busy', 'rejected', 'no-answer', 'canceled', 'unroutable', 'congestion', 'error'];

/** One side of a dialog: what it may send next. */
const dialogs = [];
const asked = []; // requests of the gateway that may still be answered, also twice

function remember(who, d) {
    dialogs.push({ who, d });
    if (dialogs.length > 40)
        dialogs.shift();
}

function begin() {
    const who = one(phones), d = who.dialog('+1555010' + random(10));
    who.send(who.request('INVITE', d, { body: body(who), extra: one(invites) }));
    d.invite = d.last;
    remember(who, d);
}

function within(who, d) {
    const cseq = chance(90) ? undefined : 1;
    switch (random(12)) {
    case 0:
        who.send(who.request('CANCEL', { ...d, theirs: undefined }, { branch: d.invite, cseq: 1 }));
        break;
    case 1:
        who.send(who.request('BYE', d, { cseq, extra: chance(50) ? ['Reason: Q.850;cause=' + random(140)] : [] }));
        break;
    case 2:
    case 3:
        who.send(who.request('INVITE', d, { cseq, body: body(who) }));
        break;
    case 4:
        who.send(who.request('UPDATE', d, { cseq, body: chance(50) ? body(who) : '', extra: one(invites) }));
        break;
    case 5:
        who.send(who.request('INFO', d, { body: 'Signal=5\r\nDuration=100\r\n', type: 'application/dtmf-relay' }));
        break;
    case 6:
        who.send(who.request('REFER', d, { extra: ['Refer-To: <sip:x@y?Replaces=a%40b>', ...(chance(50) ? ['Refer-Sub: false'] : [])] }));
        break;
    case 7:
        who.send(who.request('NOTIFY', d, { extra: ['Event: refer', 'Subscription-State: terminated'], type: 'message/sipfrag',
            body: `SIP/2.0 ${one(REPLIES)} So\r\n` }));
        break;
    case 8:
        who.send(who.request('PRACK', d, { extra: [`RAck: ${d.rseq ?? 1} 1 INVITE`], body: chance(30) ? body(who) : '' }));
        break;
    case 9:
        if (d.media)
            who.press(d, random(16));
        break;
    default:
        who.ack(d, chance(70) ? d.lastInvite ?? 1 : d.cseq, undefined, chance(20) ? body(who) : '');
    }
}

function answer({ who, m }) {
    const status = m.method === 'INVITE' ? one(REPLIES) : one([200, 200, 200, 202, 401, 481, 487, 500]);
    const reliable = status > 100 && status < 200 && chance(30);
    who.reply(m, status, { tag: one(['one', 'two']), body: m.method === 'INVITE' && status < 300 && chance(80) ? body(who) : '',
        extra: [...(reliable ? ['Require: 100rel', `RSeq: ${1 + random(3)}`] : []), 'X-Why: so',
            ...(status === 401 || status === 407 ? [`${status === 401 ? 'WWW' : 'Proxy'}-Authenticate: Digest realm="x", nonce="n${random(9)}", qop="auth"`] : []),
            ...(status === 302 ? ['Contact: <sip:elsewhere@127.0.0.1:9>'] : []),
            ...(status === 200 && chance(20) ? ['Session-Expires: 1800;refresher=uac', 'Require: timer'] : [])] });
    if (m.method === 'INVITE' && status === 200)
        remember(who, who.turned(m, 'one'));
}

for (const who of phones)
    who.take = (m) => {
        if (who.quiet)
            return Phone.prototype.take.call(who, m);
        if (m.method === 'OPTIONS')
            return who.reply(m, 200);
        if (m.method) {
            asked.push({ who, m });
            if (asked.length > 20)
                asked.shift();
            if (m.method !== 'INVITE' && chance(80))
                answer({ who, m });
            return undefined;
        }
        const mine = dialogs.find(({ d }) => d.id === m.header('call-id'));
        const tag = /tag=([^;]+)/.exec(m.header('to'))?.[1];
        if (!mine || !tag)
            return undefined;
        mine.d.theirs ??= tag;
        mine.d.target = /<([^>]+)>/.exec(m.header('contact') ?? '')?.[1] ?? mine.d.target;
        mine.d.media = Number(/m=audio (\d+)/.exec(m.body)?.[1] ?? 0) || mine.d.media;
        mine.d.rseq = m.header('rseq') ?? mine.d.rseq;
        if (m.header('cseq').includes('INVITE') && m.status >= 200 && chance(90))
            who.ack(mine.d, (mine.d.lastInvite = parseInt(m.header('cseq'), 10)), m.status >= 300 ? mine.d.invite : undefined);
        return undefined;
    };

const channels = [];
function say(channel) {
    const m = one([{ type: 'ring' }, { type: 'ring' }, { type: 'answer' }, { type: 'answer' }, { type: 'answer' },
        { type: 'dtmf', digits: '12#' }, { type: 'refer', to: one(['+4930', 'sip:a@b', 'nonsense']) },
        { type: 'refer_status', response: one([0, 202, 202, 603]), notify: one([0, 100, 200, 486]) },
        { type: 'hangup', cause: one(causes) }]);
    if (chance(30))
        exchange.play(channel, Buffer.alloc(chance(90) ? 160 : 0, random(256)));
    else
        exchange.say({ channel, ...m });
}

function call() {
    const to = one(['+4930123', '+4930123', 'client:anna', 'client:anna', 'sip:anna@example.test', 'client:nobody',
        `sip:bob@127.0.0.1:${soft.port}`, 'sip:<x>']);
    const c = exchange.offer(to, { trunk: one([undefined, 'first', 'second']), codec: one(['PCMU', 'PCMA', 'L16/16000']),
        params: { 'SipHeader_X-A': 'b' } });
    channels.push(c.channel);
}

async function disturb() {
    if (chance(40)) {
        exchange.socket.terminate();
        channels.length = 0;
        return;
    }
    configure(chance(50) ? '' : all);
    gateway.child.kill('SIGHUP');
}

await test(`anything at any time, seed ${seed}`, async () => {
    for (const who of [desk, soft]) {
        who.quiet = true;
        assert.equal((await register(who)).status, 200);
        who.quiet = false;
    }
    const end = Date.now() + 1000 * seconds;
    for (let turn = 0; Date.now() < end && gateway.child.exitCode === null && gateway.child.signalCode === null; turn++) {
        for (const offer of exchange.offers.splice(0))
            channels.push(offer.channel);
        if (channels.length > 60)
            channels.splice(0, 20);
        const kind = random(100), ready = exchange.socket?.readyState === 1;
        if (kind < 15)
            begin();
        else if (kind < 50 && dialogs.length > 0)
            one([({ who, d }) => within(who, d)])(one(dialogs));
        else if (kind < 70 && asked.length > 0)
            answer(one(asked));
        else if (kind < 78 && ready)
            call();
        else if (ready && channels.length > 0)
            say(one(channels));
        if (turn % 400 === 399)
            await disturb();
        if (turn % 4 === 0)
            await pause(2);
    }
    assert.equal(gateway.child.signalCode ?? gateway.child.exitCode, null, gateway.log.slice(-6000));
});

await test('after it a call is a call', async () => {
    for (const who of phones)
        who.quiet = true;
    configure(all);
    gateway.child.kill('SIGHUP');
    await until(10000, 'the link', () => exchange.socket?.readyState === 1);
    exchange.socket.terminate(); // all calls end
    await until(10000, 'the link again', () => exchange.socket?.readyState === 1);
    exchange.offers.length = 0;
    await pause(200);
    const d = carrier.dialog('+15550100');
    carrier.send(carrier.request('INVITE', d, { body: carrier.sdp() }));
    const offer = await until(5000, 'the offer', () => exchange.offers[0]);
    exchange.say({ type: 'answer', channel: offer.channel });
    const ok = await carrier.next('200', (m) => m.status === 200 && m.header('call-id') === d.id);
    d.theirs = /tag=([^;]+)/.exec(ok.header('to'))[1];
    d.target = /<([^>]+)>/.exec(ok.header('contact'))[1];
    carrier.ack(d);
    assert.equal((await carrier.ask('BYE', d)).status, 200);
});

await test('the gateway stops in order', async () => {
    await gateway.stop();
    for (const p of phones)
        p.close();
    rmSync(dir, { recursive: true });
});
await finish();
