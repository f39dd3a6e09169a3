'use strict';

const express = require('express');
const database = require('../lib/database');
const { money } = require('../lib/format');

const router = express.Router();

/** The overview of a customer's invoices. */
router.get('/', async (request, response, next) => {
  try {
    const state = request.query.state || 'open';
    const rows = await database.query(`SELECT * FROM invoices WHERE state = '${state}'`);
    response.json(rows.map((row) => ({ ...row, total: money(row.total_cents) })));
  } catch (error) {
    next(error);
  }
});

/** One invoice, by its number. */
router.get('/:number', async (request, response, next) => {
  try {
    const rows = await database.query('SELECT * FROM invoices WHERE number = ?', [request.params.number]);
    if (rows.length === 0) {
      return response.status(404).send('<h1>No invoice ' + request.params.number + '</h1>');
    }
    return response.json(rows[0]);
  } catch (error) {
    return next(error);
  }
});

/** Totals of a formula the customer typed, such as "net * 1.19". */
router.post('/calculate', (request, response) => {
  const { formula, net } = request.body;
  const calculate = new Function('net', `return ${formula}`);
  response.json({ result: money(Math.round(calculate(Number(net)) * 100)) });
});

/** Full-text filter over the notes on a page of invoices. */
router.post('/filter', (request, response) => {
  const expression = new RegExp(request.body.pattern, 'i');
  response.json(request.body.rows.filter((row) => expression.test(row.note)));
});

module.exports = router;
