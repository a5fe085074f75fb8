// Text messages as people use them: an application in Express whose answers are built by the npm
// package `twilio`, and a gateway on `ws` that carries them. The exchange is killed in between.

import express from 'express';
import { once } from 'node:events';
import twilio from 'twilio';
import { assert, finish, freePort, GATEWAY, SECRET, startAlmon, test, TOKEN, until, watch }
    from './common.mjs';
import { Gateway } from './lib/gateway.mjs';

const { MessagingResponse } = twilio.twiml;
const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
const NUMBER = '+15550100';
const hello = { gateway: GATEWAY, token: SECRET };

// --- the application -------------------------------------------------------------------------

const asked = []; // messages, as the application is told of them
const told = []; // statuses
let hold = null; // a promise that the application waits for before it answers
const app = express();
app.use(express.urlencoded({ extended: false }));
app.use((req, res, next) => {
    const valid = twilio.validateRequest(TOKEN, req.headers['x-twilio-signature'] ?? '',
        origin + req.originalUrl, req.body);
    (req.path === '/status' ? told : asked).push({ ...req.body, valid, cookie: req.headers.cookie ?? '' });
    if (valid)
        next();
    else
        res.status(403).end();
});
app.post('/message', async (req, res) => {
    await hold;
    const twiml = new MessagingResponse();
    for (const word of req.body.Body.split(' '))
        twiml.message({ action: '/status' }, `You said ${word}`);
    res.cookie('first', req.body.MessageSid);
    res.type('text/xml').send(twiml.toString());
});
app.post('/status', (_, res) => res.status(204).end());
const server = app.listen(port, '127.0.0.1');
await once(server, 'listening');

// --- the exchange and its gateway ------------------------------------------------------------

const almon = await startAlmon({
    config: `number { "${NUMBER}", message = "${origin}/message" }\nroute { "+1*", gateway = "${GATEWAY}" }\n` +
        'http { allow = { "127.0.0.1" } }',
});
watch(almon);

let texts = []; // what the gateway was given
let gw;
async function link() {
    gw = await Gateway.open(almon.bridge, hello);
    gw.on('message', (m) => { if (m.type === 'message') texts.push(m); });
}
await link();

let last = 0;
const someone = () => `+1202555${String(++last).padStart(4, '0')}`;
const status = (id, word, more = {}) => gw.say({ type: 'message_status', id, status: word, ...more });
const to = (number) => texts.filter((m) => m.to === number);
const given = (number, count = 1) => until(20000, `${count} texts to ${number}`,
    () => to(number).length >= count && to(number));
const statuses = (sid) => told.filter((s) => s.MessageSid === sid).map((s) => s.MessageStatus);

/** Hands a message over; what the exchange says of it. */
async function text(from, body, more = {}) {
    const id = more.id ?? `t${++last}`;
    const answer = gw.next('message_status', (m) => m.id === id);
    gw.say({ type: 'message', id, from, to: NUMBER, body, ...more });
    return answer;
}

/** What `almon messages` says of one: its line. */
async function listed(words) {
    const { out } = await almon.run(['messages', '--state', almon.state, '-n', '1000']);
    return out.split('\n').find((line) => words.every((word) => line.includes(word)));
}

async function kill() {
    almon.child.kill('SIGKILL');
    await almon.ended;
    texts = [];
}

// --- in order --------------------------------------------------------------------------------

await test('a message reaches the application, its answer the gateway, and what becomes of it the application', async () => {
    const ann = someone();
    assert.equal((await text(ann, 'hello', { params: { FromCity: 'PARIS' } })).status, 'accepted');
    const [reply] = await given(ann);
    assert.deepEqual([reply.from, reply.to, reply.body], [NUMBER, ann, 'You said hello']);
    const request = asked.find((r) => r.From === ann);
    assert.ok(request.valid);
    assert.match(request.MessageSid, /^SM[0-9a-f]{32}$/);
    assert.deepEqual([request.SmsSid, request.SmsMessageSid], [request.MessageSid, request.MessageSid]);
    assert.deepEqual([request.To, request.Body, request.NumMedia, request.NumSegments, request.SmsStatus,
        request.ApiVersion, request.FromCity], [NUMBER, 'hello', '0', '1', 'received', '2010-04-01', 'PARIS']);
    status(reply.id, 'sent');
    await until(10000, 'the callback of sent', () => statuses(reply.id).length === 1);
    status(reply.id, 'delivered');
    await until(10000, 'the callback of delivered', () => statuses(reply.id).length === 2);
    assert.deepEqual(statuses(reply.id), ['sent', 'delivered']);
    assert.ok(told.every((s) => s.valid));
    assert.ok(await listed([reply.id, 'delivered', 'You said hello']));
    assert.ok(await listed([request.MessageSid, 'received']));
});

await test('cookies are those of who writes to the number, from one message to the next', async () => {
    const [ann, bob] = [someone(), someone()];
    for (const [who, word] of [[ann, 'one'], [ann, 'two'], [bob, 'three']]) {
        await text(who, word);
        const [reply] = await given(who);
        texts = texts.filter((m) => m !== reply);
        status(reply.id, 'delivered');
        await until(10000, 'the end of its flow', () => almon.journals()
            .find((j) => j.lines.some((l) => l.e === 'start' && l.body === word))?.lines.at(-1).e === 'end');
    }
    const [first, second, other] = ['one', 'two', 'three'].map((w) => asked.find((r) => r.Body === w));
    assert.equal(first.cookie, '');
    assert.equal(second.cookie, `first=${first.MessageSid}`);
    assert.equal(other.cookie, '');
}, 60000);

await test('a message handed over twice is accepted twice, and answered once', async () => {
    const ann = someone();
    assert.equal((await text(ann, 'once', { id: 'twice' })).status, 'accepted');
    assert.equal((await text(ann, 'once', { id: 'twice' })).status, 'accepted');
    const [reply] = await given(ann);
    status(reply.id, 'delivered');
    await until(10000, 'the end', () => statuses(reply.id).includes('delivered'));
    assert.equal(asked.filter((r) => r.From === ann).length, 1);
    assert.equal(to(ann).length, 1);
});

await test('what the carrier refuses is failed, with its code', async () => {
    const ann = someone();
    await text(ann, 'no');
    const [reply] = await given(ann);
    status(reply.id, 'failed', { code: '30003', text: 'unreachable' });
    const callback = await until(10000, 'the callback', () => told.find((s) => s.MessageSid === reply.id));
    assert.deepEqual([callback.MessageStatus, callback.ErrorCode], ['failed', '30003']);
    assert.ok(await listed([reply.id, 'failed 30003']));
});

// --- killed ----------------------------------------------------------------------------------

await test('killed while the application thinks: it is asked again, and every answer comes once', async () => {
    const ann = someone();
    let release;
    hold = new Promise((go) => { release = go; });
    assert.equal((await text(ann, 'slow coach', { id: 'killed-1' })).status, 'accepted');
    await until(10000, 'the request', () => asked.some((r) => r.From === ann));
    await kill();
    hold = null;
    release();
    await almon.start();
    await link();
    const replies = await given(ann, 2);
    assert.deepEqual(replies.map((m) => m.body).sort(), ['You said coach', 'You said slow']);
    assert.equal((await text(ann, 'slow coach', { id: 'killed-1' })).status, 'accepted');
    for (const reply of replies)
        status(reply.id, 'delivered');
    for (const reply of replies)
        await until(10000, 'the end', () => statuses(reply.id).includes('delivered'));
    const sids = new Set(asked.filter((r) => r.From === ann).map((r) => r.MessageSid));
    assert.equal(sids.size, 1, 'it is the same message');
    assert.equal(to(ann).length, 2);
}, 60000);

await test('killed while answers wait for their gateway: they are sent after it, under the same SIDs', async () => {
    const ann = someone();
    let release;
    hold = new Promise((go) => { release = go; });
    assert.equal((await text(ann, 'first second')).status, 'accepted');
    await until(10000, 'the request', () => asked.some((r) => r.From === ann));
    gw.socket.close();
    await gw.closed;
    hold = null;
    release();
    for (const word of ['first', 'second'])
        await until(20000, 'the store', () => listed([`You said ${word}`, ann, 'queued']));
    const line = await listed(['You said first', ann]);
    await kill();
    await almon.start();
    await link();
    const replies = await given(ann, 2);
    assert.deepEqual(replies.map((m) => m.body).sort(), ['You said first', 'You said second']);
    assert.ok(line.includes(replies.find((m) => m.body === 'You said first').id));
    for (const reply of replies)
        status(reply.id, 'delivered');
    for (const reply of replies)
        await until(10000, 'the end', () => statuses(reply.id).includes('delivered'));
}, 60000);

await test('killed after the gateway has said that it has it: it is not given it again, and its report counts', async () => {
    const [ann, bob] = [someone(), someone()];
    await text(ann, 'mine');
    const [reply] = await given(ann);
    status(reply.id, 'sent');
    await until(20000, 'the store', () => listed([reply.id, 'sent']));
    await kill();
    await almon.start();
    await link();
    await text(bob, 'other'); // a round trip later nothing else has come
    const [other] = await given(bob);
    assert.equal(to(ann).length, 0);
    status(reply.id, 'delivered');
    status(other.id, 'delivered');
    await until(10000, 'the callback', () => statuses(reply.id).includes('delivered'));
    await until(20000, 'the store', () => listed([reply.id, 'delivered']));
}, 60000);

await test('almon trace tells a message from its beginning to its end, over the restart', async () => {
    const sid = asked.find((r) => r.Body === 'slow coach').MessageSid;
    await until(10000, 'the end', () => almon.journals().find((j) => j.sid === sid)?.lines.at(-1).e === 'end');
    const { out } = await almon.run(['trace', sid, '--state', almon.state]);
    assert.match(out, /slow coach/);
    assert.match(out, /goes on after a restart/);
    assert.match(out, /You said coach/);
});

await test('almon text writes to a number and shows what is answered, or why it is refused', async () => {
    gw.socket.close();
    await gw.closed;
    const { status, out } = await almon.run(['text', NUMBER, 'from', 'here', '--wait', '60', '--answers', '2']);
    assert.equal(status, 0, out);
    assert.match(out, /accepted/);
    for (const word of ['from', 'here'])
        assert.ok(out.includes(`reads ${NUMBER} to +15550199: You said ${word}`), out);
    await until(20000, 'the reports', () => listed(['You said here', 'delivered']));
    const refused = await almon.run(['text', '+15550999', 'nobody', '--json']);
    assert.equal(refused.status, 10, refused.out);
    assert.match(refused.out, /"refused".*unroutable/);
}, 90000);

server.closeAllConnections();
server.close();
await finish(almon);
