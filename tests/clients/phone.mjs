// Telephones of `almon phone` joined by Dial: who is called, what they hear of each other, and how
// it ends.

import { assert, finish, pause, startAlmon, test, watch } from './common.mjs';
import { Phone } from './lib/phone.mjs';
import { span, strength, tone, wav } from './lib/sound.mjs';

const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const flows = {
    'bob.xml': xml('<Dial timeout="10" action="after.xml"><Client>bob</Client></Dial>'),
    'told.xml': xml('<Dial action="after.xml"><Client><Identity>bob</Identity><Parameter name="Room no." value="12"/>' +
        '</Client></Dial>'),
    'nobody.xml': xml('<Dial action="after.xml"><Client>nobody</Client></Dial>'),
    'after.xml': xml('<Say>It was {{ DialCallStatus }}.</Say>'),
    'outside.xml': xml('<Dial callerId="+15550100"><Number>+4930123456</Number></Dial><Say>Still here.</Say>'),
    'fast.wav': wav(tone(900, 500)),
};
const config = `
gateway { name = "phones", token = "x", identities = { "alice", "bob", "carol" } }
number { "+15550100", voice = "bob.xml" }
number { "+15550101", voice = "told.xml" }
number { "+15550102", voice = "nobody.xml" }
number { "+15550103", voice = "outside.xml" }
`;
const almon = await startAlmon({ flows, config });
watch(almon);
const phone = (name, ...options) => Phone.open(almon, name, ...options);
/** A second out of the middle of what was heard. */
const middle = (samples) => samples.subarray(samples.length / 2 - 4000, samples.length / 2 + 4000);
const hearsOnly = (samples, wanted, others) => {
    const part = middle(samples);
    assert.ok(strength(part, wanted) > 3000, `${wanted} Hz: ${strength(part, wanted)}`);
    for (const other of others)
        assert.ok(strength(part, other) < 100, `${other} Hz: ${strength(part, other)}`);
};

await test('two phones hear each other, and nobody himself', async () => {
    const bob = await phone('bob', '--answer=0.5', '--tone', '700', '--save', 'bob.wav', '--once');
    const alice = new Phone(almon, 'alice', '--call', '+15550100', '--tone', '440', '--save', 'alice.wav');
    const rings = await bob.says('rings: call from');
    assert.equal(rings.detail, 'client:alice to client:bob');
    await bob.says('answers');
    await alice.says('answered');
    await pause(3000); // that they talk
    alice.keys('h');
    await alice.says('hangs up');
    await bob.says('hung up', /normal/);
    assert.equal(await bob.left(), 0);
    assert.equal(await alice.left(), 0);
    hearsOnly(alice.heard('alice.wav'), 700, [440]);
    hearsOnly(bob.heard('bob.wav'), 440, [700]);
});

await test('a phone is answered by hand, presses keys, and hangs up', async () => {
    const bob = await phone('bob', '--play', 'fast.wav');
    const alice = new Phone(almon, 'alice', '--call', '+15550100', '--save', 'keys.wav');
    await bob.says('rings: call from');
    bob.keys('a\n');
    await bob.says('answers');
    await alice.says('answered');
    bob.keys('12#');
    await bob.says('presses', /#/);
    await alice.says('is sent the digits', /#/);
    bob.keys('h');
    await alice.says('hears', /It was completed/);
    assert.equal(await alice.left(), 0);
    assert.equal(await bob.close(), 0);
    assert.ok(span(alice.heard('keys.wav')).ms > 400, 'bob\'s file was played to alice');
});

for (const [option, status] of [['--busy', 'busy'], ['--reject', 'busy']])
    await test(`a phone with ${option} is ${status} to the flow`, async () => {
        const bob = await phone('bob', option);
        const alice = new Phone(almon, 'alice', '--call', '+15550100');
        await alice.says('hears', new RegExp(`It was ${status}`));
        await alice.left();
        await bob.close();
    });

await test('nobody is there: failed, and the log says why', async () => {
    const alice = new Phone(almon, 'alice', '--call', '+15550102');
    await alice.says('hears', /It was failed/);
    await alice.left();
    assert.equal(almon.logged('client:nobody', 'registered by no gateway').length, 1);
});

await test('a number outside is not called without a route, and the log shows the line to write', async () => {
    const alice = new Phone(almon, 'alice', '--call', '+15550103');
    await alice.says('hears', /Still here/);
    await alice.left();
    assert.equal(almon.logged('no route leads to +4930123456', 'route { \\"+49*\\"').length +
        almon.logged('no route leads to +4930123456', 'route { "+49*"').length, 1);
});

await test('all phones of one name ring; the first that answers has the call', async () => {
    const phones = [await phone('bob'), await phone('bob')];
    const alice = new Phone(almon, 'alice', '--call', '+15550101');
    for (const p of phones) {
        await p.says('rings: call from');
        assert.equal((await p.says('with')).detail, 'Room no. = 12');
    }
    phones[1].keys('a');
    await alice.says('answered');
    await phones[0].says('the caller gave up', /canceled/);
    phones[1].keys('q');
    await alice.says('hears', /It was completed/);
    await alice.left();
    assert.equal(await phones[1].left(), 0);
    await phones[0].close();
});

await test('who may not be a name is told so', async () => {
    const eve = new Phone(almon, 'eve', '--name', 'phones', '--token', 'x');
    assert.equal(await eve.left(), 3);
    assert.match(eve.complaints, /'eve' may not be registered by this gateway; add it to identities/);
});

await test('a phone is there again when the exchange is', async () => {
    const bob = await phone('bob', '--answer');
    await almon.stop();
    await bob.says('the link is gone:');
    await almon.start();
    await bob.says('is', /client:bob/, 20000);
    const alice = new Phone(almon, 'alice', '--call', '+15550100');
    await bob.says('answers');
    await alice.says('answered');
    alice.keys('h');
    await alice.left();
    await bob.close();
});

await test('its help tells every option', async () => {
    const { status, out } = await almon.run(['phone', '--help']);
    assert.equal(status, 0);
    for (const word of ['--as NAME', '--answer[=N]', '--link URL', 'Exit status'])
        assert.ok(out.includes(word), word);
    assert.equal((await almon.run(['phone', '--config', almon.config])).status, 2);
});
await finish(almon);
