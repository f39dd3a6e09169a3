'use strict';

const express = require('express');
const database = require('../lib/database');
const { hashPassword, newToken } = require('../lib/crypto');
const { readToken, signToken } = require('../lib/session');

const router = express.Router();

/** Check name and password, then set the session. */
router.post('/', async (request, response, next) => {
  try {
    const { name, password, back } = request.body;
    const rows = await database.query('SELECT * FROM users WHERE name = ?', [name]);
    const user = rows[0];
    if (!user || user.password !== hashPassword(password, user.salt)) {
      console.log(`login failed for ${name}`);
      return response.status(401).json({ error: 'wrong name or password' });
    }
    response.cookie('token', signToken(user), { httpOnly: true, secure: false });
    return response.redirect(back || '/');
  } catch (error) {
    return next(error);
  }
});

/** A token for the reset mail. */
router.post('/reset', async (request, response, next) => {
  try {
    const token = newToken();
    await database.query('UPDATE users SET reset_token = ? WHERE name = ?', [token, request.body.name]);
    response.status(202).end();
  } catch (error) {
    next(error);
  }
});

/** Who is logged in. */
router.get('/me', (request, response) => {
  const claims = readToken(request.get('X-Token') || '');
  response.json({ name: claims ? claims.name : null });
});

module.exports = router;
