// Conferences of a running exchange, seen and changed from the command line.

import { spawn } from 'node:child_process';
import { ALMON, assert, finish, startAlmon, test, until, watch, within } from './common.mjs';

const almon = await startAlmon({
    config: `number { "+1555", voice = "room.xml" }
number { "+1666", voice = "boss.xml" }`,
    flows: {
        'room.xml': '<Response><Dial><Conference waitUrl="">Staff</Conference></Dial><Say>Out.</Say></Response>',
        'boss.xml': '<Response><Dial><Conference waitUrl="" participantLabel="boss">Staff</Conference></Dial><Say>Out.</Say></Response>',
        'note.xml': '<Response><Say>Five minutes left.</Say></Response>',
        'hold.xml': '<Response><Say>On hold.</Say></Response>',
    },
});
watch(almon);

const room = (...args) => almon.run(['room', ...args, '--state', almon.state]);
const calls = [];

function call(to) {
    const child = spawn(ALMON, ['call', to], { cwd: almon.dir, stdio: ['ignore', 'pipe', 'pipe'] });
    const live = { out: '', ended: new Promise((resolve) => child.on('exit', resolve)) };
    child.stdout.on('data', (text) => { live.out += text; });
    calls.push(live);
    return live;
}

const members = (n) => until(5000, `${n} in the room`, async () => {
    const { out } = await room();
    return (out.match(/^ {2}CA/gm) ?? []).length === n ? out : undefined;
});

await test('without a conference the list says so', async () => {
    const { status, out } = await room();
    assert.equal(status, 0);
    assert.match(out, /no conference/);
});

let sids;
await test('the list shows rooms and their members in order', async () => {
    call('+1666');
    await members(1);
    call('+1555');
    const out = await members(2);
    assert.match(out, /^CF\w{32} in-progress Staff\n {2}CA\w{32} boss\n {2}CA\w{32}\n$/);
    sids = out.match(/CA\w{32}/g);
});

await test('members are muted, put on hold, and back', async () => {
    assert.equal((await room('Staff', 'mute', sids[1])).status, 0);
    assert.equal((await room('Staff', 'hold', 'boss', 'hold.xml')).status, 0);
    assert.match((await room()).out, /boss held\n {2}CA\w+ muted/);
    await until(5000, 'the hold document', () => calls[0].out.includes('"On hold."'));
    assert.equal((await room('Staff', 'unhold', 'boss')).status, 0);
    assert.equal((await room('Staff', 'unmute', sids[1])).status, 0);
    assert.doesNotMatch((await room()).out, /muted|held/);
});

await test('one hears an announcement', async () => {
    assert.equal((await room('Staff', 'announce', 'note.xml', 'boss')).status, 0);
    await until(5000, 'the announcement', () => calls[0].out.includes('"Five minutes left."'));
    assert.equal((await room('Staff', 'announce', 'note.xml')).status, 0);
});

await test('mistakes are told', async () => {
    for (const args of [['Nobody', 'end'], ['Staff', 'mute', 'nobody'], ['Staff', 'paint', 'boss'],
        ['Staff', 'mute'], ['Staff', 'announce', 'missing.xml']]) {
        const { status, out } = await room(...args);
        assert.equal(status, 1, args.join(' '));
        assert.match(out, /almon: ./);
    }
    assert.equal((await room('Staff')).status, 2);
});

await test('one is kicked, and the conference is ended', async () => {
    assert.equal((await room('Staff', 'kick', sids[1])).status, 0);
    await within(5000, 'the end of his call', calls[1].ended);
    assert.match(calls[1].out, /"Out\."/);
    const sid = (await room()).out.match(/CF\w{32}/)[0];
    assert.equal((await almon.run(['hangup', sid, '--state', almon.state])).status, 0);
    await within(5000, 'the end of the other call', calls[0].ended);
    assert.match(calls[0].out, /"Out\."/);
    const { out } = await almon.run(['trace', sid, '--state', almon.state]);
    assert.match(out, /conference-ended-via-api/);
    assert.match((await room()).out, /no conference/);
});

await finish(almon);
