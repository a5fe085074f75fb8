// Who gets in at almon-sip and who does not: passwords, registrations, every method from strangers,
// floods, and messages that lie.

import net from 'node:net';
import tls from 'node:tls';
import { assert, finish, pause, test, watch, within } from './common.mjs';
import { digest, Phone, startSip, token } from './lib/sip.mjs';

const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const { almon, gateway } = await startSip({
    sip: 'requests_per_second = 400',
    tls: true,
    flows: { 'stay.xml': xml('<Say>Hello.</Say><Pause length="20"/>') },
    config: `trunk { name = "near", from = "127.0.0.1" }
trunk { name = "narrow", from = "127.0.0.3", max_calls = 1 }
phone { name = "anna", password = "annas secret" }
phone { name = "ben", password = "bens secret", number = "+15550777", max_calls = 1 }
number { "+15550106", voice = "stay.xml" }`,
});
watch(almon);
const friend = await Phone.open(gateway);
const stranger = await Phone.open(gateway, '127.0.0.9');

/** A request with its challenge answered. */
async function prove(phone, method, d, user, password, options = {}) {
    const first = await phone.ask(method, d, options);
    if (method === 'INVITE')
        phone.ack(d, d.cseq, d.last);
    assert.equal(first.status, 401, first.text);
    const authorization = digest({ challenge: first.header('www-authenticate'), method, uri: d.uri, user, password,
        ...options.digest });
    const final = await phone.ask(method, d, { ...options,
        extra: [...(options.extra ?? []), `Authorization: ${authorization}`] });
    if (method === 'INVITE' && final.status >= 300)
        phone.ack(d, d.cseq, d.last);
    return Object.assign(final, { authorization });
}

const registration = (phone, name) => {
    const d = phone.dialog(name, `sip:${name}@example.test`);
    d.uri = `sip:127.0.0.1:${gateway.port}`;
    return d;
};
const contact = (phone, n = '') => `Contact: <sip:x${n}@${phone.address}:${phone.port}>`;
const register = (phone, name, password, extra, more) => {
    const d = registration(phone, name);
    // The phone's own Contact line is replaced by those of the test.
    const request = phone.request.bind(phone);
    const bare = { ...phone, request: (m, dd, o) => request(m, dd, o).replace(/Contact: <sip:phone[^\n]*\n/, '') };
    Object.setPrototypeOf(bare, Phone.prototype);
    return prove(bare, 'REGISTER', d, name, password, { extra, ...more });
};

for (const [method, outside, inside] of [
    ['INVITE', 401], ['ACK', 0], ['BYE', 481], ['CANCEL', 481], ['OPTIONS', 200], ['REGISTER', 401],
    ['PRACK', 481], ['SUBSCRIBE', 405], ['NOTIFY', 481], ['PUBLISH', 405], ['INFO', 481], ['REFER', 405],
    ['MESSAGE', 405], ['UPDATE', 481], ['NONSENSE', 501]])
    await test(`${method} of a stranger: ${outside || 'silence'}, and nothing in a dialog that is not`, async () => {
        const d = stranger.dialog('+15550106');
        if (method === 'ACK') {
            stranger.send(stranger.request('ACK', d));
            await pause(150);
            assert.equal(stranger.messages.length, 0);
            return;
        }
        const answer = await stranger.ask(method, d);
        assert.equal(answer.status, outside);
        if (outside === 405 || outside === 501)
            assert.match(answer.header('allow'), /INVITE, ACK/);
        const within2 = stranger.dialog('+15550106');
        within2.theirs = 'nosuchtag';
        const second = await stranger.ask(method, within2);
        if (method === 'INVITE')
            stranger.ack(within2, 1, within2.last);
        assert.ok([200, 405, 481, 501].includes(second.status) && (second.status !== 200 || method === 'OPTIONS'),
            second.text);
        stranger.messages.length = 0;
    });

await test('a stranger with a right password calls, as client:NAME or with his number', async () => {
    for (const [name, password, from] of [['anna', 'annas secret', 'client:anna'], ['ben', 'bens secret', '+15550777']]) {
        const d = stranger.dialog('+15550106', `sip:${name}@example.test`);
        const final = await prove(stranger, 'INVITE', d, name, password, { body: stranger.sdp() });
        assert.equal(final.status, 200, final.text);
        d.theirs = /tag=([^;]+)/.exec(final.header('to'))[1];
        d.target = /<([^>]+)>/.exec(final.header('contact'))[1];
        stranger.ack(d);
        await stranger.ask('BYE', d);
        const { lines } = await almon.journal(from);
        assert.ok(JSON.stringify(lines).includes(`"SipUsername":"${name}"`));
    }
});

await test('a wrong password, and a name that nobody has, are challenged alike', async () => {
    const guesser = await Phone.open(gateway, '127.0.0.55');
    for (const [name, password] of [['anna', 'guess'], ['nobody', '']]) {
        const d = guesser.dialog('+15550106', `sip:${name}@example.test`);
        const final = await prove(guesser, 'INVITE', d, name, password, { body: guesser.sdp() });
        assert.equal(final.status, 401);
    }
    guesser.close();
});

await test('an answer to a challenge counts once, and only from where it was asked', async () => {
    const d = registration(stranger, 'anna');
    const final = await prove(stranger, 'REGISTER', d, 'anna', 'annas secret', { extra: ['Expires: 60'] });
    assert.equal(final.status, 200);
    const again = (phone) => {
        const dd = { ...registration(phone, 'anna'), uri: d.uri };
        return phone.ask('REGISTER', dd, { extra: [`Authorization: ${final.authorization}`] });
    };
    assert.match((await again(stranger)).header('www-authenticate'), /stale=true/);
    assert.equal((await again(friend)).status, 401);
});

await test('nobody registers in another name', async () => {
    const d = registration(stranger, 'ben');
    const final = await prove(stranger, 'REGISTER', d, 'anna', 'annas secret');
    assert.equal(final.status, 403);
});

await test('registrations: what is there is told, ten at most, too short is told so, * forgets all', async () => {
    const ten = Array.from({ length: 10 }, (_, i) => `${contact(stranger, i)};expires=120`);
    const first = await register(stranger, 'ben', 'bens secret', ten);
    assert.equal(first.status, 200);
    assert.equal(first.all('contact').length, 10);
    assert.match(first.header('contact'), /expires=(120|119)$/);
    assert.equal((await register(stranger, 'ben', 'bens secret', [`${contact(stranger, 'a')};expires=120`])).status, 403);
    assert.equal((await register(stranger, 'ben', 'bens secret', [`${contact(stranger, 1)};expires=20`])).status, 423);
    const brief = await register(stranger, 'ben', 'bens secret', [`${contact(stranger, 1)};expires=20`]);
    assert.equal(brief.header('min-expires'), '60');
    const less = await register(stranger, 'ben', 'bens secret', [`${contact(stranger, 1)};expires=0`]);
    assert.equal(less.all('contact').length, 9);
    assert.equal((await register(stranger, 'ben', 'bens secret', ['Contact: *', 'Expires: 60'])).status, 400);
    const none = await register(stranger, 'ben', 'bens secret', ['Contact: *', 'Expires: 0']);
    assert.equal(none.status, 200);
    assert.equal(none.all('contact').length, 0);
});

// --- messages that lie --------------------------------------------------------------------------

const raw = async (phone, edit) => {
    const d = phone.dialog('+15550106');
    phone.send(edit(phone.request('INVITE', d, { body: phone.sdp() })));
    const final = await phone.answer(d, '1 INVITE');
    phone.ack(d, 1, d.last);
    return final;
};

for (const [what, status, edit, header] of [
    ['two From lines', 400, (m) => m.replace('\r\nTo:', '\r\nFrom: <sip:other@x>;tag=1\r\nTo:')],
    ['no tag in From', 400, (m) => m.replace(/(From: <[^>]+>);tag=\w+/, '$1')],
    ['a method that CSeq does not say', 400, (m) => m.replace('INVITE sip', 'REGISTER sip')],
    ['more Content-Length than there is', 400, (m) => m.replace(/Content-Length: \d+/, 'Content-Length: 9999')],
    ['an extension that is required', 420, (m) => m.replace('\r\nTo:', '\r\nRequire: nosuch\r\nTo:'), 'Unsupported: nosuch'],
    ['an extension on a line of its own', 420, (m) => m.replace('\r\nTo:', '\r\nRequire: timer,\r\n nosuch\r\nTo:'), 'Unsupported: nosuch\r\n'],
    ['a session timer that is too short', 422, (m) => m.replace('\r\nTo:', '\r\nSession-Expires: 30\r\nSupported: timer\r\nTo:'), 'Min-SE: 90'],
    ['a body that is no SDP', 415, (m) => m.replace('application/sdp', 'text/plain'), 'Accept: application/sdp'],
    ['a body that is compressed', 415, (m) => m.replace('\r\nTo:', '\r\nContent-Encoding: gzip\r\nTo:'), 'Accept-Encoding: identity'],
    ['SDP that is none', 488, (m) => m.replace('v=0', 'w=0'), 'Warning: 399 example.test "this session description cannot be read"'],
    ['a video call', 488, (m) => m.replace('m=audio', 'm=video'), 'Warning: 304 example.test "only audio is spoken here"'],
    ['a codec that nobody has', 488, (m) => m.replace('AVP 0 101', 'AVP 3   3').replace('0 PCMU', '3 GSM '), 'Warning: 305 example.test "no codec of these: '],
    ['a transport that nobody has', 488, (m) => m.replace('RTP/AVP', 'TCP/RTP'), 'Warning: 302 example.test "only RTP/AVP and RTP/SAVP'],
    ['an address of another network', 488, (m) => m.replace('c=IN IP4 127.0.0.1', 'c=ATM NSAP 47.0001'), 'Warning: 301 example.test "no IP address'],
    ['SRTP without a key', 488, (m) => m.replace('RTP/AVP 0 101', 'RTP/SAVP 0   '), 'Warning: 399 example.test "SRTP without a key'],
    ['no Contact', 400, (m) => m.replace(/Contact:[^\n]*\n/, '')],
    ['an URI of another scheme', 416, (m) => m.replace(/INVITE sip:/, 'INVITE http:')]])
    await test(`${what}: ${status}${header ? `, ${header.split(':')[0]}` : ''}`, async () => {
        const final = await raw(friend, edit);
        assert.equal(final.status, status);
        assert.ok(final.text.includes(`\r\n${header ?? ''}`), final.text);
    });

await test('what does not fit within a call is refused with the reason, and the call goes on', async () => {
    const d = await friend.call('+15550106');
    for (const method of ['UPDATE', 'INVITE']) {
        const refused = async (status, options) => {
            const m = await friend.ask(method, d, { body: friend.sdp(), ...options });
            assert.equal(m.status, status, m.text);
            if (method === 'INVITE')
                friend.ack(d, d.cseq, d.last);
            return m;
        };
        const worse = await refused(488, { body: friend.sdp().replace('m=audio', 'm=image') });
        assert.match(worse.first, /^SIP\/2.0 488 Not Acceptable Here$/);
        assert.match(worse.header('warning'), /^304 example\.test "only audio/);
        assert.equal((await refused(420, { extra: ['Require: precondition'] })).header('unsupported'), 'precondition');
        assert.equal((await refused(415, { type: 'text/plain' })).header('accept'), 'application/sdp');
        assert.equal((await refused(422, { extra: ['Supported: timer', 'Session-Expires: 30'] })).header('min-se'), '90');
        const fine = await friend.ask(method, d, { body: friend.sdp() });
        assert.equal(fine.status, 200);
        if (method === 'INVITE')
            friend.ack(d);
    }
    const odd = await friend.ask('INFO', d, { body: 'x', type: 'text/plain' });
    assert.equal(odd.status, 415);
    assert.match(odd.header('accept'), /application\/dtmf-relay/);
    assert.equal((await friend.ask('BYE', d)).status, 200);
});

await test('more calls than a trunk may have: 503, and when to come again', async () => {
    const narrow = await Phone.open(gateway, '127.0.0.3');
    const first = await narrow.call('+15550106');
    assert.equal(first.final.status, 200);
    const second = await narrow.call('+15550106');
    assert.equal(second.final.status, 503);
    assert.equal(second.final.header('retry-after'), '5');
    await narrow.ask('BYE', first);
    narrow.close();
});

await test('a Via that asks for the answer elsewhere gets none', async () => {
    const d = friend.dialog('+15550106');
    friend.send(friend.request('OPTIONS', d).replace(';rport', ';rport;maddr=127.0.0.9'));
    await pause(200);
    assert.ok(!friend.messages.concat(stranger.messages).some((m) => m.header('call-id') === d.id));
});

await test('folded lines, short names and odd spaces are understood', async () => {
    const d = friend.dialog('+15550106');
    const text = friend.request('INVITE', d, { body: friend.sdp() }).replace('Call-ID:', 'i:').replace('From: ', 'f :\r\n  ')
        .replace('Contact:', 'm:').replace('Content-Type:', 'c:').replace('Content-Length:', 'l:');
    friend.send(text);
    const final = await friend.answer(d, '1 INVITE');
    assert.equal(final.status, 200);
    d.theirs = /tag=([^;]+)/.exec(final.header('to'))[1];
    d.target = /<([^>]+)>/.exec(final.header('contact'))[1];
    friend.ack(d);
    await friend.ask('BYE', d);
});

await test('over TCP a message may come byte by byte, and two at once', async () => {
    const socket = net.connect(gateway.port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => { text += data; });
    const options = (n) => friend.request('OPTIONS', friend.dialog('x')).replace('SIP/2.0/UDP', 'SIP/2.0/TCP')
        .replace(/Call-ID: .*/, `Call-ID: tcp${n}`);
    socket.setNoDelay(true);
    for (const byte of options(1)) {
        socket.write(byte);
        await new Promise((go) => setImmediate(go));
    }
    socket.write(options(2) + options(3));
    await within(5000, 'three answers', new Promise((resolve) => {
        const timer = setInterval(() => /tcp1[^]*tcp2[^]*tcp3/.test(text) && (clearInterval(timer), resolve()), 10);
    }));
    socket.destroy();
});

await test('TLS: a call over it, 1.2 at least, and nothing in the clear', async () => {
    const link = tls.connect({ port: gateway.securePort, host: '127.0.0.1', rejectUnauthorized: false });
    await within(5000, 'the handshake', new Promise((resolve) => link.on('secureConnect', resolve)));
    assert.ok(['TLSv1.2', 'TLSv1.3'].includes(link.getProtocol()));
    let text = '';
    link.on('data', (data) => { text += data; });
    const d = friend.dialog('+15550106');
    const say = (request) => link.write(request.replace('SIP/2.0/UDP', 'SIP/2.0/TLS'));
    const shown = (what) => within(5000, `${what}`, new Promise((resolve) => {
        const timer = setInterval(() => what.test(text) && (clearInterval(timer), resolve()), 10);
    }));
    say(friend.request('INVITE', d, { body: friend.sdp() }));
    await shown(/SIP\/2\.0 200 OK[^]*1 INVITE/);
    d.theirs = /200 OK[^]*?\r\nTo: [^\r]*tag=(\w+)/.exec(text)[1];
    assert.match(text, /Contact: <sip:almon@[^>]*;transport=tls>/);
    say(friend.request('ACK', d, { cseq: 1 }));
    say(friend.request('BYE', d));
    await shown(/SIP\/2\.0 200 OK[^]*2 BYE/);
    link.destroy();
    const old = tls.connect({ port: gateway.securePort, host: '127.0.0.1', rejectUnauthorized: false,
        minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
    const refused = await within(5000, 'an end', new Promise((resolve) => {
        old.on('error', () => resolve(true));
        old.on('secureConnect', () => resolve(false));
    }));
    assert.ok(refused, 'TLS 1.1 is refused');
});

await test('a flood from one address is dropped, and hurts nobody else', async () => {
    const flooder = await Phone.open(gateway, '127.0.0.66');
    for (let i = 0; i < 3000; i++)
        flooder.send(flooder.request('INVITE', flooder.dialog('+15550106'), { body: flooder.sdp() }));
    const d = await friend.call('+15550106');
    assert.equal(d.final.status, 200);
    await friend.ask('BYE', d);
    await pause(500);
    assert.ok(flooder.messages.length < 1800, `${flooder.messages.length} answers`);
    flooder.close();
});

await test('a wrong password slows the guesser down, not the owner', async () => {
    const guesser = await Phone.open(gateway, '127.0.0.77'), began = Date.now();
    let answered = 0;
    for (let i = 0; i < 10; i++) {
        const d = registration(guesser, 'anna');
        try {
            await prove(guesser, 'REGISTER', d, 'anna', token(), { ms: 300 });
            answered++;
        } catch {
            break;
        }
    }
    // Each costs a second's worth of requests; a busy machine takes seconds for them.
    const seconds = (Date.now() - began) / 1000;
    assert.ok(answered < 4 + seconds, `${answered} guesses were answered in ${seconds} s`);
    const owner = registration(stranger, 'anna');
    assert.equal((await prove(stranger, 'REGISTER', owner, 'anna', 'annas secret')).status, 200);
    guesser.close();
});

await test('no password, and no line of another, is in the log', async () => {
    friend.close();
    stranger.close();
    await gateway.stop();
    assert.doesNotMatch(gateway.log, /secret/);
    assert.match(gateway.log, /a wrong password from/);
});
await finish(almon);
