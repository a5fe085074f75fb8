// Calls from a SIP phone through almon-sip: answered, heard, pressed, refused, given up.

import { execFileSync } from 'node:child_process';
import { assert, finish, freePort, pause, test, until, watch } from './common.mjs';
import { Phone, startSip } from './lib/sip.mjs';
import { join, melody, tone, wav } from './lib/sound.mjs';

const TONES = [440, 660, 880];
const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const { almon, gateway } = await startSip({
    flows: {
        'tones.wav': wav(join(...TONES.map((f) => tone(f, 500)))),
        'tones.xml': xml('<Play>tones.wav</Play>'),
        'menu.xml': xml('<Gather numDigits="2" timeout="5" action="got-{Digits}.xml"><Pause length="1"/></Gather>'),
        'got-59.xml': xml('<Play>tones.wav</Play>'),
        'busy.xml': xml('<Reject reason="busy"/>'),
        'rejected.xml': xml('<Reject/>'),
        'slow.xml': xml('<Pause length="20"/><Say>late</Say>'),
        'stay.xml': xml('<Say>Hello.</Say><Pause length="30"/>'),
    },
    config: `trunk { name = "near", from = "127.0.0.0/8", rewrite_in = { "00:+", "0:+49" } }
number { "+15550101", voice = "tones.xml" }
number { "+15550102", voice = "menu.xml" }
number { "+15550103", voice = "busy.xml" }
number { "+15550104", voice = "rejected.xml" }
number { "+15550105", voice = "slow.xml" }
number { "+15550106", voice = "stay.xml" }
number { "sip:sales@127.0.0.1", voice = "tones.xml" }
number { "+4930", voice = "busy.xml" }`,
});
watch(almon);
const phone = await Phone.open(gateway);

function samples(packets) {
    const out = new Int16Array(packets.length * 160);
    let at = 0;
    for (const p of packets)
        for (const byte of p.subarray(12)) {
            const u = ~byte & 0xff;
            const v = (((u & 15) << 3) + 132 << (u >> 4 & 7)) - 132;
            out[at++] = u & 0x80 ? -v : v;
        }
    return out.subarray(0, at);
}

const bye = (d) => phone.next('BYE', (m) => m.method === 'BYE' && m.header('call-id') === d.id, 10000);

await test('a call is answered, hears every tone, and is hung up with a reason', async () => {
    phone.heard.length = 0;
    const d = await phone.call('+15550101', { extra: ['X-Colour: blue', 'User-to-User: 1234;encoding=hex'] });
    assert.equal(d.final.status, 200);
    assert.match(d.final.body, /m=audio \d+ RTP\/AVP 0 101\r\n/);
    const m = await bye(d);
    assert.match(m.header('reason'), /Q\.850;cause=16/);
    phone.reply(m, 200);
    assert.deepEqual(melody(samples(phone.heard), TONES).map((t) => t.frequency), TONES);
    const { lines } = await almon.journal('+15550199');
    const text = JSON.stringify(lines);
    for (const wanted of ['"SipHeader_X-Colour":"blue"', '"SipHeader_User-to-User":"1234;encoding=hex"',
        `"SipCallId":"${d.id}"`, '"SipSourceIp":"127.0.0.1"', '"SipDomain":"127.0.0.1"'])
        assert.ok(text.includes(wanted), `${wanted} in ${text.slice(0, 1500)}`);
});

await test('keys come as RFC 4733 events, once each', async () => {
    const d = await phone.call('+15550102');
    phone.press(d, 5);
    await pause(60);
    phone.press(d, 9);
    const m = await bye(d);
    phone.reply(m, 200);
    await until(5000, 'the play', () => almon.journals().some((j) =>
        JSON.stringify(j.lines).includes('got-59.xml')));
});

for (const [what, from, formats] of [
    ['', '+15550198', undefined], [', also where the phone knows no events', '+15550194', ['0 PCMU/8000']]])
    await test(`keys come as INFO, too${what}`, async () => {
        const d = await phone.call('+15550102', { from: `sip:${from}@elsewhere.test`, body: phone.sdp({ formats }) });
        for (const key of ['5', '9']) {
            const a = await phone.ask('INFO', d, {
                type: 'application/dtmf-relay', body: `Signal=${key}\r\nDuration=160\r\n` });
            assert.equal(a.status, 200);
        }
        phone.reply(await bye(d), 200);
        const { lines } = await almon.journal(from);
        assert.ok(JSON.stringify(lines).includes('got-59.xml'), JSON.stringify(lines));
    });

for (const [number, status, cause] of [['+15550103', 486, 17], ['+15550104', 603, 21], ['003', 404, 1],
    ['030', 486, 17]])
    await test(`${number} is refused with ${status} and its reason`, async () => {
        const d = await phone.call(number);
        assert.equal(d.final.status, status);
        assert.match(d.final.header('reason'), new RegExp(`cause=${cause}$`));
    });

await test('a name is called by its address', async () => {
    const d = await phone.call('sales');
    assert.equal(d.final.status, 200);
    await phone.ask('BYE', d);
});

await test('CANCEL ends a call that rings: 200 to it, 487 to the INVITE, no-answer here', async () => {
    const d = phone.dialog('+15550105', 'sip:+15550197@elsewhere.test');
    phone.send(phone.request('INVITE', d, { body: phone.sdp() }));
    await phone.next('180', (m) => m.status === 180 && m.header('call-id') === d.id);
    const branch = d.last;
    phone.send(phone.request('CANCEL', d, { cseq: 1, branch }));
    assert.equal((await phone.answer(d, '1 CANCEL')).status, 200);
    assert.equal((await phone.answer(d, '1 INVITE')).status, 487);
    phone.ack(d, 1, branch);
    const { lines } = await almon.journal('+15550197');
    assert.ok(JSON.stringify(lines.at(-1)).includes('no-answer'), JSON.stringify(lines.at(-1)));
});

await test('a BYE from the caller completes the call; a second one finds none', async () => {
    const d = await phone.call('+15550106', { from: 'sip:+15550196@elsewhere.test' });
    assert.equal((await phone.ask('BYE', d)).status, 200);
    assert.equal((await phone.ask('BYE', d)).status, 481);
    const { lines } = await almon.journal('+15550196');
    assert.ok(JSON.stringify(lines.at(-1)).includes('completed'));
});

await test('retransmitted INVITEs make one call', async () => {
    const d = phone.dialog('+15550106', 'sip:+15550195@elsewhere.test');
    const invite = phone.request('INVITE', d, { body: phone.sdp() });
    for (let i = 0; i < 4; i++)
        phone.send(invite);
    const final = await phone.answer(d, '1 INVITE');
    d.theirs = /tag=([^;]+)/.exec(final.header('to'))[1];
    d.target = /<([^>]+)>/.exec(final.header('contact'))[1];
    phone.ack(d);
    await phone.ask('BYE', d);
    await almon.journal('+15550195');
    assert.equal(almon.journals().filter((j) => j.lines[0]?.from === '+15550195').length, 1);
});

for (const [number, status, at_once] of [['+15550106', 200, true], ['+15550106', 200, false], ['+15550103', 486, false]])
    await test(`one INVITE by two ways is one call: ${status}, and 482 ${at_once ? 'at once' : 'after it'}`, async () => {
        const from = `+1555019${status}${Number(at_once)}`;
        const d = phone.dialog(number, `sip:${from}@elsewhere.test`);
        const hears = (s) => phone.next(`${s}`, (m) => m.status === s && m.header('call-id') === d.id);
        const again = () => phone.send(phone.request('INVITE', d, { body: phone.sdp(), cseq: 1 }));
        phone.send(phone.request('INVITE', d, { body: phone.sdp() }));
        const branch = d.last;
        if (at_once)
            again();
        const final = await hears(status);
        const talk = { ...d, theirs: /tag=([^;]+)/.exec(final.header('to'))[1], target: /<([^>]+)>/.exec(final.header('contact') ?? '')?.[1] };
        phone.ack(talk, 1, status === 200 ? undefined : branch);
        if (!at_once)
            again();
        await hears(482);
        if (status === 200)
            assert.equal((await phone.ask('BYE', talk)).status, 200);
        await almon.journal(from);
        assert.equal(almon.journals().filter((j) => j.lines[0]?.from === from).length, 1);
    });

await test('hold and another codec by re-INVITE, both ways of holding', async () => {
    const d = await phone.call('+15550106');
    const again = async (body) => {
        const a = await phone.ask('INVITE', d, { body });
        phone.ack(d);
        return a;
    };
    assert.match((await again(phone.sdp({ way: 'sendonly' }))).body, /a=recvonly/);
    assert.match((await again(phone.sdp({ address: '0.0.0.0' }))).body, /a=sendrecv/);
    await pause(100);
    phone.heard.length = 0;
    await pause(100);
    assert.equal(phone.heard.filter((p) => (p[1] & 0x7f) === 0).length, 0, 'nothing is sent on hold');
    assert.match((await again(phone.sdp({ formats: ['8 PCMA/8000'] }))).body, /RTP\/AVP 8\r\n/);
    assert.equal((await again(phone.sdp({ formats: ['3 GSM/8000'] }))).status, 488);
    await phone.ask('BYE', d);
});

await test('an INVITE without an offer gets ours in the answer', async () => {
    const d = phone.dialog('+15550101');
    phone.heard.length = 0;
    const final = await phone.ask('INVITE', d);
    assert.match(final.body, /m=audio \d+ RTP\/AVP 0 8 101\r\n/);
    d.theirs = /tag=([^;]+)/.exec(final.header('to'))[1];
    d.target = /<([^>]+)>/.exec(final.header('contact'))[1];
    phone.ack(d, 1, undefined, phone.sdp());
    phone.reply(await bye(d), 200);
    assert.ok(phone.heard.length > 60, `${phone.heard.length} packets`);
});

await test('a transfer is declined, and the call goes on', async () => {
    const d = await phone.call('+15550106');
    assert.equal((await phone.ask('REFER', d, { extra: ['Refer-To: <sip:+8825550@127.0.0.1>'] })).status, 603);
    assert.equal((await phone.ask('BYE', d)).status, 200);
});

for (const [what, args] of [['UDP', []], ['TCP', ['-t', 't1']]])
    await test(`sipp's caller over ${what}: ten calls`, async () => {
        execFileSync('sipp', ['-sn', 'uac', `127.0.0.1:${gateway.port}`, '-i', '127.0.0.1', '-p',
            `${await freePort()}`, '-s', '+15550106', '-m', '10', '-r', '20', '-d', '300', '-timeout', '20s',
            ...args], { stdio: 'ignore', timeout: 25000, env: { ...process.env, TERM: 'dumb' } });
    });

await test('all calls are gone, and the gateway stops in order', async () => {
    phone.close();
    await gateway.stop();
});
await finish(almon);
