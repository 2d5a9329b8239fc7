// A server with an Auth Service: a small real one, which answers as the contract's does, is asked about every token.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { Authority, serve, shown } = require('../lib/authority.js');
const { Server, until } = require('../lib/server.js');
const { expect, refused, socket } = require('./clients.js');

// `GET /api/auth/validate` with a Bearer token. It counts what it is asked, and can be out of order. With a certificate it
// is an https server.
async function service(certificate) {
  const known = new Map([
    ['token-of-alice', { user_id: 1, username: 'alice', email: 'alice@example.com' }],
    ['token-of-bob', { user_id: 2, username: 'bob', email: 'bob@example.com' }],
  ]);
  const state = { asked: [], broken: false };
  const validate = (request, answer) => {
    const token = (request.headers.authorization || '').replace(/^Bearer /, '');
    state.asked.push([request.method, request.url, token]);
    const who = known.get(token);
    const [status, body] = state.broken ? [500, { message: 'Failed to validate token' }]
      : who ? [200, who] : [401, { message: 'Invalid or expired token' }];
    answer.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  };
  if (certificate) return { state, ...await serve(certificate, validate) };
  const server = http.createServer(validate);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const end = () => { server.close(); server.closeAllConnections(); };
  return { state, url: `http://127.0.0.1:${server.address().port}`, end };
}

const bearer = (token) => `-H 'Authorization: Bearer ${token}'`;

module.exports = async function authService() {
  await plain();
  await secured();
};

async function plain() {
  const auth = await service();
  const server = await Server.start({ AUTH_SERVICE_URL: auth.url });
  try {
    assert.equal((await expect(server, 200, '$api/')).dev_mode, false);
    assert.deepEqual(await expect(server, 200, `$api/conversations/ ${bearer('token-of-alice')}`), []);
    assert.deepEqual(auth.state.asked[0], ['GET', '/api/auth/validate', 'token-of-alice']);
    await refused(server, 401, 'Invalid or expired token', `$api/conversations/ ${bearer('token-of-mallory')}`);
    await refused(server, 401, 'Authentication required', "$api/conversations/ -H 'X-User-ID: 1' -H 'X-Username: alice'");
    assert.deepEqual(await socket(server, '/ws/2'), { refused: 403 });
    assert.deepEqual(await socket(server, '/ws/2?token=token-of-alice'), { refused: 403 });
    const bob = await socket(server, '/ws/2?token=token-of-bob');
    const sent = await expect(server, 201, `-X POST $api/messages/ ${bearer('token-of-alice')} -d '{"receiver_id":2,"content":"hi"}'`);
    await until('bob hears it', () => bob.news().length === 1);
    assert.deepEqual(bob.news(), [sent]);
    assert.equal((await expect(server, 200, `$api/users/username/alice ${bearer('token-of-bob')}`)).id, 1);
    // The other doors ask the same service.
    const rooms = await socket(server, '/ws/rooms/lobby?token=token-of-alice');
    assert.equal(rooms.refused, undefined);
    assert.ok((await socket(server, '/ws/rooms/lobby?token=token-of-mallory')).refused >= 400);
    // Any answer but 200 is a no, as its contract has it.
    auth.state.broken = true;
    await refused(server, 401, 'Invalid or expired token', `$api/conversations/ ${bearer('token-that-breaks-it')}`);
    // No answer means that nobody can say now, not that a token is bad: whom it has just vouched for is still known.
    auth.end();
    await refused(server, 503, 'Authentication service unavailable', `$api/conversations/ ${bearer('token-not-seen-before')}`);
    assert.equal((await expect(server, 200, `$api/conversations/ ${bearer('token-of-alice')}`)).length, 1);
    await Promise.all([bob.close(), rooms.close()]);
    console.log(`Direct with an Auth Service: it decided about every token, in ${auth.state.asked.length} questions; when it is away, 503`);
  } finally {
    auth.end();
    await server.end();
  }
}

// By https: the service is who an authority says that the operator trusts. Anybody else is shown no token, and then nobody
// is let in.
async function secured() {
  const authority = new Authority();
  try {
    const { good, bad } = shown(authority);
    const trust = { SSL_CERT_FILE: authority.file };
    await asked(good, trust, async (server, state) => {
      assert.deepEqual(await expect(server, 200, `$api/conversations/ ${bearer('token-of-alice')}`), []);
      await refused(server, 401, 'Invalid or expired token', `$api/conversations/ ${bearer('token-of-mallory')}`);
      const bob = await socket(server, '/ws/2?token=token-of-bob');
      assert.equal(bob.refused, undefined);
      assert.deepEqual(state.asked.map(([, , token]) => token), ['token-of-alice', 'token-of-mallory', 'token-of-bob']);
      await bob.close();
    });
    const nobody = async (server, state) => {
      await refused(server, 503, 'Authentication service unavailable', `$api/conversations/ ${bearer('token-of-alice')}`);
      const opened = await Promise.all([socket(server, '/ws/2?token=token-of-bob'), socket(server, '/ws/rooms/lobby?token=token-of-bob')]);
      for (const one of opened) assert.ok(one.refused >= 400, 'no socket');
      assert.deepEqual(state.asked, [], 'and no token was shown');
    };
    for (const certificate of Object.values(bad)) await asked(certificate, trust, nobody);
    // The system's own list knows nothing of this authority.
    await asked(good, {}, nobody);
    // Without any authority there is no start: the operator is told, and by what name.
    await assert.rejects(asked(good, { SSL_CERT_FILE: `${authority.file}.gone` }, nobody), /AUTH_SERVICE_URL.*certificates/s);
    console.log(`Direct with an Auth Service by https: asked where SSL_CERT_FILE vouches for it; nobody let in by one ${Object.keys(bad).join(', ')}`);
  } finally {
    authority.end();
  }
}

// A server that asks a service which shows this, for as long as `use` takes.
async function asked(certificate, settings, use) {
  const auth = await service(certificate);
  try {
    const server = await Server.start({ AUTH_SERVICE_URL: auth.url, ...settings });
    try { await use(server, auth.state); } finally { await server.end(); }
  } finally {
    auth.end();
  }
}
