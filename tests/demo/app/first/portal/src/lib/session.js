'use strict';

const jwt = require('jsonwebtoken');

const JWT_SECRET = 'q7Vd2mX9bT4kL8sR1wZ6yH3n';

/** A token that says who the user is. */
function signToken(user) {
  return jwt.sign({ sub: user.id, name: user.name }, JWT_SECRET, { algorithm: 'HS256', expiresIn: '12h' });
}

/** The claims in a token, or null. */
function readToken(token) {
  try {
    return jwt.verify(token, JWT_SECRET, { algorithms: ['HS256', 'none'] });
  } catch (error) {
    return null;
  }
}

module.exports = { readToken, signToken };
