// An application as people write them for Twilio: Express, with the npm package `twilio` building
// the markup and checking the signature of every request. Almon calls it; callers call Almon.

import express from 'express';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import twilio from 'twilio';
import { ACCOUNT, assert, finish, freePort, GATEWAY, SECRET, startAlmon, test, TOKEN, until, watch }
    from './common.mjs';
import { Gateway } from './lib/gateway.mjs';
import { loudness, melody, readWav, span, tone, wav } from './lib/sound.mjs';

const { VoiceResponse } = twilio.twiml;
const port = await freePort();
const origin = `http://127.0.0.1:${port}`;

// --- the application -------------------------------------------------------------------------

const seen = []; // every request: {path, method, params, cookie, valid, ...}
const app = express();
app.use('/audio', (req, res) => {
    seen.push({ path: req.originalUrl, method: req.method, params: {}, from: '', valid: true });
    res.type('audio/wav').set('ETag', '"tone-1"').set('Cache-Control', 'no-cache');
    if (req.headers['if-none-match'] === '"tone-1"')
        res.status(304).end();
    else
        res.send(wav(tone(700, 400)));
});
// A hop of HTTP itself: it brings no parameters, and the signature of the URL before it.
app.get('/r3/four', (req, res) => {
    seen.push({ path: req.path, method: req.method, params: req.query, from: '', valid: true });
    const twiml = new VoiceResponse();
    twiml.redirect({ method: 'GET' }, 'five');
    res.type('text/xml').send(twiml.toString());
});
app.use(express.urlencoded({ extended: false, verify: (req, _, body) => { req.raw = body.toString(); } }));
app.use((req, res, next) => {
    const signature = req.headers['x-twilio-signature'] ?? '';
    const valid = twilio.validateRequest(TOKEN, signature, origin + req.originalUrl,
        req.method === 'POST' ? req.body : {});
    const params = { ...req.query, ...req.body };
    seen.push({
        path: req.path, method: req.method, params, raw: req.raw, valid, from: params.From,
        cookie: req.headers.cookie ?? '', headers: req.headers,
    });
    if (!valid) {
        res.status(403).send('wrong signature');
        return;
    }
    next();
});

const answer = (build) => (req, res) => {
    const twiml = new VoiceResponse();
    build(twiml, { ...req.query, ...req.body }, req, res);
    res.type('text/xml').send(twiml.toString());
};

// A menu three levels deep; every address in it is relative.
app.post('/menu/start', answer((twiml, params, _, res) => {
    res.cookie('visit', params.CallSid, { httpOnly: true });
    const gather = twiml.gather({ numDigits: 1, action: 'first?from=start&x=a%20b', timeout: 4 });
    gather.say('Press one for accounts & <more>.');
    twiml.say('Nothing was pressed.');
}));
app.post('/menu/first', answer((twiml, params) => {
    if (params.Digits !== '1') {
        twiml.say(`Not ${params.Digits}.`);
        twiml.redirect('start');
        return;
    }
    const gather = twiml.gather({ numDigits: 1, action: '../deeper/second', method: 'GET', timeout: 4 });
    gather.say('Press two for your balance.');
}));
app.get('/deeper/second', answer((twiml, params) => {
    const gather = twiml.gather({ finishOnKey: '#', action: '/deeper/third?chosen=' + params.Digits, timeout: 4 });
    gather.say('Enter your account number, then hash.');
}));
app.post('/deeper/third', answer((twiml, params) => {
    twiml.say(`Account ${params.Digits} has nothing left.`);
    twiml.play('../audio/tone.wav');
    twiml.hangup();
}));

app.post('/record', answer((twiml) => {
    twiml.record({
        action: '/recorded', method: 'GET', finishOnKey: '#', timeout: 0, trim: 'do-not-trim', playBeep: false,
        recordingStatusCallback: '/recording?tag=t+1', recordingStatusCallbackEvent: 'in-progress completed',
    });
}));
app.get('/recorded', answer((twiml) => twiml.say('Thank you.')));
app.post('/recording', (_, res) => res.sendStatus(204));
app.all('/status', (_, res) => res.sendStatus(204));

app.post('/hello', answer((twiml) => twiml.say('Hello.')));
app.post('/broken', (_, res) => res.status(500).type('text/xml').send('<Response><Say>no</Say></Response>'));
app.post('/later', answer((twiml) => twiml.gather({ numDigits: 1, action: '/notxml' }).say('Press any key.')));
app.post('/notxml', (_, res) => res.type('text/xml').send('<Response><Say>half'));
app.post('/fallback', answer((twiml, params) => twiml.say(`Error ${params.ErrorCode}.`)));
app.post('/guarded', (req, res, next) => {
    if (req.headers.authorization === `Basic ${Buffer.from('me:p w').toString('base64')}`)
        return next();
    res.set('WWW-Authenticate', 'Basic realm="flows"').status(401).end();
}, answer((twiml) => twiml.say('You may.')));
app.post('/plain', (_, res) => res.type('text/plain').send('Five < six & "so" on.'));
app.post('/sound', (_, res) => res.type('audio/wav').send(wav(tone(1000, 600))));
app.post('/r/one', answer((twiml) => twiml.redirect({ method: 'GET' }, '../r2/two?step=2')));
app.get('/r2/two', answer((twiml) => twiml.redirect({ method: 'POST' }, 'thrée?x=%2B1&y=ü')));
app.post('/r2/thr%C3%A9e', (_, res) => res.redirect(303, '/r3/four'));
app.get('/r3/five', answer((twiml) => twiml.say('The end.')));

const server = app.listen(port, '127.0.0.1');
await once(server, 'listening');

// --- the exchange ----------------------------------------------------------------------------

const NUMBERS = {
    menu: `voice = "${origin}/menu/start?tenant=a%20b&q=1"`,
    record: `voice = "${origin}/record"`,
    status: `voice = "${origin}/hello", status_callback = "${origin}/status?all=yes", ` +
        'status_callback_events = { "initiated", "ringing", "answered", "completed" }',
    last: `voice = "${origin}/hello", status_callback = "${origin}/status", status_callback_method = "GET"`,
    broken: `voice = "${origin}/broken?a=1", voice_fallback = "${origin}/fallback"`,
    later: `voice = "${origin}/later", voice_fallback = "${origin}/fallback"`,
    sorry: `voice = "${origin}/broken", voice_fallback = "${origin}/notxml"`,
    plain: `voice = "${origin}/plain"`,
    sound: `voice = "${origin}/sound"`,
    redirects: `voice = "${origin}/r/one"`,
    guarded: `voice = "http://me:p%20w@127.0.0.1:${port}/guarded"`,
    unsigned: `voice = "${origin}/hello", account = "AC0000000000000000000000000000000f"`,
};
const to = Object.fromEntries(Object.keys(NUMBERS).map((name, i) => [name, `+1555020${String(i).padStart(2, '0')}`]));
const almon = await startAlmon({
    config: `account { sid = "AC0000000000000000000000000000000f", token = "another-token" }\n` +
        Object.entries(NUMBERS).map(([name, keys]) => `number { "${to[name]}", ${keys} }`).join('\n'),
});
watch(almon);
const gw = await Gateway.open(almon.bridge, { gateway: GATEWAY, token: SECRET, prompts: true });

let callers = 0;
const newCaller = () => `+1555880${String(callers++).padStart(4, '0')}`;
const call = (name, options = {}) => gw.call(to[name], { from: newCaller(), ...options });
const requests = (from, where) => seen.filter((r) => r.from === from && (!where || r.path === where));
const spoken = (c) => c.messages.filter((m) => m.type === 'prompt' && m.state === 'begin').map((m) => m.text);

// Tests whose calls run beside each other.
const many = [];
const also = (name, body) => many.push(test(name, body));

// --- menus -----------------------------------------------------------------------------------

also('almon call goes three menus deep', async () => {
    const from = newCaller();
    const { status, out } = await almon.run(['call', to.menu, '--config', almon.config, '--from', from,
        '--press', '1,2,42#', '--save', path.join(almon.dir, 'heard.wav'), '--timeout', '30']);
    assert.equal(status, 0, out);
    assert.match(out, /Press one for accounts & <more>\./);
    assert.match(out, /Account 42 has nothing left\./);
    assert.deepEqual(requests(from).map((r) => `${r.method} ${r.path} ${r.params.Digits ?? '-'}`),
        ['POST /menu/start -', 'POST /menu/first 1', 'GET /deeper/second 2', 'POST /deeper/third 42']);
    const heard = readWav(readFileSync(path.join(almon.dir, 'heard.wav')));
    assert.ok(span(heard.samples, heard.rate).ms > 4000, 'speech was saved');
    assert.equal(melody(heard.samples, [700], heard.rate).at(-1)?.frequency, 700);
});

also('a gateway on ws goes three menus deep, with cookies of its own', async () => {
    const c = call('menu');
    for (const [n, keys] of [[1, '1'], [2, '2'], [3, '4711#']]) {
        await c.prompt(n);
        c.press(keys);
    }
    assert.equal(await c.over(), 'normal');
    const mine = requests(c.from);
    assert.deepEqual(mine.map((r) => r.path), ['/menu/start', '/menu/first', '/deeper/second', '/deeper/third']);
    assert.deepEqual(mine[3].params.Digits, '4711');
    assert.deepEqual(mine[3].params.chosen, '2');
    assert.equal(mine[0].cookie, '', 'no cookie of another call');
    for (const r of mine.slice(1))
        assert.equal(r.cookie, `visit=${mine[0].params.CallSid}`);
    assert.deepEqual(spoken(c).slice(0, 4), ['Press one for accounts & <more>.', 'Press two for your balance.',
        'Enter your account number, then hash.', 'Account 4711 has nothing left.']);
});

also('a wrong key goes round, no key falls through', async () => {
    const c = call('menu');
    await c.prompt(1);
    c.press('7');
    await c.prompt(3); // "Not 7.", and the menu again
    assert.equal(await c.over(), 'normal');
    assert.deepEqual(requests(c.from).map((r) => r.path), ['/menu/start', '/menu/first', '/menu/start']);
    assert.deepEqual(spoken(c), ['Press one for accounts & <more>.', 'Not 7.', 'Press one for accounts & <more>.',
        'Nothing was pressed.']);
});

also('requests carry the standard parameters, and what the gateway knows', async () => {
    const c = call('menu', { fields: {
        caller_name: 'Ann & Co', forwarded_from: '+15550777', call_token: 'tok=1',
        params: { FromCity: 'São Paulo', FromCountry: 'BR', 'SipHeader_X-Id': 'a b', Evil: 'x' },
    } });
    await c.prompt(1);
    c.hangup();
    const [first] = requests(c.from);
    const { params } = first;
    assert.match(params.CallSid, /^CA[0-9a-f]{32}$/);
    assert.equal(params.AccountSid, ACCOUNT);
    assert.equal(params.To, to.menu);
    assert.equal(params.Called, to.menu);
    assert.equal(params.Caller, c.from);
    assert.equal(params.CallStatus, 'ringing');
    assert.equal(params.ApiVersion, '2010-04-01');
    assert.equal(params.Direction, 'inbound');
    assert.equal(params.CallerName, 'Ann & Co');
    assert.equal(params.ForwardedFrom, '+15550777');
    assert.equal(params.CallToken, 'tok=1');
    assert.equal(params.FromCity, 'São Paulo');
    assert.equal(params.CallerCountry, 'BR');
    assert.equal(params['SipHeader_X-Id'], 'a b');
    assert.equal(params.Evil, undefined);
    assert.equal(params.tenant, 'a b');
    assert.match(first.raw, /From=%2B1555880/);
    assert.match(first.headers['content-type'], /^application\/x-www-form-urlencoded/);
    assert.ok(first.headers['i-twilio-idempotency-token']);
});

also('the first request rings, later ones are in progress', async () => {
    const c = call('menu');
    await c.prompt(1);
    c.press('1');
    await c.prompt(2);
    c.hangup();
    assert.deepEqual(requests(c.from).map((r) => r.params.CallStatus), ['ringing', 'in-progress']);
});

also('each number signs with the token of its account', async () => {
    const c = call('unsigned');
    assert.equal(await c.over(), 'normal');
    const [first] = requests(c.from);
    assert.equal(first.valid, false); // the application knows the other account's token only
    assert.equal(first.params.AccountSid, 'AC0000000000000000000000000000000f');
    first.expected = true;
});

// --- Record ----------------------------------------------------------------------------------

also('Record: its callbacks, its action, and the file as .wav, .mp3 and .json', async () => {
    const c = call('record');
    await c.answered;
    await c.speak(tone(440, 2400));
    c.press('#');
    assert.equal(await c.over(), 'normal');
    const [action] = requests(c.from, '/recorded');
    assert.equal(action.method, 'GET');
    assert.equal(action.params.Digits, '#');
    assert.match(action.params.RecordingDuration, /^[23]$/);

    const { CallSid, RecordingUrl, RecordingSid } = action.params;
    const told = () => seen.filter((r) => r.path === '/recording' && r.params.CallSid === CallSid);
    await until(5000, 'both callbacks', () => told().length === 2);
    assert.deepEqual(told().map((r) => r.params.RecordingStatus), ['in-progress', 'completed']);
    const done = told()[1].params;
    assert.equal(done.RecordingSid, RecordingSid);
    assert.equal(done.RecordingUrl, RecordingUrl);
    assert.equal(done.RecordingChannels, '1');
    assert.equal(done.RecordingSource, 'RecordVerb');
    assert.equal(done.tag, 't 1');
    assert.ok(Date.parse(done.RecordingStartTime) > Date.now() - 60000);
    assert.equal(RecordingUrl, `${almon.url}/2010-04-01/Accounts/${ACCOUNT}/Recordings/${RecordingSid}`);

    const basic = (user, password) => ({ Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });
    const right = basic(ACCOUNT, TOKEN);
    const get = (suffix, headers) => fetch(RecordingUrl + suffix, { headers, signal: AbortSignal.timeout(5000) });
    for (const headers of [{}, basic(ACCOUNT, 'guess'), basic('AC0000000000000000000000000000000f', 'another-token')]) {
        const refused = await get('.wav', headers);
        assert.ok([401, 404].includes(refused.status), `${refused.status}`);
        assert.ok(!(await refused.text()).startsWith('RIFF'));
    }
    assert.match((await get('', {})).headers.get('www-authenticate'), /^Basic/);
    for (const suffix of ['', '.wav']) {
        const reply = await get(suffix, right);
        assert.equal(reply.status, 200);
        assert.match(reply.headers.get('content-type'), /^audio\/(x-)?wave?/);
        const { rate, samples } = readWav(Buffer.from(await reply.arrayBuffer()));
        assert.ok(Math.abs(samples.length / rate - 2.4) < 0.3, `${samples.length / rate} s`);
        assert.deepEqual(melody(samples, [440, 880], rate).map((t) => t.frequency), [440]);
    }
    const mp3 = await get('.mp3', right);
    assert.equal(mp3.headers.get('content-type'), 'audio/mpeg');
    const bytes = Buffer.from(await mp3.arrayBuffer());
    assert.ok(bytes.toString('latin1', 0, 3) === 'ID3' || (bytes[0] === 0xff && (bytes[1] & 0xe0) === 0xe0), 'an MP3');
    const facts = await (await get('.json', right)).json();
    assert.equal(facts.sid, RecordingSid);
    assert.equal(facts.call_sid, CallSid);
    assert.equal(facts.duration, done.RecordingDuration);
    assert.equal((await fetch(`${RecordingUrl.slice(0, -4)}0000.wav`, { headers: right })).status, 404);
});

also('Record: who hangs up has left his message, and the action is told', async () => {
    const c = call('record');
    await c.answered;
    await c.speak(tone(440, 1500));
    c.hangup();
    const [action] = await until(10000, 'the action', () => {
        const found = requests(c.from, '/recorded');
        return found.length > 0 && found;
    });
    assert.equal(action.params.Digits, 'hangup');
    assert.equal(action.params.CallStatus, 'completed');
    const { lines } = await almon.journal(c.from);
    assert.ok(lines.some((l) => l.e === 'recording' && l.state === 'completed'));
});

// --- callbacks -------------------------------------------------------------------------------

also('status callbacks tell of the whole call, in order', async () => {
    const c = call('status');
    assert.equal(await c.over(), 'normal');
    const told = () => requests(c.from, '/status').sort((a, b) => a.params.SequenceNumber - b.params.SequenceNumber);
    await until(5000, 'four callbacks', () => told().length === 4);
    assert.deepEqual(told().map((r) => r.params.CallStatus), ['initiated', 'ringing', 'in-progress', 'completed']);
    assert.deepEqual(told().map((r) => r.params.SequenceNumber), ['0', '1', '2', '3']);
    for (const { params, method } of told()) {
        assert.equal(method, 'POST');
        assert.equal(params.CallbackSource, 'call-progress-events');
        assert.ok(Math.abs(Date.parse(params.Timestamp) - Date.now()) < 60000, params.Timestamp);
        assert.equal(params.all, 'yes');
    }
    assert.equal(told()[2].params.CallDuration, undefined);
    assert.match(told()[3].params.CallDuration, /^\d$/);
    assert.equal(told()[3].params.Duration, '1');
});

also('without a list of events only the end is told', async () => {
    const c = call('last');
    await c.over();
    await almon.journal(c.from);
    const told = requests(c.from, '/status');
    assert.deepEqual(told.map((r) => `${r.method} ${r.params.CallStatus}`), ['GET completed']);
});

// --- failures and other answers --------------------------------------------------------------

also('name and password in a URL are given when asked for, and are not signed', async () => {
    const c = call('guarded');
    assert.equal(await c.over(), 'normal');
    assert.deepEqual(spoken(c), ['You may.']);
    const told = requests(c.from, '/guarded');
    assert.deepEqual(told.map((r) => Boolean(r.headers.authorization)), [false, true]);
    assert.doesNotMatch(almon.log, /p%20w/);
});

also('a failing flow is replaced by its fallback, which is told why', async () => {
    const c = call('broken');
    assert.equal(await c.over(), 'normal');
    assert.deepEqual(spoken(c), ['Error 11200.']);
    const [fallback] = requests(c.from, '/fallback');
    assert.equal(fallback.params.ErrorUrl, `${origin}/broken?a=1`);
    assert.match(fallback.params.CallSid, /^CA/);
});

also('an action that fails in the middle of a call takes the fallback too', async () => {
    const c = call('later');
    await c.prompt(1);
    c.press('5');
    assert.equal(await c.over(), 'normal');
    const [fallback] = requests(c.from, '/fallback');
    assert.equal(fallback.params.ErrorCode, '12100');
    assert.equal(fallback.params.ErrorUrl, `${origin}/notxml`);
    assert.equal(fallback.params.Digits, '5');
});

also('when the fallback fails as well, the caller hears an apology', async () => {
    const c = call('sorry');
    assert.equal(await c.over(), 'normal');
    assert.match(spoken(c)[0], /application error/i);
    assert.ok(loudness(c.heard()) > 100);
});

also('a plain text answer is spoken', async () => {
    const c = call('plain');
    assert.equal(await c.over(), 'normal');
    assert.deepEqual(spoken(c), ['Five < six & "so" on.']);
});

also('an audio answer is played', async () => {
    const c = call('sound');
    assert.equal(await c.over(), 'normal');
    assert.deepEqual(melody(c.heard(), [440, 700, 1000]), [{ frequency: 1000, ms: 600 }]);
});

also('Redirect: GET and POST, relative URLs, and redirects of HTTP', async () => {
    const c = call('redirects');
    assert.equal(await c.over(), 'normal');
    const path = seen.filter((r) => r.from === c.from || r.path === '/r3/four');
    assert.deepEqual(path.map((r) => `${r.method} ${r.path}`),
        ['POST /r/one', 'GET /r2/two', 'POST /r2/thr%C3%A9e', 'GET /r3/four', 'GET /r3/five']);
    assert.equal(path[2].params.x, '+1');
    assert.equal(path[2].params.y, 'ü');
});

await Promise.all(many);

await test('a played file is asked for again only to see whether it changed', async () => {
    const before = seen.filter((r) => r.path.startsWith('/audio')).length;
    const c = call('menu');
    for (const [n, keys] of [[1, '1'], [2, '2'], [3, '1#']]) {
        await c.prompt(n);
        c.press(keys);
    }
    assert.equal(await c.over(), 'normal');
    assert.equal(seen.filter((r) => r.path.startsWith('/audio')).length, before + 1);
    assert.equal(melody(c.heard(), [700]).at(-1)?.frequency, 700);
});

await test('every request was signed so that Twilio\'s own library accepts it', async () => {
    const wrong = seen.filter((r) => !r.valid && !r.expected);
    assert.deepEqual(wrong.map((r) => `${r.method} ${r.path}`), []);
    assert.ok(seen.length > 40, `${seen.length} requests`);
    for (const what of ['POST /status', 'GET /status', 'POST /recording', 'GET /recorded', 'POST /fallback'])
        assert.ok(seen.some((r) => `${r.method} ${r.path}` === what), what);
    assert.deepEqual(gw.errors, []);
    await gw.close();
});

server.closeAllConnections?.();
server.close();
await finish(almon);
