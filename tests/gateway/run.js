// Clients of the gateway contract against the real binary: wscat with the contract's own command line and JSON line; a
// client that was away for 10,000 messages and a kill -9; the ticks that reach an author; clients that idle or don't read.
//
//   node tests/gateway/run.js [--messages 10000] [--slow 5000]      SWITCHBOARD_BINARY says which binary
//   node tests/gateway/run.js --self-test                          shows that the judges can say no
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const http = require('node:http');
const path = require('node:path');
const WebSocket = require('ws');
const { PATIENCE_MS, Server, run, until } = require('../lib/server.js');
const { contractShape, eachOnce, rises, selfTest } = require('./judge.js');

const WINDOW = 64; // Frames of one sender that are under way at a time.
const LONG_MS = 6 * PATIENCE_MS;
// Who sends to the client that is away, and what part of everything each sends.
const BY_SOCKET = { 'sender-1': 0.2, 'sender-2': 0.2, 'sender-3': 0.2, 'sender-4': 0.2 };
const BY_REST = { 'caller-1': 0.1, 'caller-2': 0.1 };

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};

// ---- Clients ------------------------------------------------------------------------------------------------------

// A connection that remembers what it was told. Node's `ws` answers pings by itself.
async function connect(port, user) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/production?userId=${user}`);
  const told = [];
  let pings = 0;
  socket.on('message', (data) => told.push(JSON.parse(data)));
  socket.on('ping', () => { pings += 1; });
  socket.on('error', () => {});
  await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject); });
  return {
    socket,
    told,
    pings: () => pings,
    say: (frame) => socket.send(JSON.stringify(frame)),
    of: (type) => told.flatMap((frame) => (frame.type === type ? [frame.data] : [])),
    close: () => new Promise((resolve) => { socket.once('close', resolve); socket.close(); }),
  };
}

const frameOf = (sender, messageId, recipientId, content) =>
  ({ action: 'sendMessage', messageId, conversationId: `${sender}-${recipientId}`, senderId: sender, senderName: sender, recipientId, content });

// Says all of `texts` to somebody, a few at a time, until each is acknowledged. A connection that breaks is made anew, and
// what has no acknowledgement is said again with its messageId, in its order, and before it what has some: a client that
// isn't sure.
async function sayAll(port, sender, recipient, texts, onAck = () => {}) {
  const acknowledged = new Set();
  const idOf = (n) => `${sender}/${n}`;
  let line;
  let repeated = 0;
  while (acknowledged.size < texts.length) {
    if (!line || line.socket.readyState !== WebSocket.OPEN) {
      try { line = await connect(port, sender); } catch { await new Promise((resolve) => setTimeout(resolve, 20)); continue; }
      const { say } = line;
      line.next = texts.findIndex((_, n) => !acknowledged.has(idOf(n)));
      for (let n = Math.max(0, line.next - 5); n < line.next; n += 1, repeated += 1) say(frameOf(sender, idOf(n), recipient, texts[n]));
      line.socket.on('message', (data) => {
        const frame = JSON.parse(data);
        assert.notEqual(frame.message, 'Conflict');
        assert.equal(frame.message, undefined, JSON.stringify(frame));
        if (frame.type === 'messageStatus' && !acknowledged.has(frame.data.messageId)) {
          acknowledged.add(frame.data.messageId);
          onAck();
        }
      });
    }
    while (line.next < texts.length && line.next - acknowledged.size < WINDOW) {
      line.say(frameOf(sender, idOf(line.next), recipient, texts[line.next]));
      line.next += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return { line, repeated };
}

// The same through the REST door: one after the other, each with a client_id, again when no answer came.
async function callAll(port, sender, receiverId, texts, onAck) {
  const agent = new http.Agent({ keepAlive: true });
  const headers = { 'X-User-ID': '1', 'X-Username': sender };
  const { ask } = require('../lib/server.js');
  let conversation;
  for (const [n, content] of texts.entries()) {
    for (;;) {
      const answer = await ask(port, 'POST', '/api/messaging/messages/', {
        headers, agent, body: { receiver_id: receiverId, content, client_id: `${sender}/${n}` },
      }).catch(() => null);
      if (answer && [200, 201].includes(answer.status)) { conversation = answer.json.conversation_id; break; }
      if (answer) assert.ok(answer.status >= 500, `${answer.status} ${answer.text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    onAck();
  }
  agent.destroy();
  return conversation;
}

// ---- wscat --------------------------------------------------------------------------------------------------------

const LINE = '{"action":"sendMessage","messageId":"test-123","conversationId":"conv-1","senderId":"test-user-1","senderName":"Test User","recipientId":"test-user-2","content":"Hello from wscat!","timestamp":"2025-10-21T10:30:00Z"}';

// The contract's command line, its host replaced, run by a shell that finds the installed wscat.
function wscat(port, user) {
  const command = `wscat -c "ws://127.0.0.1:${port}/production?userId=${user}"`;
  const bin = path.join(__dirname, 'node_modules', '.bin');
  const child = spawn('bash', ['-c', `exec ${command}`], {
    env: { PATH: `${bin}:${process.env.PATH}` }, stdio: ['pipe', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (bytes) => { said.out += bytes; });
  child.stderr.on('data', (bytes) => { said.err += bytes; });
  return {
    type: (line) => child.stdin.write(`${line}\n`),
    // Behind each line that was typed stands its prompt.
    frames: () => said.out.split('\n').map((line) => line.replace(/^(> )+/, '')).filter((line) => line.startsWith('{')),
    trouble: () => said.err,
    // The end of its input is wscat's Ctrl+D.
    end: () => new Promise((resolve) => { child.once('exit', resolve); child.stdin.end(); }),
  };
}

async function byWscat(server) {
  const one = wscat(server.port, 'test-user-1');
  await until(() => `wscat is connected: ${one.trouble()}`, async () => (await server.connections()) === 1);
  const two = wscat(server.port, 'test-user-2');
  // Piped, wscat doesn't say that it is open, and drops what is typed before: it is when it tells of the other's coming.
  await until(() => `wscat is open: ${one.trouble()}`, () => one.frames().some((line) => line.includes('"presence"')));
  one.type(LINE);
  const messages = () => two.frames().filter((line) => JSON.parse(line).type === 'message');
  await until(() => `the second wscat hears it: ${two.trouble()}`, () => messages().length === 1);
  contractShape(messages()[0], JSON.parse(LINE));
  const statuses = () => one.frames().map((line) => JSON.parse(line)).filter(({ type }) => type === 'messageStatus');
  await until(() => `the first is told that it is delivered: ${one.frames()}`, () => statuses().length === 2);
  assert.deepEqual(statuses().map(({ data }) => [data.messageId, data.conversationId, data.status]),
    [['test-123', 'conv-1', 'sent'], ['test-123', 'conv-1', 'delivered']]);
  // The same line again: its status again, and nothing for the other.
  one.type(LINE);
  await until('a repeat is answered', () => statuses().length === 3);
  assert.equal(statuses()[2].data.status, 'delivered');
  // What the contract's reader sees of a typing error.
  one.type('{"action":"nope"}');
  await until('an unknown action is answered', () => one.frames().some((line) => JSON.parse(line).message === 'Forbidden'));
  const forbidden = JSON.parse(one.frames().find((line) => JSON.parse(line).message === 'Forbidden'));
  assert.deepEqual(Object.keys(forbidden), ['message', 'connectionId', 'requestId']);
  assert.equal(messages().length, 1);
  await Promise.all([one.end(), two.end()]);
  await until('both are gone', async () => (await server.connections()) === 0);
}

// ---- Away ---------------------------------------------------------------------------------------------------------

async function away(server, count) {
  const first = await connect(server.port, 'absent');
  await first.close();
  const found = await server.ask('GET', '/api/messaging/users/username/absent', { headers: { 'X-User-ID': '1', 'X-Username': 'absent' } });
  assert.equal(found.status, 200, found.text);
  const said = new Map();
  for (const [sender, part] of Object.entries({ ...BY_SOCKET, ...BY_REST })) {
    said.set(sender, Array.from({ length: Math.round(count * part) }, (_, n) => `${sender} says ${n}`));
  }
  const total = [...said.values()].flat().length;
  let acknowledged = 0;
  let killed;
  const onAck = () => {
    acknowledged += 1;
    if (acknowledged >= total / 2 && !killed) killed = server.kill().then(() => server.again());
  };
  const sockets = Object.keys(BY_SOCKET).map((sender) => sayAll(server.port, sender, 'absent', said.get(sender), onAck));
  const calls = Object.keys(BY_REST).map((sender) => callAll(server.port, sender, found.json.id, said.get(sender), onAck));
  const lines = await Promise.all(sockets);
  await Promise.all(calls);
  assert.ok(killed, 'the server was killed in the middle');
  await killed;
  assert.equal(acknowledged, total);
  const repeated = lines.reduce((sum, each) => sum + each.repeated, 0);
  assert.ok(repeated > 0, 'some of what was acknowledged was said again after the kill');

  const back = await connect(server.port, 'absent');
  await until(() => `the client that was away hears all: ${back.of('message').length} of ${total}`, () => back.of('message').length >= total, LONG_MS);
  back.say({ action: 'catchUp', userId: 'absent' });
  await until('catching up is complete', () => back.of('catchUpComplete').length === 1);
  // The order of the log: the ids that the REST door shows rise over the whole server.
  const history = async () => {
    const asAbsent = { headers: { 'X-User-ID': '1', 'X-Username': 'absent' } };
    const { json: conversations } = await server.ask('GET', '/api/messaging/conversations/', asAbsent);
    assert.equal(conversations.length, said.size);
    const pages = conversations.map(({ id }) => server.ask('GET', `/api/messaging/messages/${id}`, asAbsent));
    return (await Promise.all(pages)).flatMap(({ json }) => json).sort((one, other) => one.id - other.id);
  };
  const order = (await history()).map(({ content }) => content);
  eachOnce(back.of('message'), said, order);
  assert.deepEqual(back.of('catchUpComplete'), [{ count: total }]);

  // Its pongs have been answered for each when the authors are told so; then a reconnect brings nothing again.
  const delivered = lines.map(({ line }, at) => {
    const own = said.get(Object.keys(BY_SOCKET)[at]).length;
    return until(() => `the author is told of each: ${heardOf(line)} of ${own}`, () => heardOf(line) === own, LONG_MS);
  });
  await Promise.all(delivered);
  await back.close();
  for (let n = 0; n < 2; n += 1) {
    const again = await connect(server.port, 'absent');
    again.say({ action: 'catchUp', userId: 'absent' });
    await until('catching up again is complete', () => again.of('catchUpComplete').length === 1);
    assert.deepEqual(again.of('message'), [], 'what was delivered is not told again');
    assert.deepEqual(again.of('catchUpComplete'), [{ count: 0 }]);
    await again.close();
  }
  await Promise.all(lines.map(({ line }) => line.close()));
  return { total, repeated };
}

const heardOf = (line) => new Set(line.of('messageStatus').filter(({ status }) => status !== 'sent').map(({ messageId }) => messageId)).size;

// ---- Ticks, idling, not reading -------------------------------------------------------------------------------------

async function ticks(server) {
  const author = await connect(server.port, 'author');
  const reader = await connect(server.port, 'reader');
  author.say({ ...frameOf('author', 'tick-1', 'reader', 'seen?'), timestamp: '2025-10-21T10:30:00Z' });
  const statuses = () => author.of('messageStatus').map(({ status }) => status);
  await until('it is delivered', () => statuses().includes('delivered'));
  assert.equal(reader.of('message').length, 1);
  reader.say({ action: 'markRead', conversationId: 'author-reader', readerId: 'reader', messageIds: ['tick-1'], reads: [{ messageId: 'tick-1', senderId: 'author' }], isGroupChat: false });
  await until('it is read', () => statuses().includes('read'));
  reader.say(frameOf('reader', 'tick-2', 'author', 'yes'));
  await until('the answer is heard', () => author.of('message').length === 1);
  rises(statuses());
  assert.equal(author.of('messageStatus')[2].readerId, 'reader');
  await Promise.all([author.close(), reader.close()]);
}

// Nothing is said on it for several pings, and it still hears what comes then.
async function idle(server) {
  const sleeper = await connect(server.port, 'sleeper');
  const waker = await connect(server.port, 'waker');
  await until('several pings have come and gone', () => sleeper.pings() >= 4, LONG_MS);
  waker.say(frameOf('waker', 'wake-1', 'sleeper', 'wake up'));
  await until('it still hears', () => sleeper.of('message').length === 1);
  assert.equal(sleeper.socket.readyState, WebSocket.OPEN);
  await Promise.all([sleeper.close(), waker.close()]);
}

// It takes no byte while they arrive. Whether its socket lives through that or is made anew, it ends up with each once by
// messageId, in order.
async function slow(server, count) {
  const filler = 'x'.repeat(1000);
  const texts = Array.from({ length: count }, (_, n) => `${n} ${filler}`);
  let reader = await connect(server.port, 'slow');
  reader.socket._socket.pause();
  const { line } = await sayAll(server.port, 'quick', 'slow', texts);
  reader.socket._socket.resume();
  const heard = new Map();
  const take = () => reader.of('message').forEach((message) => { if (!heard.has(message.messageId)) heard.set(message.messageId, message); });
  let sockets = 1;
  await until(() => `the slow client hears all: ${heard.size} of ${count}`, async () => {
    take();
    if (reader.socket.readyState === WebSocket.CLOSED) { reader = await connect(server.port, 'slow'); sockets += 1; }
    return heard.size >= count;
  }, LONG_MS);
  eachOnce([...heard.values()], new Map([['quick', texts]]), texts);
  await Promise.all([reader.close(), line.close()]);
  return sockets;
}

async function main() {
  const server = await Server.start({
    MAX_MESSAGES_PER_MIN: '0', FRAMES_PER_SECOND: '100000', BYTES_PER_SECOND: '100000000',
    CHAT_PING_PERIOD: '1s', CHAT_PONG_WAIT: '40s',
  });
  try {
    await byWscat(server);
    await ticks(server);
    await idle(server);
    const sockets = await slow(server, option('slow', 5000));
    const { total, repeated } = await away(server, option('messages', 10_000));
    console.log(`Gateway clients: wscat as the contract runs it; ${total} messages of 6 senders missed over a kill -9, `
      + `${repeated} acknowledged ones said again, each got once and in one order, none again after that; sent, delivered, `
      + `read told; ${option('slow', 5000)} messages past a client that did not read, none lost on ${sockets} socket(s)`);
  } finally {
    await server.end();
  }
}

run(process.argv.includes('--self-test') ? selfTest : main);
