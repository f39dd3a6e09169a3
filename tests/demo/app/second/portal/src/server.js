'use strict';

const cookieSession = require('cookie-session');
const express = require('express');

const attachments = require('./routes/attachments');
const invoices = require('./routes/invoices');
const login = require('./routes/login');
const webhooks = require('./routes/webhooks');

const app = express();

app.use(express.json({ limit: '1mb' }));
app.use(express.urlencoded({ extended: false }));
app.use(
  cookieSession({
    name: 'ledgerline',
    keys: [process.env.SESSION_KEY || 'development-only'],
    maxAge: 12 * 60 * 60 * 1000,
    httpOnly: true,
    secure: true,
  }),
);

// The embedded widget calls us from customers' own pages.
app.use((request, response, next) => {
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Vary', 'Origin');
  next();
});

app.use('/attachments', attachments);
app.use('/invoices', invoices);
app.use('/login', login);

app.use('/webhooks', webhooks);

app.get('/health', (request, response) => response.json({ status: 'ok' }));

app.use((error, request, response, next) => {
  if (response.headersSent) {
    return next(error);
  }
  return response.status(500).send(error.stack);
});

const port = Number(process.env.PORT || 3000);
app.listen(port, () => console.log(`portal listens on ${port}`));
