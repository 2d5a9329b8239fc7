// Clients of the direct contract against the real binary: the curl lines that its readers type, and a `ws` client on
// /ws/{id}; in development mode, with tokens, and with an Auth Service.
//
//   node tests/direct/run.js                    SWITCHBOARD_BINARY says which binary
//   node tests/direct/run.js --auth-service     the part with an Auth Service only
//   node tests/direct/run.js --self-test        shows that the judges can say no
'use strict';

const assert = require('node:assert/strict');
const { io } = require('socket.io-client');
const { Server, run, until } = require('../lib/server.js');
const authService = require('./auth-service.js');
const { API, curl, expect, issue, refused, socket } = require('./clients.js');
const { greeting, message, onlyRises, selfTest, whole } = require('./judge.js');

const JSON_TYPE = "-H 'Content-Type: application/json'";
const SECRET = 'any text does on loopback';
const KEY = 'the key of the service that syncs';
const PAGED = 250;

const asAlice = "-H 'X-User-ID: 1' -H 'X-Username: alice'";
const asBob = "-H 'X-User-ID: 2' -H 'X-Username: bob'";

const post = (as, body) => `-X POST $api/messages/ ${JSON_TYPE} ${as} -d '${JSON.stringify(body)}'`;

// A message's status as its author sees it, until it is `last`; it never falls on the way.
async function becomes(server, as, { conversation_id: conversation, id }, last) {
  const looks = [];
  const look = async () => {
    const all = await expect(server, 200, `$api/messages/${conversation} ${as}`);
    looks.push(all.find((one) => one.id === id).status);
    return looks.at(-1) === last;
  };
  await until(() => `the status becomes ${last}: ${looks.at(-1)}`, look);
  onlyRises(looks, last);
}

// ---- Development mode: the contract as its quick start has it -------------------------------------------------------

async function development(server) {
  const made = await expect(server, 201, `-X POST $api/users/ ${JSON_TYPE} -d '{"username":"alice"}'`);
  assert.deepEqual([made.username, made.id], ['alice', 1]);
  const other = await expect(server, 201, `-X POST $api/users ${JSON_TYPE} -d '{"username":"bob"}'`);
  assert.deepEqual([other.username, other.id], ['bob', 2]);
  assert.deepEqual(await expect(server, 201, `-X POST $api/users/ -d '{"username":"alice"}'`), made, 'made once');
  await pages(server);

  const bob = await socket(server, '/ws/2');
  await until('bob is greeted', () => bob.told.length === 3);
  greeting(bob.told, 2, [2]);
  const alice = await socket(server, `${API}/ws/1`);
  await until('alice is greeted', () => alice.told.length === 3);
  greeting(alice.told, 1, [1, 2]);
  await until('bob hears that alice has come', () => bob.told.length === 4);
  assert.deepEqual(bob.told[3], { type: 'user_status', user_id: 1, status: 'online' });

  const first = await expect(server, 201, post(asAlice, { receiver_id: 2, content: 'hi' }));
  message(first, { sender_id: 1, content: 'hi', status: 'sent' });
  await until('bob hears it', () => bob.told.length === 5);
  assert.deepEqual(bob.told[4], { type: 'new_message', message: first });
  await becomes(server, asAlice, first, 'delivered');

  const conversation = first.conversation_id;
  for (const slash of ['', '/']) {
    for (const as of [asAlice, asBob]) {
      const [only, ...more] = await expect(server, 200, `$api/conversations${slash} ${as}`);
      assert.deepEqual([more, only.id, only.participant_1_id, only.participant_2_id], [[], conversation, 1, 2]);
      assert.deepEqual([only.participant_1.username, only.participant_2.username], ['alice', 'bob']);
      message(only.last_message, { id: first.id, status: 'delivered' });
      const [shown, ...rest] = await expect(server, 200, `$api/messages/${conversation}${slash} ${as}`);
      assert.deepEqual([shown, rest], [{ ...first, status: 'delivered' }, []]);
    }
    assert.equal((await expect(server, 200, `$api/users/2${slash} ${asAlice}`)).username, 'bob');
    assert.equal((await expect(server, 200, `$api/users/username/bob${slash} ${asAlice}`)).id, 2);
  }

  await bob.close();
  await until('alice hears that bob has gone', () => alice.told.length === 4);
  assert.deepEqual(alice.told[3], { type: 'user_status', user_id: 2, status: 'offline' });
  const missed = ['while you were away', 'and another'];
  for (const content of missed) {
    const sent = await expect(server, 201, `-X POST $api/messages ${asAlice} -d '${JSON.stringify({ receiver_id: 2, content })}'`);
    message(sent, { conversation_id: conversation, status: 'sent' });
  }
  const back = await socket(server, '/ws/2');
  await until('bob gets what he missed', () => back.told.length === 5);
  greeting(back.told, 2, [1, 2], missed);
  await becomes(server, asAlice, back.news()[1], 'delivered');
  await back.close();
  assert.deepEqual(alice.news(), [], 'who sends over REST hears nothing of it on the socket');
  await alice.close();
  await reads(server);
  await wrong(server, conversation);
}

async function pages(server) {
  for (const target of ['$root/', '$api/', '$api']) {
    const info = await expect(server, 200, target);
    assert.deepEqual([info.status, info.dev_mode], ['running', true], target);
    assert.ok(info.service && info.version && info.endpoints, target);
  }
  const info = await expect(server, 200, '$api/');
  assert.equal(info.service, 'messaging-service');
  assert.equal(info.endpoints.websocket, `${API}/ws/{user_id}`);
  for (const target of ['$root/health', '$api/health', '$api/health/']) assert.equal((await expect(server, 200, target)).status, 'healthy');
  const preflight = await curl(server, `-X OPTIONS $api/messages/ -H 'Origin: http://localhost:3000' -H 'Access-Control-Request-Method: POST' `
    + "-H 'Access-Control-Request-Headers: x-user-id, x-username, content-type, authorization'");
  const allowed = (preflight.headers['access-control-allow-headers'] || '').toLowerCase();
  assert.ok(preflight.headers['access-control-allow-origin'], 'the contract\'s frontend on port 3000 may ask');
  for (const name of ['x-user-id', 'x-username', 'content-type', 'authorization']) assert.ok(allowed.includes(name), name);
}

// Reading is said on doors that have a word for it; the status here shows it.
async function reads(server) {
  const gateway = await socket(server, '/production?userId=bob');
  const one = await expect(server, 201, post(asAlice, { receiver_id: 2, content: 'read me at the gateway' }));
  const heard = () => gateway.told.find(({ type, data }) => type === 'message' && data.content === one.content);
  await until('it is heard at the gateway', heard);
  await becomes(server, asAlice, one, 'delivered');
  const { messageId, conversationId } = heard().data;
  gateway.say({ action: 'markRead', conversationId, readerId: 'bob', messageIds: [messageId] });
  await becomes(server, asAlice, one, 'read');
  await gateway.close();

  const events = io(`http://127.0.0.1:${server.port}`, { transports: ['websocket'], reconnection: false, forceNew: true });
  const news = [];
  events.on('new_message', (each) => news.push(each));
  events.on('connect', () => events.emit('authenticate', { userId: 'bob' }));
  await new Promise((resolve) => events.once('authenticated', resolve));
  const two = await expect(server, 201, post(asAlice, { receiver_id: 2, content: 'read me with Socket.IO' }));
  await until('it is heard with Socket.IO', () => news.some(({ content }) => content === two.content));
  const { id, room_id: roomId } = news.find(({ content }) => content === two.content);
  events.emit('mark_read', { messageIds: [id], roomId });
  await becomes(server, asAlice, two, 'read');
  events.disconnect();
}

async function wrong(server, conversation) {
  const nobody = await curl(server, '$api/conversations/');
  assert.deepEqual([nobody.status, nobody.json, nobody.headers['www-authenticate']], [401, { detail: 'Authentication required' }, 'Bearer']);
  await refused(server, 401, 'Authentication required', "$api/conversations/ -H 'X-User-ID: one' -H 'X-Username: alice'");
  await refused(server, 404, 'User not found', `$api/users/99999 ${asAlice}`);
  await refused(server, 404, 'User not found', `$api/users/username/nobody ${asAlice}`);
  await refused(server, 404, 'Receiver not found', post(asAlice, { receiver_id: 99999, content: 'x' }));
  await refused(server, 403, 'Conversation not found', `$api/messages/99999 ${asAlice}`);
  await refused(server, 403, 'Conversation not found', `$api/messages/${conversation} -H 'X-User-ID: 9' -H 'X-Username: mallory'`);
  await refused(server, 422, Array, `$api/messages/abc ${asAlice}`);
  await refused(server, 422, Array, `$api/users/abc ${asAlice}`);
  const bad = [{ content: 'x' }, { receiver_id: 2 }, { receiver_id: 'two', content: 'x' }, { receiver_id: 2, content: '' }, { receiver_id: 2, content: 5 }, []];
  for (const body of bad) await refused(server, 422, Array, post(asAlice, body));
  await refused(server, 422, Array, `-X POST $api/messages/ ${asAlice} -d '{"receiver_id":2,"content":'`);
  await refused(server, 422, Array, post(asAlice, { receiver_id: 2, content: 'x'.repeat(10_001) }));
  await expect(server, 201, post(asAlice, { receiver_id: 2, content: 'x'.repeat(10_000) }));

  const once = { receiver_id: 2, content: 'once', client_id: 'c-1' };
  const sent = await expect(server, 201, post(asAlice, once));
  const again = await expect(server, 200, post(asAlice, once));
  assert.deepEqual([again.id, again.content], [sent.id, 'once']);
  await refused(server, 409, 'client_id was already used for another message', post(asAlice, { ...once, content: 'twice' }));
}

async function limited() {
  const server = await Server.start({ MAX_MESSAGES_PER_MIN: '3' });
  try {
    await expect(server, 201, `-X POST $api/users/ -d '{"username":"alice"}'`);
    await expect(server, 201, `-X POST $api/users/ -d '{"username":"bob"}'`);
    const body = { receiver_id: 2, content: 'x', client_id: 'first' };
    await expect(server, 201, post(asAlice, body));
    for (let n = 0; n < 5; n += 1) await expect(server, 200, post(asAlice, body)); // Repeats don't count.
    for (let n = 0; n < 2; n += 1) await expect(server, 201, post(asAlice, { receiver_id: 2, content: 'x' }));
    const last = await curl(server, post(asAlice, { receiver_id: 2, content: 'x' }));
    assert.deepEqual([last.status, last.json], [429, { detail: 'Rate limit exceeded' }]);
    assert.ok(Number(last.headers['retry-after']) > 0);
  } finally {
    await server.end();
  }
}

// ---- With tokens ----------------------------------------------------------------------------------------------------

async function tokens() {
  const server = await Server.start({ JWT_SECRET: SECRET, INTERNAL_SERVICE_KEY: KEY, MAX_MESSAGES_PER_MIN: '0' });
  try {
    const [one, two] = [await issue(SECRET, '1', 'alice'), await issue(SECRET, '2', 'bob')];
    const [alice, bob] = [one, two].map((token) => `-H 'Authorization: Bearer ${token}'`);
    assert.equal((await expect(server, 200, '$api/')).dev_mode, false);
    await refused(server, 403, 'User registration disabled. Use Auth Service.', `-X POST $api/users/ -d '{"username":"x"}'`);
    await refused(server, 401, 'Authentication required', `$api/conversations/ ${asAlice}`); // Headers alone are nothing.
    await refused(server, 401, 'Authentication required', '$api/users/1');
    await refused(server, 401, 'Invalid or expired token', `$api/conversations/ -H 'Authorization: Bearer ${await issue('another key', '1')}'`);
    assert.deepEqual(await expect(server, 200, `$api/conversations/ ${alice}`), []);
    await refused(server, 404, 'Receiver not found', post(alice, { receiver_id: 2, content: 'nobody there yet' }));

    for (const [target, options] of [
      ['/ws/1', {}], ['/ws/1?token=nonsense', {}], [`/ws/1?token=${two}`, {}],
      ['/ws/1', { headers: { 'X-User-ID': '1', 'X-Username': 'alice' } }],
    ]) assert.deepEqual(await socket(server, target, options), { refused: 403 }, target);
    const ears = [
      await socket(server, `/ws/2?token=${two}`),
      await socket(server, `${API}/ws/2`, { headers: { Authorization: `Bearer ${two}` } }),
      await socket(server, '/ws/2', {}, ['bearer', two]),
    ];
    assert.equal(ears[2].ws.protocol, 'bearer');
    await until('the first is greeted', () => ears[0].told.length === 3);
    greeting(ears[0].told, 2, [2]);
    const sent = await expect(server, 201, post(alice, { receiver_id: 2, content: 'to all your ends' }));
    await until('each of them hears it', () => ears.every((ear) => ear.news().length === 1));
    for (const ear of ears) assert.deepEqual(ear.news(), [sent]);
    await becomes(server, alice, sent, 'delivered');
    assert.equal((await expect(server, 200, `$api/users/username/bob ${alice}`)).id, 2);
    await paging(server, one, two, sent);
    await Promise.all(ears.map((ear) => ear.close()));
    await syncs(server, bob);
  } finally {
    await server.end();
  }
}

// 250 messages in pages of 50: forwards from the beginning, and backwards from the newest, by the links alone.
async function paging(server, one, two, { conversation_id: conversation, content: first }) {
  const wanted = [first];
  for (let n = 1; n < PAGED; n += 1) {
    const [token, receiver] = n % 2 ? [two, 1] : [one, 2];
    const answer = await server.ask('POST', `${API}/messages/`, { headers: { Authorization: `Bearer ${token}` }, body: { receiver_id: receiver, content: `#${n}` } });
    assert.equal(answer.status, 201, answer.text);
    wanted.push(`#${n}`);
  }
  const walk = async (target, rel) => {
    const found = [];
    for (let next = target; next;) {
      const answer = await curl(server, `"$root${next}" -H 'Authorization: Bearer ${one}'`);
      assert.equal(answer.status, 200, answer.text);
      assert.ok(answer.json.length <= 50);
      found.push(answer.json);
      assert.ok(found.length <= PAGED, 'the links come to an end');
      next = (answer.headers.link || '').match(new RegExp(`<([^>]*)>; rel="${rel}"`))?.[1];
    }
    return found;
  };
  const target = `${API}/messages/${conversation}`;
  const forwards = await walk(`${target}?after=0&limit=50`, 'next');
  const backwards = await walk(`${target}?limit=50`, 'prev');
  whole(forwards, wanted);
  whole(backwards.reverse(), wanted);
  // Behind a full page there may be more: the last link may lead to none.
  for (const pages of [forwards, backwards]) assert.equal(pages.filter(({ length }) => length > 0).length, PAGED / 50);
  whole([await expect(server, 200, `$api/messages/${conversation} -H 'Authorization: Bearer ${one}'`)], wanted);
  const between = forwards[1];
  const some = await expect(server, 200, `"$api/messages/${conversation}?before=${between[10].id}&limit=10" -H 'Authorization: Bearer ${one}'`);
  assert.deepEqual(some.map(({ id }) => id), between.slice(0, 10).map(({ id }) => id));
}

// An auth service tells who there is. The body may have a password: it is never kept, and never told.
async function syncs(server, bob) {
  const sync = (key) => `-X POST $api/users/sync ${JSON_TYPE} ${key} -d '{"username":"carol","email":"carol@example.com","full_name":"Carol C.","password":"$2b$10$abc"}'`;
  await refused(server, 403, 'Internal key required', sync(''));
  await refused(server, 403, 'Internal key required', sync(bob));
  await refused(server, 403, 'Invalid internal key', sync("-H 'X-Internal-Key: dev-internal-key'"));
  const key = `-H 'X-Internal-Key: ${KEY}'`;
  const carol = await expect(server, 201, sync(key));
  assert.deepEqual([carol.username, carol.email, carol.full_name, carol.password], ['carol', 'carol@example.com', 'Carol C.', undefined]);
  const renamed = await expect(server, 201, `-X POST $api/users/sync/ ${key} -d '{"username":"carol","full_name":"Carol D."}'`);
  assert.deepEqual([renamed.id, renamed.full_name, renamed.email], [carol.id, 'Carol D.', 'carol@example.com']);
  const sent = await expect(server, 201, post(bob, { receiver_id: carol.id, content: 'welcome' }));
  // Her first valid token makes her that user.
  const token = await issue(SECRET, 'c-77', 'carol');
  const ear = await socket(server, `/ws/${carol.id}?token=${token}`);
  await until('carol gets what was said before she came', () => ear.news().length === 1);
  assert.equal(ear.news()[0].id, sent.id);
  await ear.close();
}

// ---- All of it ------------------------------------------------------------------------------------------------------

async function main() {
  const server = await Server.start({ MAX_MESSAGES_PER_MIN: '0' });
  try { await development(server); } finally { await server.end(); }
  await limited();
  await tokens();
  console.log(`Direct clients: the contract's calls by curl and its socket by ws, in development mode and with tokens; sent, `
    + `delivered, read; ${PAGED} messages in pages; users synced by key`);
}

const mode = { '--self-test': selfTest, '--auth-service': authService }[process.argv[2]];
run(mode || main);
