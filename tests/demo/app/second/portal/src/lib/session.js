'use strict';

const jwt = require('jsonwebtoken');

const JWT_SECRET = process.env.JWT_SECRET;

/** A token that says who the user is. */
function signToken(user) {
  return jwt.sign({ sub: user.id, name: user.name }, JWT_SECRET, { algorithm: 'HS256', expiresIn: '12h' });
}

/** The claims in a token, or null. */
function readToken(token) {
  try {
    return jwt.verify(token, JWT_SECRET, { algorithms: ['HS256'] });
  } catch (error) {
    return null;
  }
}

module.exports = { readToken, signToken };
