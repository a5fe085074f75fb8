import express from 'express';
import twilio from 'twilio';

const token = process.env.ALMON_TOKEN ?? 'change-me'; // the account's token in almon.lua
const port = Number(process.env.PORT ?? 3000);

const app = express();
app.use(express.urlencoded({ extended: false }));
app.use(twilio.webhook(token, { protocol: 'http' }));

/** Sends what `build` puts into a new document. */
function answer(res, build) {
    const twiml = new twilio.twiml.VoiceResponse();
    build(twiml);
    res.type('text/xml').send(twiml.toString());
}

app.post('/voice', (_, res) => answer(res, (twiml) => {
    twiml.gather({ finishOnKey: '#', action: '/card' })
        .say('Welcome to the library. Enter your card number, then press hash.');
    twiml.say('Goodbye.');
}));

app.post('/card', (req, res) => {
    res.cookie('card', req.body.Digits); // comes back with every request of this call
    answer(res, (twiml) => {
        twiml.gather({ numDigits: 1, action: '/choice' })
            .say('To hear what you have borrowed, press 1. To leave a message, press 2.');
        twiml.redirect('/voice');
    });
});

app.post('/choice', (req, res) => answer(res, (twiml) => {
    const card = /card=(\d+)/.exec(req.headers.cookie ?? '')?.[1] ?? 'unknown';
    if (req.body.Digits === '1') {
        twiml.say(`Card ${[...card].join(' ')}: two books.`);
    } else if (req.body.Digits === '2') {
        twiml.say('Speak after the tone, then press hash.');
        twiml.record({ finishOnKey: '#', maxLength: 60, action: '/message' });
    } else {
        twiml.redirect('/voice');
    }
}));

app.post('/message', (req, res) => {
    console.log(`message of ${req.body.RecordingDuration} s: ${req.body.RecordingUrl}`);
    answer(res, (twiml) => twiml.say('Thank you.'));
});

app.post('/status', (req, res) => {
    console.log(`call from ${req.body.From}: ${req.body.CallStatus} after ${req.body.CallDuration} s`);
    res.sendStatus(204);
});

app.listen(port, '127.0.0.1', () => console.log(`ready on port ${port}`));
