// The examples, as their READMEs tell how to run them.

import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { ALMON, assert, finish, freePort, ROOT, startFolder, test, until, watch, within } from './common.mjs';
import { Phone as Telephone } from './lib/phone.mjs';

const call = (almon, ...args) => almon.run(['call', '+15550100', '--config', almon.config, '--timeout', '60', ...args]);

await test('almon check finds nothing wrong in them', () => {
    const files = ['examples', 'examples/menu', 'examples/phones'].flatMap((folder) => readdirSync(path.join(ROOT, folder))
        .filter((file) => file.endsWith('.xml')).map((file) => path.join(ROOT, folder, file)));
    assert.ok(files.length > 5);
    execFileSync(ALMON, ['check', ...files], { stdio: 'pipe' });
    return Promise.resolve();
});

const hello = await startFolder('examples', { config: `
account { sid = "AC00000000000000000000000000000001", token = "my-secret" }
gateway { name = "local", token = "link-secret" }
number  { "*", voice = "hello.xml" }
server { http = "127.0.0.1:8080", bridge = "127.0.0.1:8081" }
` });
watch(hello);
await test('hello.xml says hello', async () => {
    const { status, out } = await call(hello);
    assert.equal(status, 0, out);
    assert.match(out, /Hello from your own exchange\./);
});

const menu = await startFolder('examples/menu');
watch(menu);
const menuCalls = [
    test('menu: three levels, to the end', async () => {
        const { status, out } = await call(menu, '--press', '1,2,1');
        assert.equal(status, 0, out);
        assert.match(out, /One large pizza[^]*It will be with you in/);
    }),
    test('menu: a key that is on no menu begins again', async () => {
        const { status, out } = await call(menu, '--press', '7');
        assert.equal(status, 0, out);
        assert.match(out, /There is nothing on that key\.[^]*Pizza Almon[^]*hungry/);
    }),
];

const phones = await startFolder('examples/phones');
watch(phones);
await test('phones: both ring, the first that answers has the call', async () => {
    const alice = await Telephone.open(phones, 'alice');
    const bob = await Telephone.open(phones, 'bob', '--answer=0.5', '--once');
    const caller = call(phones);
    await alice.says('rings: call from', /client:alice/);
    await alice.says('the caller gave up');
    await bob.says('answers');
    bob.keys('h');
    assert.match((await caller).out, /answered[^]*Goodbye\./);
    alice.keys('q');
    await Promise.all([alice.left(), bob.left()]);
});
await test('phones: without any, the caller is told', async () => {
    assert.match((await call(phones)).out, /Nobody is there just now/);
});

const port = await freePort();
const express = await startFolder('examples/express', { edit: (text) => text.replaceAll(':3000', `:${port}`) });
symlinkSync(path.join(ROOT, 'tests/clients/node_modules'), path.join(express.dir, 'node_modules'));
const app = spawn(process.execPath, ['index.mjs'],
    { cwd: express.dir, env: { ...process.env, PORT: String(port), ALMON_TOKEN: 'change-me' }, stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => app.kill());
let said = '';
app.stdout.on('data', (text) => { said += text; });
await test('express: the application starts', () => until(20000, 'its word', () => said.includes('ready on')));

const expressCalls = [
    test('express: the card number is remembered', async () => {
        const { status, out } = await call(express, '--press', '4711#,1');
        assert.equal(status, 0, out);
        assert.match(out, /Card 4 7 1 1: two books\./);
        await until(5000, 'the status callback', () => /completed after \d+ s/.test(said));
    }),
    test('express: a message is taken', async () => {
        const { status, out } = await call(express, '--press', '4711#,2,w4,#');
        assert.equal(status, 0, out);
        assert.match(out, /Thank you\./);
        assert.match(said, /message of \d+ s: http:.*\/Recordings\/RE/);
    }),
    test('express: a request that Almon did not sign is refused', async () => {
        const reply = await within(5000, 'an answer', fetch(`http://127.0.0.1:${port}/voice`, { method: 'POST' }));
        assert.ok([400, 403].includes(reply.status), `${reply.status}`);
    }),
];
await Promise.all([...menuCalls, ...expressCalls]);
app.kill();
await finish(hello, menu, phones, express);
