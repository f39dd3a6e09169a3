'use strict';

const axios = require('axios');

const ENDPOINT = process.env.DATABASE_PROXY || 'http://localhost:9090/query';

/** Run one statement through the database proxy and return its rows. */
async function query(statement, values = []) {
  const answer = await axios.post(ENDPOINT, { statement, values }, { timeout: 10000 });
  return answer.data.rows;
}

module.exports = { query };
