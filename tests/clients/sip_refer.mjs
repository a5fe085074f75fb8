// Transfers through the whole of it, exchange and almon-sip: the verb <Refer>, Dial's referUrl, and a
// <Dial> over SIP that is recorded in two channels. The carrier and the caller are phones of our own.

import { assert, finish, freePort, pause, test, until, watch } from './common.mjs';
import { Phone, startSip } from './lib/sip.mjs';

const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const carrier = await Phone.open({ port: await freePort() });
const { almon, gateway } = await startSip({
    flows: {
        'refer.xml': xml('<Refer action="after.xml"><Sip>sip:carol@example.com</Sip></Refer>'),
        'after.xml': xml('<Say>Back again.</Say><Pause length="20"/>'),
        'dial.xml': xml(`<Dial referUrl="elsewhere.xml" record="record-from-answer-dual">+4930123456</Dial>`),
        'elsewhere.xml': xml('<Say>Elsewhere.</Say><Pause length="20"/>'),
    },
    config: `trunk { name = "near", from = "127.0.0.0/8" }
trunk { name = "far", to = "sip:127.0.0.1:${carrier.port}" }
route { "+4930*", gateway = "sip", trunk = "far", caller_id = "+15550100" }
number { "+15550101", voice = "refer.xml" }
number { "+15550102", voice = "dial.xml" }`,
});
watch(almon);
carrier.gateway = gateway;
const phone = await Phone.open(gateway);

const journal = (from) => almon.journals().find((j) => j.lines[0].from === from)?.lines ?? [];
const line = (from, what, fits = () => true) => until(8000, what, () => journal(from).find((l) => l.e === what && fits(l)));

async function hangUp(d) {
    assert.equal((await phone.ask('BYE', d)).status, 200);
}

for (const [from, response, text, notify] of [
    ['+15550191', 202, 'SIP/2.0 200 OK', 200], ['+15550192', 202, 'SIP/2.0 486 Busy Here', 486],
    ['+15550193', 603, '', 0]])
    await test(`<Refer> answered with ${response} and ${notify}`, async () => {
        const d = await phone.call('+15550101', { from: `sip:${from}@elsewhere.test` });
        assert.equal(d.final.status, 200);
        const m = await phone.next('REFER', (r) => r.method === 'REFER' && r.header('call-id') === d.id);
        assert.equal(m.header('refer-to'), '<sip:carol@example.com>');
        phone.reply(m, response);
        if (notify)
            for (const body of ['SIP/2.0 100 Trying\r\n', `${text}\r\n`])
                assert.equal((await phone.ask('NOTIFY', d, {
                    body, type: 'message/sipfrag;version=2.0', extra: ['Event: refer', 'Subscription-State: active'],
                })).status, 200);
        await line(from, 'say', (l) => l.text === 'Back again.');
        const status = journal(from).filter((l) => l.e === 'refer_status').at(-1);
        assert.deepEqual([status.response, status.notify], [response, notify]);
        await hangUp(d);
    });

await test('a called party on the trunk transfers the caller; what they said is recorded in two channels', async () => {
    const calling = phone.call('+15550102', { from: 'sip:+15550194@elsewhere.test' });
    const invite = await carrier.next('INVITE', (m) => m.method === 'INVITE');
    carrier.reply(invite, 200, { body: carrier.sdp() });
    await carrier.next('ACK', (m) => m.method === 'ACK');
    const d = await calling;
    assert.equal(d.final.status, 200);
    await line('+15550194', 'join');
    await pause(1200);
    const theirs = {
        target: /<([^>]+)>/.exec(invite.header('contact'))[1], from: /<([^>]+)>/.exec(invite.header('to'))[1],
        to: /<([^>]+)>/.exec(invite.header('from'))[1], tag: 'phonetag',
        theirs: /tag=([^;]+)/.exec(invite.header('from'))[1], id: invite.header('call-id'), cseq: 50,
    };
    const asked = await carrier.ask('REFER', theirs, { extra: ['Refer-To: <sip:dan@example.com>'] });
    assert.equal(asked.status, 202);
    const bodies = [];
    for (let last = ''; !/^terminated/.test(last);) {
        const m = await carrier.next('NOTIFY', (n) => n.method === 'NOTIFY');
        bodies.push(m.body.trim());
        last = m.header('subscription-state');
        carrier.reply(m, 200);
    }
    assert.equal(bodies.at(-1), 'SIP/2.0 200 OK');
    carrier.reply(await carrier.next('BYE', (m) => m.method === 'BYE'), 200);
    await line('+15550194', 'say', (l) => l.text === 'Elsewhere.');
    await hangUp(d);
    const done = await line('+15550194', 'recording', (l) => l.state === 'completed');
    assert.ok(done.seconds >= 1 && done.source === 'DialVerb');
    await until(5000, 'the records of both calls', async () => {
        const { out } = await almon.run(['calls', '--state', almon.state]);
        return /\+15550194.* → \+15550102 +completed/.test(out) && /  .* → \+4930123456 +completed/.test(out);
    });
});

phone.close();
carrier.close();
await gateway.stop();
await finish(almon);
