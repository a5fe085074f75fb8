// Dial from a flow out through almon-sip, both programs as they run: along routes to carriers, with
// fail-over, to SIP addresses, and to a registered phone; the caller is a telephone of `almon phone`.

import { assert, finish, pause, test, until, watch } from './common.mjs';
import { Phone as Telephone } from './lib/phone.mjs';
import { digest, Phone, startSip } from './lib/sip.mjs';

const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const nowhere = { port: 9 };
const [first, second, desk] = [await Phone.open(nowhere), await Phone.open(nowhere), await Phone.open(nowhere)];
const dial = (noun, more = '') => xml(`<Dial action="after.xml" timeout="10" ${more}>${noun}</Dial>`);
const { almon, gateway } = await startSip({
    flows: {
        'number.xml': dial('<Number>+49 30 1234567</Number>', 'callerId="+15550100"'),
        'anna.xml': dial('<Client>anna</Client>'),
        'sip.xml': dial(`<Sip username="me" password="my secret">sip:bob@127.0.0.1:${second.port}?x-order=42</Sip>`),
        'evil.xml': dial(`<Sip>sip:bob@127.0.0.2:${second.port}</Sip>`),
        'dear.xml': dial('<Number>+882161234567</Number>', 'callerId="+15550100"'),
        'after.xml': xml('<Say>It was {{ DialCallStatus }}.</Say>'),
    },
    config: `gateway { name = "phones", token = "x", identities = "*" }
trunk { name = "first", to = "sip:127.0.0.1:${first.port}" }
trunk { name = "second", to = "sip:127.0.0.1:${second.port}", rewrite_out = "+:00" }
phone { name = "anna", password = "annas secret" }
route { "*", trunk = "second" }
route { "+49*", trunk = "first" }
route { "sip:*@127.0.0.1" }
number { "+15550100", voice = "number.xml" }
number { "+15550101", voice = "anna.xml" }
number { "+15550102", voice = "sip.xml" }
number { "+15550103", voice = "evil.xml" }
number { "+15550104", voice = "dear.xml" }`,
});
watch(almon);
for (const phone of [first, second, desk])
    phone.gateway = gateway;

const caller = (number, ...options) => new Telephone(almon, 'carl', '--call', number, '--name', 'phones', '--token', 'x',
    ...options);
const invited = (who, what = 'INVITE') => who.next(what, (m) => m.method === what);
const acked = (who, m) => who.next('ACK', (a) => a.method === 'ACK' && a.header('call-id') === m.header('call-id'));
/** Ends a call that `who` was called by. */
async function bye(who, m) {
    const d = who.dialog('x');
    Object.assign(d, { id: m.header('call-id'), uri: /<([^>]+)>/.exec(m.header('contact'))[1], tag: 'phonetag',
        theirs: /tag=([^;]+)/.exec(m.header('from'))[1] });
    assert.equal((await who.ask('BYE', d)).status, 200);
}

await test('a carrier that is full leaves the call to the next, which hears the caller and is heard', async () => {
    const carl = caller('+15550100', '--tone', '440', '--save', 'carl.wav');
    const one = await invited(first);
    assert.match(one.first, /^INVITE sip:\+49301234567@/);
    assert.match(one.header('from'), /sip:\+15550100@/);
    assert.equal(one.header('x-almon-hops'), '1');
    first.reply(one, 503);
    await acked(first, one);
    const two = await invited(second);
    assert.match(two.first, /^INVITE sip:0049301234567@/);
    second.reply(two, 180);
    second.reply(two, 200, { body: second.sdp() });
    await acked(second, two);
    await carl.says('answered');
    second.heard.length = 0;
    await until(5000, 'the caller\'s sound at the carrier', () => second.heard.filter((p) => p[40] !== p[41]).length > 20);
    await bye(second, two);
    await carl.says('hears', /It was completed/);
    await carl.left();
});

await test('a registered phone is called as client:NAME without any route', async () => {
    const d = { ...desk.dialog('anna', 'sip:anna@example.test'), uri: `sip:127.0.0.1:${gateway.port}` };
    const challenge = (await desk.ask('REGISTER', d)).header('www-authenticate');
    const ok = await desk.ask('REGISTER', d, { extra: ['Expires: 60', `Authorization: ${digest({ challenge,
        method: 'REGISTER', uri: d.uri, user: 'anna', password: 'annas secret' })}`] });
    assert.equal(ok.status, 200);
    const carl = caller('+15550101');
    const m = await invited(desk);
    desk.reply(m, 180);
    desk.reply(m, 486);
    await carl.says('hears', /It was busy/);
    await carl.left();
});

await test('a SIP address gets the headers, and the password when it asks', async () => {
    const carl = caller('+15550102');
    const m = await invited(second);
    assert.equal(m.header('x-order'), '42');
    assert.match(m.first, new RegExp(`^INVITE sip:bob@127.0.0.1:${second.port} SIP`));
    second.reply(m, 401, { extra: ['WWW-Authenticate: Digest realm="x", nonce="n2", qop="auth"'] });
    await acked(second, m);
    const again = await invited(second);
    assert.match(again.header('authorization'), /username="me"/);
    second.reply(again, 200, { body: second.sdp() });
    await acked(second, again);
    await carl.says('answered');
    await pause(200);
    carl.keys('h');
    const end = await invited(second, 'BYE');
    second.reply(end, 200);
    await carl.left();
    assert.ok(![almon, gateway].some((p) => p.log.includes('my secret')), 'the password is in no log');
});

for (const number of ['+15550103', '+15550104'])
    await test(`${number} leads where nothing may be called: no INVITE, and one line that says why`, async () => {
        const lines = almon.logged('warn').length;
        const carl = caller(number);
        await carl.says('hears', /It was failed/);
        await carl.left();
        assert.equal(almon.logged('warn').length - lines, 1);
        assert.ok(![first, second, desk].some((p) => p.messages.some((m) => m.method === 'INVITE')));
    });

await gateway.stop();
for (const phone of [first, second, desk])
    phone.close();
await finish(almon);
