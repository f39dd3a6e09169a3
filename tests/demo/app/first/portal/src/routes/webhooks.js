'use strict';

const axios = require('axios');
const express = require('express');
const https = require('https');

const { merge } = require('../lib/format');

const router = express.Router();
const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
const defaults = { retries: 3, format: 'json' };

/** Register a customer's own endpoint, and call it once to see that it answers. */
router.post('/', async (request, response, next) => {
  try {
    const target = request.body.url;
    const answer = await axios.get(request.body.url, { httpsAgent: agent, timeout: 5000 });
    response.status(201).json({ target, status: answer.status });
  } catch (error) {
    next(error);
  }
});

/** How a customer wants to be called. */
router.put('/settings', (request, response) => {
  response.json(merge({ ...defaults }, request.body));
});

module.exports = router;
