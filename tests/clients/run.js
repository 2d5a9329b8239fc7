// The clients that our users have, unmodified: the snippets that the contracts print, run to the letter on node's `ws`,
// against the real binary on the ports that they name. Rooms and chat meet in one room, the server is killed, and the
// room is whole afterwards.
//
//   node tests/clients/run.js               SWITCHBOARD_BINARY says which binary
//   node tests/clients/run.js --self-test   shows that the judges can say no
//
// A snippet's placeholders (token, room id) are what its reader fills in. It runs with them as they stand first, which
// development mode takes for a user's name; for the room that both sides share they are filled in, nothing else is.
'use strict';

const assert = require('node:assert/strict');
const { execFile, spawn } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');
const vm = require('node:vm');

const PORTS = [8000, 8080]; // The contracts' own.
const PORT_PATIENCE_MS = 5000;
const EACH = 10; // Messages of each of the four: the contracts' limit is 30 a minute and user.
const PATIENCE_MS = 10_000;
const ROOT = path.join(__dirname, '..', '..');
const BINARY = path.resolve(ROOT, process.env.SWITCHBOARD_BINARY || 'target/release/switchboard');
const snippet = (name) => readFileSync(path.join(__dirname, 'contract', name), 'utf8');

// ---- The snippets -------------------------------------------------------------------------------------------------

// A page's global scope with a console that remembers. What the snippet declares can be asked for by name.
function page(sources) {
  const logged = [];
  const remember = (level) => (...words) => logged.push({ level, words });
  const console = { log: remember('log'), error: remember('error') };
  const context = vm.createContext({ WebSocket: require('ws'), console });
  const ask = (code) => vm.runInContext(code, context);
  sources.forEach(ask);
  return { ask, logged, said: (first) => logged.filter(({ words }) => words[0] === first).map(({ words }) => words[1]) };
}

// The rooms snippet sends in its last statement, which a socket that is still connecting refuses in every browser and in
// `ws`: so its text is run in two parts, the second when its `onopen` has spoken.
async function roomsClient({ token, room }) {
  let text = snippet('rooms.js');
  if (token) text = filled(text, 'your-jwt-token', token);
  if (room) text = filled(text, 'ROOM-123', room);
  const [connect, send] = text.split(/^(?=\/\/ Send a message$)/m);
  assert.ok(send, 'the rooms snippet has a part that sends');
  const client = page([connect]);
  await until('the rooms client is connected', () => client.logged.some(({ words }) => words[0] === 'Connected to room'));
  return {
    ...client,
    sendAsWritten: () => client.ask(send),
    // The same statement with another text in it.
    send: (text) => client.ask(filled(send, 'Hello world!', text)),
    received: () => client.said('Received:'),
    close: () => client.ask('ws.close()'),
  };
}

// The chat snippet's whole text runs at once; what it calls before its socket is open, it drops itself. After that its
// methods are called, as its README's usage does.
async function chatClient(token) {
  const client = page([snippet('chat.js')]);
  const name = token ? 'own' : 'client';
  if (token) client.ask(`const own = new ChatClient(${JSON.stringify(token)}); own.connect();`);
  const wanted = token ? 2 : 1; // The snippet's own client connects too.
  const connected = () => client.said('Connected to chat').length === wanted;
  await until('the chat client is connected', connected);
  return {
    ...client,
    call: (method, ...words) => client.ask(`${name}.${method}(${words.map((word) => JSON.stringify(word)).join(',')})`),
    received: () => client.said('New message:'),
    errors: () => client.said('Chat error:'),
    rooms: () => client.said('Room created:'),
    lists: () => client.said('Available rooms:'),
  };
}

function filled(text, placeholder, value) {
  assert.equal(text.split(placeholder).length, 2, `${placeholder} stands once in the snippet`);
  return text.replace(placeholder, () => value);
}

// ---- The server ---------------------------------------------------------------------------------------------------

async function start(data) {
  // What stood before a server that was killed goes a moment after it.
  for (const port of PORTS) await until(`port ${port} is free: the contracts' clients know no other`, () => isFree(port), PORT_PATIENCE_MS);
  const env = { PATH: process.env.PATH, LISTEN: PORTS.map((port) => `127.0.0.1:${port}`).join(','), DATA_DIR: data };
  const child = spawn(BINARY, [], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let trouble = '';
  child.stderr.on('data', (bytes) => { trouble = (trouble + bytes).slice(-4096); });
  child.on('error', (error) => { trouble += error; });
  const healthy = () => new Promise((resolve, reject) => {
    if (child.exitCode !== null) return reject(new Error(`the server has ended: ${trouble}`));
    const request = http.get(`http://127.0.0.1:${PORTS[0]}/health`, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
  await until('the server serves', healthy);
  return { child, kill: () => new Promise((resolve) => { child.once('exit', resolve); child.kill('SIGKILL'); }) };
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

async function until(what, holds, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// ---- The judges ---------------------------------------------------------------------------------------------------

const place = (message) => `${message.seq} ${message.id} ${message.text ?? message.content}`;

// One room, told to several: everybody saw what the first saw, in its order, less what a wire doesn't echo.
function oneOrder(whole, others) {
  const rising = whole.every((message, at) => at === 0 || message.seq > whole[at - 1].seq);
  assert.ok(rising, 'seq rises');
  assert.equal(new Set(whole.map((message) => message.id)).size, whole.length, 'no message is told twice');
  for (const { name, received, own } of others) {
    const expected = whole.filter((message) => !own(message)).map(place);
    assert.deepEqual(received.map(place), expected, `${name} sees the same messages in the same order`);
  }
}

function selfTest() {
  const messages = [1, 2, 3].map((seq) => ({ seq, id: `m${seq}`, text: `t${seq}`, user_uuid: seq === 2 ? 'bob' : 'al' }));
  const none = () => false;
  const bobs = (message) => message.user_uuid === 'bob';
  oneOrder(messages, [{ name: 'a', received: messages, own: none }, { name: 'b', received: [messages[0], messages[2]], own: bobs }]);
  const wrong = {
    swapped: [messages[0], messages[2], messages[1]],
    lost: messages.slice(1),
    doubled: [...messages, messages[2]],
    'another text': [messages[0], messages[1], { ...messages[2], text: 'x' }],
  };
  for (const [what, received] of Object.entries(wrong)) {
    assert.throws(() => oneOrder(messages, [{ name: 'a', received, own: none }]), undefined, what);
  }
  assert.throws(() => oneOrder(wrong.swapped, []));
  assert.throws(() => oneOrder(wrong.doubled, []));
  console.log(`Clients self-test: ${Object.keys(wrong).length + 2} doctored histories, all refused`);
}

// ---- The scenes ---------------------------------------------------------------------------------------------------

// Everything to the letter: `your-jwt-token` in ROOM-123. A neighbour watches.
async function asPrinted() {
  const neighbour = await roomsClient({ token: 'neighbour' });
  const rooms = await roomsClient({});
  rooms.sendAsWritten();
  await until('the snippet is heard', () => neighbour.received().length === 1);
  const [hello] = neighbour.received();
  assert.deepEqual([hello.text, hello.sender_id, hello.room_id, hello.type],
    ['Hello world!', 'your-jwt-token', 'ROOM-123', 'message']);

  const chat = await chatClient();
  // This user is here already, so there is no join notice; the list's answer comes behind the join.
  chat.call('joinRoom', 'ROOM-123');
  chat.call('listRooms');
  await until('the chat client is in', () => chat.lists().length === 1);

  // The README's curl lines, run by a shell.
  const { stdout } = await promisify(execFile)('bash', ['-euc', snippet('rooms.sh')]);
  const [health, connections, broadcast, ...more] = stdout.split(/(?<=\})\s*(?=\{)/).map((body) => JSON.parse(body));
  assert.deepEqual(more, []);
  assert.equal(health.status, 'healthy');
  assert.equal(health.active_connections, 3);
  assert.deepEqual([connections.room_id, connections.active_connections], ['ROOM-123', 3]);
  assert.equal(broadcast.status, 'broadcasted');
  await until('everybody hears the broadcast, its sender too', () =>
    [neighbour, rooms, chat].every((client) => client.received().some(({ id }) => id === broadcast.message_id)));
  assert.equal(rooms.received()[0].type, 'broadcast');
  assert.equal(chat.received().at(-1).content, 'Hello everyone!');

  chat.call('sendMessage', 'Hello, everyone!');
  await until('rooms hears chat', () => rooms.received().some(({ text }) => text === 'Hello, everyone!'));
  assert.deepEqual(chat.errors(), []);
  neighbour.close();
  rooms.close();
  return chat;
}

// Two of each dialect in the room that the chat client made, all talking at once.
async function together(chat) {
  chat.call('createRoom', 'My Chat Room');
  await until('the room is made', () => chat.rooms().length === 1);
  const room = chat.rooms()[0].id;
  assert.equal(chat.rooms()[0].name, 'My Chat Room');
  chat.call('listRooms');
  await until('the rooms are listed', () => chat.lists().length === 2);
  assert.ok(chat.lists()[1].some(({ id }) => id === room), 'the room is in the list');
  chat.call('joinRoom', room);
  const bob = await chatClient('bob');
  bob.call('joinRoom', room);
  const joined = (client) => client.received().some((notice) => notice.type === 'join' && notice.room_id === room);
  await until('both chat clients are in', () => joined(chat) && joined(bob));
  const alice = await roomsClient({ token: 'alice', room });
  const dave = await roomsClient({ token: 'dave', room });

  const texts = (client) => client.received().filter((message) => message.room_id === room && message.seq);
  for (let n = 0; n < EACH; n += 1) {
    chat.call('sendMessage', `chat ${n}`);
    alice.send(`alice ${n}`);
    bob.call('sendMessage', `bob ${n}`);
    dave.send(`dave ${n}`);
  }
  await until('everything is told', () =>
    [chat, bob].every((client) => texts(client).length >= 4 * EACH) &&
    [alice, dave].every((client) => texts(client).length >= 3 * EACH));
  const whole = texts(chat);
  assert.equal(whole.length, 4 * EACH);
  oneOrder(whole, [
    { name: 'bob (chat)', received: texts(bob), own: () => false },
    { name: 'alice (rooms)', received: texts(alice), own: ({ user_uuid }) => user_uuid === 'alice' },
    { name: 'dave (rooms)', received: texts(dave), own: ({ user_uuid }) => user_uuid === 'dave' },
  ]);
  for (const client of [chat, bob]) assert.deepEqual(client.errors(), []);
  return { room, whole };
}

// After the kill: the history is what was told, and the room goes on where it was.
async function afterwards(room, whole) {
  const reader = await roomsClient({ token: 'reader&since=0', room });
  const history = () => reader.received().slice(1);
  await until('the history is told', () => history().length >= whole.length);
  assert.equal(reader.received()[0].type, 'resumed');
  oneOrder(whole, [{ name: 'the history', received: history(), own: () => false }]);
  assert.deepEqual(history().map(({ sender_id }) => sender_id), whole.map(({ user_uuid }) => user_uuid));

  const bob = await chatClient('bob');
  bob.call('joinRoom', room);
  bob.call('sendMessage', 'and on');
  await until('the room goes on', () => history().length > whole.length);
  assert.equal(history().at(-1).text, 'and on');
  assert.equal(history().at(-1).seq, whole.at(-1).seq + 1);
}

async function main() {
  const data = mkdtempSync(path.join(tmpdir(), 'switchboard-clients-'));
  let server;
  try {
    server = await start(data);
    const chat = await asPrinted();
    const { room, whole } = await together(chat);
    await server.kill();
    await until('the clients notice', () => chat.logged.some(({ words }) => words[0] === 'Disconnected from chat'));
    server = await start(data);
    await afterwards(room, whole);
    console.log(`Clients: the rooms and chat contracts' own code, unmodified, and its 3 curl lines; ${whole.length} ` +
      'messages of 4 clients seen in one order by all, and whole after kill -9');
  } finally {
    if (server) server.child.kill('SIGKILL');
    rmSync(data, { recursive: true, force: true });
  }
}

(process.argv.includes('--self-test') ? Promise.resolve().then(selfTest) : main()).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
