"""Two applications of Fastify, written to be hard to read by rule."""

from __future__ import annotations

APPLICATIONS = [
    (
        {
        'src/app.ts': """import fastify, { FastifyInstance } from 'fastify';
const server: FastifyInstance = fastify({ logger: true });
server.register(async (instance) => {
  instance.get('/inline', async () => 'INLINE');
  instance.register(require('./plugins/orders'), { prefix: '/orders' });
}, { prefix: '/v1' });
server.register(import('./plugins/auth.js'), { prefix: '/auth' });
server.get<{ Querystring: Q }>('/generic', async (req) => 'GENERIC');
server.post('/opts', { schema: { body: x }, preHandler: [a, b] }, async (req, reply) => {
  return 'OPTS';
});
server.route({
  method: ['POST', 'PUT'],
  url: '/routed/:id',
  schema: { params: { id: { type: 'string' } } },
  preHandler: (req, reply, done) => { done() },
  handler: handlers.routed
});
server.get('/wild/*', handler => 'WILD');
""",
        'src/plugins/orders.ts': """import { FastifyPluginAsync } from 'fastify';
const orders: FastifyPluginAsync = async (app, opts) => {
  app.get('/', async () => { return 'ORDERS'; });
  app.delete('/:id', { onRequest: [app.auth] }, async (req) => {
    return 'ORDERDEL';
  });
};
export default orders;
""",
        'src/plugins/auth.js': """async function routes (fastify, options) {
  fastify.post('/login', opts, async (request, reply) => { return 'LOGIN' })
}
module.exports = routes
""",
        },
        [
            ('GET', '/v1/inline', 'INLINE'),
            ('GET', '/v1/orders', 'ORDERS'),
            ('GET', '/v1/orders/', 'ORDERS'),
            ('DELETE', '/v1/orders/3', 'ORDERDEL'),
            ('POST', '/auth/login', 'LOGIN'),
            ('GET', '/generic', 'GENERIC'),
            ('POST', '/opts', 'OPTS'),
            ('PUT', '/routed/4', 'server.route({'),
            ('GET', '/wild/a/b', 'WILD'),
            ('GET', '/orders', None),
        ],
    ),
    (
        {
        'server.js': """'use strict'
const app = require('fastify')({ logger: true })
app.register(require('./routes/v1'), { prefix: '/v1' })
app.register(require('@fastify/static'), { root: x, prefix: '/public/' })
app.get('/', opts, function handler (request, reply) { reply.send('ROOT') })
app.after(() => { app.get('/after', async () => 'AFTER') })
""",
        'routes/v1/index.js': """module.exports = async function (fastify, opts) {
  fastify.register(require('./cats'), { prefix: 'cats' })
  fastify.get('/status', { schema }, async function () { return 'STATUS' })
}
""",
        'routes/v1/cats.js': """const { list, one } = require('../../handlers')
module.exports = function (f, opts, done) {
  f.get('/', list)
  f.get('/:id', { preHandler: f.auth }, one)
  f.route({ method: 'DELETE', url: '/:id', async handler (req) { return 'CATDEL' } })
  done()
}
""",
        'handlers.js': """async function list () {
  return 'CATS'
}
const one = async (req) => {
  return 'CATONE'
}
module.exports = { list, one }
""",
        },
        [
            ('GET', '/', 'ROOT'),
            ('GET', '/after', 'AFTER'),
            ('GET', '/v1/status', 'STATUS'),
            ('GET', '/v1/cats', 'CATS'),
            ('GET', '/v1/cats/5', 'CATONE'),
            ('DELETE', '/v1/cats/5', 'CATDEL'),
            ('GET', '/public/x.js', None),
        ],
    ),
]  # fmt: skip
