// Two softphones, joined by a Dial: baresip calls baresip through almon-sip and the exchange, and each
// writes down what it hears.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { assert, finish, pause, test, until, watch } from './common.mjs';
import { Desk, modulesOrSkip } from './lib/baresip.mjs';
import { startSip } from './lib/sip.mjs';
import { readChannels, strength } from './lib/sound.mjs';

const modules = modulesOrSkip(['sndfile.so']);
const xml = (verbs) => `<?xml version="1.0" encoding="UTF-8"?>\n<Response>${verbs}</Response>`;
const { almon, gateway } = await startSip({
    flows: { 'ben.xml': xml('<Dial answerOnBridge="true"><Client>ben</Client></Dial>') },
    config: `phone { name = "anna", password = "annas-secret" }
phone { name = "ben", password = "bens-secret" }
number { "+15550101", voice = "ben.xml" }`,
});
watch(almon);
const desk = (user, hz) => new Desk({
    gateway: gateway.port, modules, user, password: `${user}s-secret`, hz,
    config: 'module sndfile.so',
});
const [anna, ben] = [desk('anna', 700), desk('ben', 1100)];

/** What a desk heard, once it has left. */
function heard(who) {
    const name = readdirSync(who.dir).find((file) => /-dec\.wav$/.test(file));
    assert.ok(name, `${who.dir} holds ${readdirSync(who.dir)}`);
    const { channels, rate } = readChannels(readFileSync(path.join(who.dir, name)));
    return (hz) => strength(channels[0], hz, rate);
}

await test('anna calls ben, and each hears the other', async () => {
    await ben.run(25);
    await until(8000, 'his registration', () => gateway.log.includes('phone ben at 127.0.0.1: registration 200'));
    await anna.run(25, `sip:+15550101@127.0.0.1:${gateway.port}`);
    for (const who of [anna, ben])
        await until(8000, 'sound at both', () => who.log.includes("incoming rtp for 'audio' established"));
    await pause(2500); // they talk
    await ben.leave();
    await until(8000, 'the end of her call', () => /session closed|terminated/.test(anna.log));
    await anna.leave();
    const [a, b] = [heard(anna), heard(ben)];
    assert.ok(a(1100) > 1000 && a(700) < 300, `anna heard 1100 Hz at ${a(1100)}, herself at ${a(700)}`);
    assert.ok(b(700) > 1000 && b(1100) < 300, `ben heard 700 Hz at ${b(700)}, himself at ${b(1100)}`);
});

await test('both programs stop in order', async () => {
    anna.remove();
    ben.remove();
    await gateway.stop();
});
await finish(almon);
