"""Two applications of Express, written to be hard to read by rule."""

from __future__ import annotations

APPLICATIONS = [
    (
        {
        'server.js': (
            "import express, { Router } from 'express';\n"
            "import adminRouter from './admin/index.js';\n"
            "import { usersRouter as ur } from './users.js';\n"
            "import axios from 'axios';\n"
            "const PREFIX = '/api/v1';\n"
            'const app = express();\n'
            'const v1 = Router();\n'
            'app.use(PREFIX, v1);\n'
            "v1.use('/users', auth, ur);\n"
            "v1.use('/admin', adminRouter);\n"
            "// app.get('/dead', (req, res) => res.send('DEAD'));\n"
            "/* app.get('/dead2', x); */\n"
            "app.get(/^\\/files\\/(.+)$/, (req, res) => res.send('REGEX'));\n"
            "app.get('/ext', async (req, res) => {\n"
            "  const r = await axios.get('/internal/thing', { a: 1 }); // CLIENT\n"
            "  await axios.post('/internal/other', body);\n"
            '  res.json(r); // EXT\n'
            '});\n'
            "app.get('/users/:id?', (req, res) => res.send('OPT'));\n"
            "app.get('/a/:from-:to', (req, res) => res.send('FROMTO'));\n"
            "app.get('/dl/*', (req, res) => res.send('SPLAT'));\n"
            "app.put('/multi', mw1, mw2, (req, res) => {\n"
            "  res.send('MULTI');\n"
            '});\n'
            "app.post('/arr', [check('x').isInt(), check('y')], async function named(req, res) { res.send('ARR'); });\n"
            "app.all('/any', (req, res) => res.send('ANY'));\n"
            "app.use('/mw', (req, res) => res.send('MW'));\n"
            "app.get(`/tpl/${name}`, (req, res) => res.send('TPL'));\n"
            'app.get("/num/:n(\\\\d+)", (req, res) => res.send(\'NUM\'));\n'
            "app.get('/setting');\n"
            "http.get('/nothing', cb);\n"
            'export default app;\n'
        ),
        'admin/index.js': """const { Router } = require('express');
const reports = require('./reports');
const router = Router({ mergeParams: true });
router.use('/reports', reports);
router.get('/', (req, res) => res.send('ADMINROOT'));
module.exports = router;
""",
        'admin/reports.js': """var express = require('express'), router = express.Router();
router.get('/:year/:month', show);
async function show(req, res) {
  res.send('REPORT');
}
module.exports = router;
""",
        'users.js': """import { Router } from 'express';
import { UserController } from './controller.js';
export const usersRouter = Router();
const c = new UserController();
usersRouter.get('/:id', c.show);
usersRouter.get('/me', (req, res) => res.send('ME'));
usersRouter.delete('/:id', c.remove.bind(c));
usersRouter.patch('/:id', UserController.patch);
""",
        'controller.js': """export class UserController {
  async show(req, res) {
    res.send('CSHOW');
  }
  remove(req, res) {
    res.send('CREMOVE');
  }
  static async patch(req, res) {
    res.send('CPATCH');
  }
}
""",
        'client/src/Page.jsx': """import { useRouter } from 'next/router';
export async function load() {
  return api.get('/clientonly/1', opts);
}
""",
        'client/src/api.ts': """import axios from 'axios';
import { useRouter } from 'x';
export const f = () => axios.get('/clientonly/2', config);
const c = axios.create(); c.delete('/clientonly/3', cfg);
""",
        },
        [
            ('GET', '/api/v1/users/7', 'CSHOW'),
            ('GET', '/api/v1/users/me', 'ME'),
            ('DELETE', '/api/v1/users/7', 'CREMOVE'),
            ('PATCH', '/api/v1/users/7', 'CPATCH'),
            ('GET', '/api/v1/admin', 'ADMINROOT'),
            ('GET', '/api/v1/admin/reports/2024/05', 'REPORT'),
            ('GET', '/dead', None),
            ('GET', '/dead2', None),
            ('GET', '/files/a/b', 'REGEX'),
            ('GET', '/ext', 'EXT'),
            ('GET', '/internal/thing', None),
            ('POST', '/internal/other', None),
            ('GET', '/users', 'OPT'),
            ('GET', '/users/5', 'OPT'),
            ('GET', '/a/1-2', 'FROMTO'),
            ('GET', '/dl/x/y', 'SPLAT'),
            ('PUT', '/multi', 'MULTI'),
            ('POST', '/arr', 'ARR'),
            ('DELETE', '/any', 'ANY'),
            ('GET', '/mw', 'MW'),
            ('GET', '/tpl/z', 'TPL'),
            ('GET', '/num/4', 'NUM'),
            ('GET', '/setting', None),
            ('GET', '/nothing', None),
            ('GET', '/clientonly/1', None),
            ('GET', '/clientonly/2', None),
            ('DELETE', '/clientonly/3', None),
            ('HEAD', '/ext', 'EXT'),
            ('OPTIONS', '/ext', None),
            ('GET', '/ext/', 'EXT'),
            ('GET', '/ext?a=/b', 'EXT'),
            ('GET', '/EXT', 'EXT'),
        ],
    ),
    (
        {
        'index.ts': """import express from 'express'
import type { Express, Request } from 'express'
import { registerRoutes } from '@/routes'
import * as books from './books/book.routes'
import { Auth } from './auth'
export class Server {
  private app: express.Application
  constructor () {
    this.app = express()
    this.app.get('/ping', this.ping)
    this.app.use('/books', books.default)
    this.app.use('/auth', new Auth().router)
    this.app.route('/chain/:id')
      .all(auth)
      .get((req, res) => { res.send('CHAINGET') })
      .post(this.ping)
  }
  ping = (req: Request, res) => {
    res.send('PING')
  }
}
""",
        'books/book.routes.ts': """import express from 'express'
const route = express.Router({ strict: true })
route.get('/', wrap(async (req, res, next) => {
  res.send('BOOKS')
}))
route.get('/:isbn([0-9]{13})/cover', cover)
function cover (req, res) { res.send('COVER') }
export default route
""",
        'auth.ts': """import { Router } from 'express'
export class Auth {
  public router = Router()
  constructor () { this.router.post('/login', this.login.bind(this)) }
  async login (req, res) {
    res.send('AUTHLOGIN')
  }
}
""",
        'legacy.js': """var app = module.exports = require('express')();
app.get('/legacy/:a/b', function (req, res) { res.send('LEGACY'); });
var v2 = require('express').Router(), v3 = require("express").Router();
app.use(['/v2', '/v-two'], v2);
v2.get('/x', [mw], function (req, res) { res.send('V2X'); });
app.use('/v3', requireAuth, express.json(), v3);
v3.put('/y', (req, res) => {
  fetch('/z').then(() => cache.get('/not-a-route', () => 1));
  res.send('V3Y');
});
app.param('id', (req) => {}); app.set('x', '/y');
redis.get('/key', (err, v) => v);
Object.keys(x).forEach(k => app.get('/dyn/' + k, (req, res) => res.send('DYN')));
""",
        },
        [
            ('GET', '/ping', 'PING'),
            ('GET', '/books', 'BOOKS'),
            ('GET', '/books/9780000000000/cover', 'COVER'),
            ('POST', '/auth/login', 'AUTHLOGIN'),
            ('GET', '/chain/3', 'CHAINGET'),
            ('GET', '/legacy/q/b', 'LEGACY'),
            ('GET', '/v2/x', 'V2X'),
            ('GET', '/v-two/x', 'V2X'),
            ('PUT', '/v3/y', 'V3Y'),
            ('GET', '/not-a-route', None),
            ('GET', '/key', None),
            ('GET', '/dyn/abc', 'DYN'),
            ('GET', '/x', None),
        ],
    ),
]  # fmt: skip
