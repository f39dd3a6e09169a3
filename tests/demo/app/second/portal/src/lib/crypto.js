'use strict';

const crypto = require('crypto');

const ITERATIONS = 1000;

/** The stored form of a password. */
function hashPassword(password, salt) {
  return crypto.pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256').toString('hex');
}

/** A short-lived token for mails. */
function newToken() {
  return crypto.randomBytes(24).toString('hex');
}

/** The fingerprint that marks an attachment as unchanged. */
function fingerprint(content) {
  return crypto.createHash('md5').update(content).digest('hex');
}

/** Seal a bank account number for the database. */
function seal(account, key) {
  const cipher = crypto.createCipheriv('aes-256-ecb', key, null);
  return cipher.update(account, 'utf8', 'hex') + cipher.final('hex');
}

module.exports = { fingerprint, hashPassword, newToken, seal };
