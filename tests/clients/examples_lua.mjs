// examples/lua/express: the Lua flow on the exchange, its data in Express, over real HTTP.

import { spawn } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { assert, finish, freePort, ROOT, startFolder, test, until, watch } from './common.mjs';

const port = await freePort();
const here = (text) => text.replaceAll(':3000', `:${port}`);
const almon = await startFolder('examples/lua/express', { edit: here });
watch(almon);
const flow = path.join(almon.dir, 'flow.lua');
writeFileSync(flow, here(readFileSync(flow, 'utf8')));
symlinkSync(path.join(ROOT, 'tests/clients/node_modules'), path.join(almon.dir, 'node_modules'));
const app = spawn(process.execPath, ['app.mjs'],
    { cwd: almon.dir, env: { ...process.env, PORT: String(port) }, stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => app.kill());
let said = '';
app.stdout.on('data', (text) => { said += text; });

const call = (from, press) => almon.run(['call', '+15550100', '--config', almon.config, '--from', from,
    '--press', press, '--timeout', '60']);

await test('lua and express: the application starts', () => until(20000, 'its word', () => said.includes('ready on')));
await test('lua and express: a known customer orders, then Express takes the call over', async () => {
    const { status, out } = await call('+12025550143', 'w3,1,w2,12,w7,3');
    assert.equal(status, 0, out);
    assert.match(out, /Hello, Ann\.[^]*has the number 1 0 0 1\.[^]*This is Express\. There are 1 orders/);
    assert.match(said, /order 1: 12 boxes for \+12025550143/);
});
await test('lua and express: without the application the flow still answers', async () => {
    app.kill();
    const { status, out } = await call('+12025550143', 'w4,1,w2,3#,w6,9');
    assert.equal(status, 0, out);
    assert.match(out, /Welcome to the apple shop\.[^]*I could not place your order/);
});
await finish(almon);
