// The application beside flow.lua: JSON for the flow, markup for the call.
import express from 'express';
import twilio from 'twilio';

const app = express();
const customers = new Map([['+12025550143', { name: 'Ann' }]]);
const orders = [];

app.use(express.json(), express.urlencoded({ extended: false }));

app.get('/customers', (request, response) => {
    const customer = customers.get(request.query.phone);
    if (customer) response.json(customer);
    else response.status(404).json({});
});

app.post('/orders', (request, response) => {
    orders.push(request.body);
    console.log(`order ${orders.length}: ${request.body.boxes} boxes for ${request.body.phone}`);
    response.status(201).json({ number: 1000 + orders.length });
});

// Where the flow redirects to: the same call, now in Express.
app.post('/voice', (request, response) => {
    const twiml = new twilio.twiml.VoiceResponse();
    twiml.say(`This is Express. There are ${orders.length} orders today.`);
    response.type('text/xml').send(twiml.toString());
});

const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', () => console.log(`ready on ${port}`));
