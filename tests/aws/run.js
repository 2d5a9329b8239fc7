// The AWS SDK's client of connections, unmodified, against the real binary: it speaks to connections, looks at them and
// closes them, signed and refused; and a back end that is told of connections, as a Lambda function is, and answers
// through the SDK.
//
//   node tests/aws/run.js        SWITCHBOARD_BINARY says which binary
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { mkdtempSync, rmSync } = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');
const {
  ApiGatewayManagementApiClient, DeleteConnectionCommand, GetConnectionCommand, PostToConnectionCommand,
} = require('@aws-sdk/client-apigatewaymanagementapi');
const WebSocket = require('ws');
const { Authority, serve, shown } = require('../lib/authority.js');
const curls = require('./curl.js');

const PATIENCE_MS = 20_000;
const ROOT = path.join(__dirname, '..', '..');
const BINARY = path.resolve(ROOT, process.env.SWITCHBOARD_BINARY || 'target/release/switchboard');
const KEY = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

// ---- The server ---------------------------------------------------------------------------------------------------

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => resolve(port)); });
  });
}

async function until(what, holds, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// A server with these settings, for as long as `use` takes.
async function served(settings, use) {
  const [port, data] = [await freePort(), mkdtempSync(path.join(tmpdir(), 'switchboard-aws-'))];
  const env = { PATH: process.env.PATH, PORT: String(port), DATA_DIR: path.join(data, 'data'), SHARDS: '2', ...settings };
  const child = spawn(BINARY, [], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let trouble = '';
  child.stderr.on('data', (bytes) => { trouble = (trouble + bytes).slice(-4096); });
  try {
    await until('the server serves', () => new Promise((resolve, reject) => {
      if (child.exitCode !== null) return reject(new Error(`the server has ended: ${trouble}`));
      http.get(`http://127.0.0.1:${port}/health`, (answer) => { answer.resume(); resolve(answer.statusCode === 200); })
        .on('error', () => resolve(false));
    }));
    await use(port);
  } finally {
    if (child.exitCode === null) await new Promise((resolve) => { child.once('exit', resolve); child.kill('SIGKILL'); });
    rmSync(data, { recursive: true });
  }
}

// ---- Clients ------------------------------------------------------------------------------------------------------

const api = (port, credentials = KEY, more = {}) => new ApiGatewayManagementApiClient({
  endpoint: `http://127.0.0.1:${port}/production`, region: 'us-east-1', credentials, maxAttempts: 1, ...more,
});

// An open socket, what it was told, who came and went meanwhile (this door's own word, at any time), and its name. The
// platform tells a client its name with the frame for a route that nobody has.
async function connect(port, user, named = true) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/production?userId=${user}`, { headers: { 'user-agent': 'a test' } });
  const client = { socket, told: [], present: [], closed: null, id: null };
  socket.on('message', (data) => {
    const text = data.toString();
    (text.startsWith('{"type":"presence"') ? client.present : client.told).push(text);
  });
  socket.on('close', (code) => { client.closed = code; });
  await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
  if (named) {
    socket.send('{"action":"nobody has this"}');
    await until('a connection is named', () => client.told.length > 0);
    const told = JSON.parse(client.told.shift());
    assert.equal(told.message, 'Forbidden');
    assert.match(told.connectionId, /^[A-Za-z0-9_-]+=$/);
    assert.match(told.requestId, /^[A-Za-z0-9_-]+=$/);
    client.id = told.connectionId;
  }
  return client;
}

const refused = (name, status) => (error) => {
  assert.equal(error.name, name, String(error));
  assert.equal(error.$metadata.httpStatusCode, status);
  return true;
};

// A request without an SDK.
function plain(port, method, target, headers = {}, body = '') {
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', method, path: target, headers }, (answer) => {
      let text = '';
      answer.on('data', (data) => { text += data; });
      answer.on('end', () => resolve({ status: answer.statusCode, kind: answer.headers['x-amzn-errortype'], text }));
    });
    request.on('error', reject).end(body);
  });
}

// ---- What is shown ------------------------------------------------------------------------------------------------

async function speaks(port) {
  const began = Date.now();
  const sdk = api(port);
  const [anna, ben] = [await connect(port, 'anna'), await connect(port, 'ben')];
  assert.notEqual(anna.id, ben.id);
  const post = (client, Data) => sdk.send(new PostToConnectionCommand({ ConnectionId: client.id, Data }));
  for (let number = 0; number < 100; number += 1) await post(anna, `{"number":${number}}`);
  const said = await post(anna, Buffer.from('grüße 🚀'));
  assert.equal(said.$metadata.httpStatusCode, 200);
  await until('everything is told', () => anna.told.length === 101);
  anna.told.slice(0, 100).forEach((text, number) => assert.equal(text, `{"number":${number}}`));
  assert.equal(anna.told[100], 'grüße 🚀');
  assert.deepEqual(ben.told, []);
  assert.deepEqual([anna.present, ben.present], [['{"type":"presence","data":{"userId":"ben","isOnline":true}}'], []]);
  await post(ben, 'x'.repeat(128 * 1024));
  await until('the longest message is told', () => ben.told.length === 1);
  assert.equal(ben.told[0].length, 128 * 1024);
  await assert.rejects(post(ben, 'x'.repeat(128 * 1024 + 1)), refused('PayloadTooLargeException', 413));

  const seen = await sdk.send(new GetConnectionCommand({ ConnectionId: anna.id }));
  assert.ok(seen.ConnectedAt instanceof Date && seen.LastActiveAt instanceof Date);
  assert.ok(seen.ConnectedAt >= began - 1000 && seen.ConnectedAt <= Date.now(), String(seen.ConnectedAt));
  assert.ok(seen.LastActiveAt >= seen.ConnectedAt && seen.LastActiveAt <= Date.now());
  assert.deepEqual(seen.Identity, { SourceIp: '127.0.0.1', UserAgent: 'a test' });

  const gone = await sdk.send(new DeleteConnectionCommand({ ConnectionId: anna.id }));
  assert.equal(gone.$metadata.httpStatusCode, 204);
  assert.ok(gone.$metadata.requestId);
  await until('a connection is closed', () => anna.closed === 1000);
  for (const command of [
    new PostToConnectionCommand({ ConnectionId: anna.id, Data: 'x' }), new GetConnectionCommand({ ConnectionId: anna.id }),
    new DeleteConnectionCommand({ ConnectionId: anna.id }), new GetConnectionCommand({ ConnectionId: 'S9r92dKZIAMCJ5w=' }),
    new GetConnectionCommand({ ConnectionId: 'a/b c' }),
  ]) await assert.rejects(sdk.send(command), refused('GoneException', 410));
  ben.socket.close(1001);
  await until('the other is gone, too', async () => {
    const looked = await sdk.send(new GetConnectionCommand({ ConnectionId: ben.id })).catch((error) => error);
    return looked.name === 'GoneException';
  });
}

async function refuses(port) {
  const anna = await connect(port, 'anna');
  const target = `/production/@connections/${encodeURIComponent(anna.id)}`;
  const command = () => new PostToConnectionCommand({ ConnectionId: anna.id, Data: 'x' });
  const others = [
    { ...KEY, secretAccessKey: `${KEY.secretAccessKey}x` }, { ...KEY, accessKeyId: 'AKIDOTHER' },
  ];
  for (const credentials of others) await assert.rejects(api(port, credentials).send(command()), refused('ForbiddenException', 403));
  // Ten minutes behind.
  await assert.rejects(api(port, KEY, { systemClockOffset: -600_000 }).send(command()), refused('ForbiddenException', 403));
  for (const headers of [{}, { 'x-api-key': 'anna' }, { authorization: 'Bearer anna' }]) {
    const answer = await plain(port, 'POST', target, headers, 'x');
    assert.deepEqual([answer.status, answer.kind], [403, 'ForbiddenException']);
  }
  // What was signed is good once more, and for nothing else.
  let signed = null;
  const sdk = api(port);
  sdk.middlewareStack.add((next) => async (args) => { signed = args.request; return next(args); }, { step: 'finalizeRequest', priority: 'low' });
  await sdk.send(command());
  assert.ok(signed.headers.authorization, 'the last to see it sees it signed');
  const again = (method, to, body) => plain(port, method, to, signed.headers, body);
  assert.equal((await again('POST', target, 'x')).status, 200);
  assert.equal((await again('POST', target, 'y')).status, 403);
  assert.equal((await again('POST', `${target}?a=b`, 'x')).status, 403);
  assert.equal((await again('DELETE', target, 'x')).status, 403);
  assert.equal((await plain(port, 'PUT', target, {}, 'x')).status, 405);
  await until('what was allowed was said', () => anna.told.length === 2);
  assert.deepEqual(anna.told, ['x', 'x']);
  anna.socket.close();
}

async function shells(port) {
  const anna = await connect(port, 'anna');
  const said = await curls(port, KEY, anna.id);
  await until('what curl said is told', () => anna.told.length === said.length);
  assert.deepEqual(anna.told, said);
  anna.socket.close();
}

async function paths(port) {
  const anna = await connect(port, 'anna');
  // Without a key of the operator's, development mode takes anything from this machine, also without a signature.
  for (const target of [`/production/@connections/${anna.id}`, `/production/%40connections/${encodeURIComponent(anna.id)}`]) {
    assert.equal((await plain(port, 'POST', target, {}, 'hi')).status, 200, target);
  }
  await api(port, { accessKeyId: 'any', secretAccessKey: 'thing' }).send(new PostToConnectionCommand({ ConnectionId: anna.id, Data: 'hi' }));
  await until('all is told', () => anna.told.length === 3);
  const foreign = await plain(port, 'POST', `/production/@connections/${anna.id}`, { origin: 'https://evil.example' }, 'hi');
  assert.equal(foreign.status, 403, 'no page of others');
  const proxied = await plain(port, 'POST', `/production/@connections/${anna.id}`, { 'x-forwarded-for': '203.0.113.7' }, 'hi');
  assert.equal(proxied.status, 403, 'and nobody else');
  assert.equal(anna.told.length, 3);
  anna.socket.close();
}

// A back end as a Lambda function would be one: told by proxy events, and speaking by the SDK.
async function integrates() {
  const events = [];
  const backend = http.createServer((request, answer) => {
    let text = '';
    request.on('data', (data) => { text += data; });
    request.on('end', async () => {
      const event = JSON.parse(text);
      events.push(event);
      const { routeKey, connectionId, domainName, stage } = event.requestContext;
      const sdk = new ApiGatewayManagementApiClient({ endpoint: `http://${domainName}/${stage}`, region: 'us-east-1', credentials: KEY });
      let result = { statusCode: 200 };
      if (routeKey === '$connect' && event.queryStringParameters.userId === 'mallory') result = { statusCode: 403 };
      if (routeKey === 'orders') {
        await sdk.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: `{"order":${JSON.parse(event.body).number}}` }));
        result = { statusCode: 200, body: '{"done":true}' };
      }
      answer.end(JSON.stringify(result));
    });
  });
  await new Promise((resolve) => { backend.listen(0, '127.0.0.1', resolve); });
  await served({
    GATEWAY_ACCESS_KEYS: `${KEY.accessKeyId}:${KEY.secretAccessKey}`, GATEWAY_ROUTE_RESPONSES: 'true',
    GATEWAY_INTEGRATION_URL: `http://127.0.0.1:${backend.address().port}/events`,
    GATEWAY_INTEGRATION_ROUTES: '$connect,$disconnect,orders',
  }, async (port) => {
    await assert.rejects(connect(port, 'mallory'), /403/);
    const anna = await connect(port, 'anna');
    for (let number = 0; number < 20; number += 1) anna.socket.send(JSON.stringify({ action: 'orders', number }));
    await until('every order is answered', () => anna.told.length === 40);
    for (let number = 0; number < 20; number += 1) {
      assert.deepEqual(anna.told.slice(2 * number, 2 * number + 2), [`{"order":${number}}`, '{"done":true}']);
    }
    anna.socket.close(1001, 'bye');
    await until('the goodbye is told', () => events.some((event) => event.requestContext.routeKey === '$disconnect'));
    const kinds = events.filter((event) => event.requestContext.connectionId === anna.id).map((event) => event.requestContext.eventType);
    assert.deepEqual(kinds, ['CONNECT', ...Array(20).fill('MESSAGE'), 'DISCONNECT']);
    const [first, last] = [events.find((event) => event.requestContext.connectionId === anna.id), events.at(-1)];
    assert.equal(first.headers['User-Agent'], 'a test');
    assert.equal(first.requestContext.identity.sourceIp, '127.0.0.1');
    assert.equal(first.requestContext.stage, 'production');
    assert.equal(last.requestContext.disconnectStatusCode, 1001);
    const ids = events.map((event) => event.requestContext.requestId);
    assert.equal(new Set(ids).size, ids.length);
  });
  backend.closeAllConnections();
  await new Promise((resolve) => { backend.close(resolve); });
}

// By https: the back end is who an authority says that the operator trusts. Anybody else is told of nobody, and an upgrade
// that waits for its answer is refused.
async function secured() {
  const authority = new Authority();
  try {
    const { good, bad } = shown(authority);
    const connects = async (certificate, trust, holds) => {
      let told = 0;
      const backend = await serve(certificate, (request, answer) => { told += 1; answer.end('{"statusCode":200}'); });
      const settings = { GATEWAY_INTEGRATION_URL: `${backend.url}/events`, GATEWAY_INTEGRATION_ROUTES: '$connect', ...trust };
      try { await served(settings, async (port) => { await holds(port); }); } finally { backend.end(); }
      return told;
    };
    const trust = { SSL_CERT_FILE: authority.file };
    assert.equal(await connects(good, trust, async (port) => { (await connect(port, 'anna')).socket.close(); }), 1);
    const nobody = (port) => assert.rejects(connect(port, 'anna'), /Unexpected server response: 5/);
    for (const [what, certificate] of Object.entries(bad)) assert.equal(await connects(certificate, trust, nobody), 0, what);
    assert.equal(await connects(good, {}, nobody), 0, 'the system knows nothing of this authority');
    await assert.rejects(connects(good, { SSL_CERT_FILE: `${authority.file}.gone` }, nobody), /GATEWAY_INTEGRATION_URL.*certificates/s);
  } finally {
    authority.end();
  }
}

async function main() {
  const keys = { GATEWAY_ACCESS_KEYS: `OTHER:something, ${KEY.accessKeyId}:${KEY.secretAccessKey}` };
  await served(keys, async (port) => { await speaks(port); await refuses(port); await shells(port); });
  await served({}, paths);
  await integrates();
  await secured();
  console.log('AWS SDK for JavaScript: posts, looks, closes, refusals, integrations, by https too; curl --aws-sigv4');
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
