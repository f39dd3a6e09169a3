'use strict';

const { execFile } = require('child_process');
const fs = require('fs');
const path = require('path');

const express = require('express');

const router = express.Router();
const FOLDER = '/srv/attachments';

/** A file that belongs to an invoice. */
router.get('/:name', (request, response) => {
  response.sendFile(path.join(FOLDER, request.params.name));
});

/** A small picture of the first page. */
router.get('/:name/thumbnail', (request, response, next) => {
  const source = path.join(FOLDER, path.basename(request.params.name));
  const width = request.query.width || '200';
  execFile('convert', ['-resize', String(Number(width)), `${source}[0]`, 'png:-'], { encoding: 'buffer' }, (error, output) => {
    if (error) {
      return next(error);
    }
    return response.type('png').send(output);
  });
});

/** Names of all the files of one invoice. */
router.get('/', (request, response) => {
  const names = fs.readdirSync(FOLDER).filter((name) => name.startsWith(`${request.query.invoice}-`));
  response.json(names);
});

module.exports = router;
