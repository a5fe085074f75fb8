// almon-sip killed under calls, and the exchange: what is left of them ends with its cause, and those
// who call again are served as soon as both are there again.

import { assert, finish, test, until, watch } from './common.mjs';
import { digest, Phone, startSip } from './lib/sip.mjs';

const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const { almon, gateway } = await startSip({
    flows: { 'stay.xml': xml('<Say>Hello.</Say><Pause length="60"/>') },
    config: `trunk { name = "near", from = "127.0.0.1" }
phone { name = "anna", password = "annas secret" }
number { "+15550106", voice = "stay.xml" }`,
});
watch(almon);
const [phone, anna] = [await Phone.open(gateway), await Phone.open(gateway, '127.0.0.2')];
const call = (from) => phone.call('+15550106', { from: `sip:${from}@elsewhere.test` });

async function register() {
    const d = { ...anna.dialog('anna', 'sip:anna@example.test'), uri: `sip:127.0.0.1:${gateway.port}` };
    const challenge = (await anna.ask('REGISTER', d)).header('www-authenticate');
    assert.equal((await anna.ask('REGISTER', d, { extra: [`Authorization: ${digest({ challenge, method: 'REGISTER',
        uri: d.uri, user: 'anna', password: 'annas secret' })}`] })).status, 200);
}

await test('almon-sip is killed: the exchange ends its calls, and the next call is taken after its start', async () => {
    await register();
    const d = await call('+15550201');
    assert.equal(d.final.status, 200);
    gateway.child.kill('SIGKILL');
    const { lines } = await almon.journal('+15550201');
    assert.ok(JSON.stringify(lines).includes('link-lost'), JSON.stringify(lines.slice(-4)));
    await gateway.ended;
    gateway.log = '';
    await gateway.start();
    assert.equal((await phone.ask('BYE', d)).status, 481, 'of the old call it knows nothing');
    const next = await call('+15550202');
    assert.equal(next.final.status, 200);
    assert.equal((await phone.ask('BYE', next)).status, 200);
    await register();
});

await test('the exchange is killed: its calls are hung up with a reason, others get 503 until it is back', async () => {
    const d = await call('+15550203');
    almon.child.kill('SIGKILL');
    const bye = await phone.next('BYE', (m) => m.method === 'BYE' && m.header('call-id') === d.id);
    assert.equal(bye.header('reason'), 'Q.850;cause=27');
    phone.reply(bye, 200);
    const refused = await call('+15550204');
    assert.equal(refused.final.status, 503);
    assert.equal(refused.final.header('retry-after'), '5');
    await almon.ended;
    const links = gateway.log.split('linked to the exchange').length;
    await almon.start();
    await until(15000, 'a new link', () => gateway.log.split('linked to the exchange').length > links);
    const next = await call('+15550205');
    assert.equal(next.final.status, 200);
    assert.equal((await phone.ask('BYE', next)).status, 200);
});

await test('both stop in order', async () => {
    phone.close();
    anna.close();
    await gateway.stop();
    await almon.stop();
});
await finish();
