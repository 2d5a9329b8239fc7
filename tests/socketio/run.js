// Stock Socket.IO clients against the real binary: socket.io-client 2, 3 and 4 over polling, WebSocket and the upgrade from
// one to the other, 2 by JSONP as well; recovery of what was missed over 10,000 messages and a kill -9; many upgrades under traffic; and one
// order for a `rooms`, a `chat` and a `socketio` client in one room.
//
//   node tests/socketio/run.js [--messages 10000] [--upgrades 1000]      SWITCHBOARD_BINARY says which binary
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { mkdtempSync, rmSync } = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');
const WebSocket = require('ws');
const { page } = require('./page.js');

const VERSIONS = { 2: require('client2'), 3: require('client3').io, 4: require('client4').io };
const WAYS = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };
const EACH = 20; // Messages of each of two clients.
const PATIENCE_MS = 20_000;
const ROOT = path.join(__dirname, '..', '..');
const BINARY = path.resolve(ROOT, process.env.SWITCHBOARD_BINARY || 'target/release/switchboard');

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};

// ---- The server ---------------------------------------------------------------------------------------------------

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => resolve(port)); });
  });
}

async function start(port, data) {
  const env = {
    PATH: process.env.PATH, PORT: String(port), DATA_DIR: data, CHAT_MAX_MESSAGES_PER_MIN: '0', MAX_MESSAGES_PER_MIN: '0',
    FRAMES_PER_SECOND: '100000', BYTES_PER_SECOND: '100000000', SHARDS: '2',
  };
  const child = spawn(BINARY, [], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let trouble = '';
  child.stderr.on('data', (bytes) => { trouble = (trouble + bytes).slice(-4096); });
  await until('the server serves', () => new Promise((resolve, reject) => {
    if (child.exitCode !== null) return reject(new Error(`the server has ended: ${trouble}`));
    http.get(`http://127.0.0.1:${port}/health`, (answer) => { answer.resume(); resolve(answer.statusCode === 200); })
      .on('error', () => resolve(false));
  }));
  return { child, kill: () => new Promise((resolve) => { child.once('exit', resolve); child.kill('SIGKILL'); }) };
}

async function until(what, holds, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// ---- Clients ------------------------------------------------------------------------------------------------------

// A client that has said who it is and has joined; it remembers what it was told.
async function client(version, way, port, user, room, more = {}) {
  const socket = VERSIONS[version](`http://127.0.0.1:${port}`, {
    transports: WAYS[way], reconnection: false, forceNew: true, multiplex: false, ...more,
  });
  const told = { messages: [], others: [], errors: [] };
  socket.on('new_message', (message) => told.messages.push(message));
  for (const event of ['user_joined', 'user_left', 'user_typing', 'messages_read', 'message_deleted']) {
    socket.on(event, (data) => told.others.push([event, data]));
  }
  socket.on('error', (data) => told.errors.push(data));
  const heard = (event) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${version} ${way} ${user}: no ${event}`)), PATIENCE_MS);
    socket.once(event, (data) => { clearTimeout(timer); resolve(data); });
  });
  const call = async (event, data, answer) => { const answered = heard(answer); socket.emit(event, data); return answered; };
  const ask = (event, data) => new Promise((resolve) => socket.emit(event, data, resolve));
  await heard('connect');
  assert.deepEqual(await call('authenticate', { userId: user }, 'authenticated'), { success: true, userId: user });
  const joined = await call('join_room', { roomId: room }, 'room_joined');
  assert.equal(joined.success, true);
  assert.equal(joined.roomId, room);
  if (way === 'upgrade') {
    await until(`${version} ${user} has upgraded`, () => socket.io.engine.transport.name === 'websocket');
  } else if (!more.transports) {
    assert.equal(socket.io.engine.transport.name, way);
  }
  return { socket, told, call, ask, joined, say: (text) => ask('send_message', { room_id: room, content: text }) };
}

const texts = (messages) => messages.map(({ content }) => content);

// ---- What has to hold ---------------------------------------------------------------------------------------------

// Two clients of a version in a room: one order for both, acknowledgements, receipts, typing, deletion, history.
async function converse(version, way, port) {
  const room = `room-${version}-${way}`;
  const alice = await client(version, way, port, `alice${version}${way}`, room);
  const bob = await client(version, way, port, `bob${version}${way}`, room);
  const said = [];
  for (let n = 0; n < EACH; n += 1) said.push(alice.say(`a${n}`), bob.say(`b${n}`));
  const acks = await Promise.all(said);
  for (const ack of acks) assert.equal(ack.success, true, JSON.stringify(ack));
  await until('both heard all', () => [alice, bob].every(({ told }) => told.messages.length === 2 * EACH));
  assert.deepEqual(texts(alice.told.messages), texts(bob.told.messages), 'one order');
  assert.equal(new Set(texts(alice.told.messages)).size, 2 * EACH, 'nothing doubled');
  assert.deepEqual(texts(alice.told.messages).filter((text) => text[0] === 'a'), Array.from({ length: EACH }, (_, n) => `a${n}`));

  alice.socket.emit('typing', { roomId: room });
  await until('typing is told', () => bob.told.others.some(([event]) => event === 'user_typing'));
  assert.deepEqual((await bob.ask('get_typing_users', { roomId: room })).typingUsers, [`alice${version}${way}`]);
  const first = alice.told.messages[0];
  const marked = await bob.call('mark_read', { messageIds: [first.id], roomId: room }, 'marked_read');
  assert.deepEqual(marked, { success: true, messageIds: [first.id] });
  await until('reading is told', () => alice.told.others.some(([event, data]) => event === 'messages_read' && data.messageIds[0] === first.id));
  const owner = first.content[0] === 'a' ? alice : bob;
  assert.deepEqual(await owner.ask('delete_message', { messageId: first.id, roomId: room }), { success: true });
  for (const { told } of [alice, bob]) {
    await until('deletion is told', () => told.others.some(([event, data]) => event === 'message_deleted' && data.messageId === first.id));
  }
  const carol = await client(version, way, port, `carol${version}${way}`, room);
  assert.deepEqual(texts(carol.joined.messages), texts(alice.told.messages).slice(1), 'history, oldest first, without what was deleted');
  for (const { socket, told } of [alice, bob, carol]) {
    assert.deepEqual(told.errors, []);
    socket.disconnect();
  }
}

// Client 2 where it polls by scripts and forms: everything that holds for its other ways, line ends and all.
async function scripts(port) {
  const { seen, leave } = page(`http://127.0.0.1:${port}/a/page`);
  const more = { forceJSONP: true };
  try {
    const [alice, bob] = [await client(2, 'polling', port, 'alice-j', 'room-j', more), await client(2, 'polling', port, 'bob-j', 'room-j', more)];
    const said = ['plain', 'two\nlines', 'a \\n that is none', '"quoted" \\\\n', 'grüße 🚀 \u2028\u2029', '</script>', 'a+b&d=c%20'];
    for (const text of said) assert.equal((await alice.say(text)).success, true);
    await until('both heard all', () => [alice, bob].every(({ told }) => told.messages.length === said.length));
    assert.deepEqual(texts(alice.told.messages), said);
    assert.deepEqual(texts(bob.told.messages), said);
    const stranger = await client(2, 'websocket', port, 'carol-j', 'room-j');
    assert.deepEqual(texts(stranger.joined.messages), said, 'and the same by any other way');
    for (const { socket, told } of [alice, bob, stranger]) {
      assert.deepEqual(told.errors, []);
      socket.disconnect();
    }
    assert.deepEqual([...seen.types], ['text/javascript; charset=UTF-8']);
    assert.ok(seen.scripts > 4 && seen.forms > said.length, JSON.stringify(seen));
    // From there it goes on to a socket like any other.
    const moved = await client(2, 'upgrade', port, 'dave-j', 'room-j', more);
    assert.equal((await moved.say('by a socket')).success, true);
    moved.socket.disconnect();
  } finally {
    leave();
  }
}

// A client that was cut off gets each message once, in order, after a kill -9 as well, and is told that it has everything.
async function recover(port, server, restart, count) {
  const reader = await client(4, 'upgrade', port, 'reader', 'log');
  const second = await reader.call('join_room', { roomId: 'other' }, 'room_joined');
  assert.equal(second.success, true);
  const writer = await client(4, 'websocket', port, 'writer', 'log');
  await writer.call('join_room', { roomId: 'other' }, 'room_joined');
  const say = (n) => writer.ask('send_message', { room_id: n % 3 ? 'log' : 'other', content: `#${n}` });
  assert.equal((await say(0)).success, true);
  await until('the reader heard the first', () => reader.told.messages.length === 1);
  const before = reader.socket.id;
  reader.socket.io.engine.close();
  await until('the reader is cut off', () => !reader.socket.connected);
  let next = 1;
  while (next <= count) {
    const batch = [];
    for (; next <= count && batch.length < 200; next += 1) batch.push(say(next));
    for (const ack of await Promise.all(batch)) assert.equal(ack.success, true, JSON.stringify(ack));
    if (next > count / 2 && !server.again) {
      await server.kill();
      Object.assign(server, await restart(), { again: true });
      writer.socket.connect();
      await until('the writer is back', () => writer.socket.connected);
      assert.equal(writer.socket.recovered, true, 'the writer is recovered over the restart');
    }
  }
  reader.socket.connect();
  await until('the reader is back', () => reader.socket.connected);
  assert.equal(reader.socket.recovered, true);
  assert.notEqual(reader.socket.id, undefined);
  await until('the reader heard all', () => reader.told.messages.length >= count + 1, 60_000);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(texts(reader.told.messages), Array.from({ length: count + 1 }, (_, n) => `#${n}`), 'each once, in order');
  assert.deepEqual(reader.told.errors, []);
  assert.ok(before);
  // Somebody else's memory of the session is worth nothing.
  const stranger = VERSIONS[4](`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true, reconnection: false });
  stranger._pid = '0'.repeat(32);
  stranger._lastOffset = reader.socket._lastOffset;
  await new Promise((resolve) => stranger.once('connect', resolve));
  assert.equal(stranger.recovered, false);
  [reader.socket, writer.socket, stranger].forEach((socket) => socket.disconnect());
}

// Sockets take over from requests while messages pass in both directions; every client numbers what it is told and what it
// says, so that a packet that is lost, doubled or swapped is seen.
async function upgrades(port, count) {
  const talker = await client(4, 'websocket', port, 'talker', 'busy');
  let stop = false;
  const talking = (async () => {
    for (let n = 0; !stop; n += 1) { await talker.say(`t${n}`); await new Promise((resolve) => setTimeout(resolve, 2)); }
  })();
  let done = 0;
  const one = async (n) => {
    const each = await client(n % 2 ? 4 : 3, 'polling', port, `up${n}`, 'busy', { transports: ['polling', 'websocket'] });
    const said = [];
    for (let m = 0; m < 10; m += 1) said.push(each.say(`u${n}.${m}`));
    await until('it has upgraded', () => each.socket.io.engine.transport.name === 'websocket');
    for (const ack of await Promise.all(said)) assert.equal(ack.success, true);
    await until('it heard itself', () => texts(each.told.messages).filter((text) => text.startsWith(`u${n}.`)).length === 10);
    const own = texts(each.told.messages).filter((text) => text.startsWith(`u${n}.`));
    assert.deepEqual(own, Array.from({ length: 10 }, (_, m) => `u${n}.${m}`), 'what it said, in order');
    const ticks = texts(each.told.messages).filter((text) => text[0] === 't').map((text) => Number(text.slice(1)));
    ticks.forEach((tick, at) => { if (at > 0) assert.equal(tick, ticks[at - 1] + 1, 'what it was told, without a gap'); });
    each.socket.disconnect();
    done += 1;
  };
  for (let n = 0; n < count; n += 8) await Promise.all(Array.from({ length: Math.min(8, count - n) }, (_, k) => one(n + k)));
  stop = true;
  await talking;
  talker.socket.disconnect();
  return done;
}

// One room, three doors, one order.
async function three(port) {
  const events = await client(4, 'websocket', port, 'ev', 'shared');
  await events.say('first'); // The room is made by its first use.
  const open = (target) => new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`);
    const heard = [];
    socket.on('message', (data) => heard.push(JSON.parse(data)));
    socket.once('open', () => resolve({ socket, heard }));
    socket.once('error', reject);
  });
  const rooms = await open('/ws/rooms/shared?token=ro');
  const chat = await open('/ws/chat?token=ch');
  chat.socket.send(JSON.stringify({ type: 'join_room', data: { room_id: 'shared' } }));
  await until('chat is in', () => chat.heard.some(({ type }) => type === 'join'));
  const count = 30;
  for (let n = 0; n < count; n += 1) {
    events.socket.emit('send_message', { room_id: 'shared', content: `e${n}` });
    rooms.socket.send(JSON.stringify({ text: `r${n}` }));
    chat.socket.send(JSON.stringify({ type: 'send_message', data: { type: 'text', content: `c${n}`, room_id: 'shared' } }));
  }
  const ofEvents = () => texts(events.told.messages).filter((text) => text !== 'first');
  const ofChat = () => chat.heard.flatMap(({ type, content }) => (type === 'text' && /^[erc]\d+$/.test(content) ? [content] : []));
  const ofRooms = () => rooms.heard.flatMap(({ text }) => (text ? [text] : []));
  await until('all heard all', () => ofEvents().length === 3 * count && ofChat().length === 3 * count && ofRooms().length === 2 * count);
  assert.deepEqual(ofEvents(), ofChat(), 'one order on socketio and chat');
  assert.deepEqual(ofRooms(), ofEvents().filter((text) => text[0] !== 'r'), 'and on rooms, which echoes nothing to its sender');
  [events.socket, rooms.socket, chat.socket].forEach((socket) => (socket.disconnect ? socket.disconnect() : socket.close()));
}

async function main() {
  const data = mkdtempSync(path.join(tmpdir(), 'switchboard-socketio-'));
  const port = await freePort();
  const server = await start(port, data);
  try {
    for (const version of Object.keys(VERSIONS)) for (const way of Object.keys(WAYS)) await converse(version, way, port);
    await scripts(port);
    const messages = option('messages', 10_000);
    await recover(port, server, () => start(port, data), messages);
    await three(port);
    const upgraded = await upgrades(port, option('upgrades', 1000));
    console.log(
      `Socket.IO clients: socket.io-client 2, 3 and 4 over polling, WebSocket and upgrade, 2 by scripts and forms too; ${messages} messages missed over a `
      + `kill -9, each got once and recovered; one order for rooms, chat and socketio; ${upgraded} upgrades under traffic, `
      + 'nothing lost, doubled or swapped',
    );
  } finally {
    await server.kill();
    rmSync(data, { recursive: true, force: true });
  }
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
