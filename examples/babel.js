// Five clients of five protocols in one conversation, that of alice and bob: each says one sentence, and each has to hear
// what the others say, once and in one order. Talks to a running server in development mode.
//
//   node babel.js               SWITCHBOARD_URL says where, else http://localhost:8000
'use strict';

const { randomUUID } = require('node:crypto');
const { io } = require('socket.io-client');
const WebSocket = require('ws');

const SERVER = process.env.SWITCHBOARD_URL || 'http://localhost:8000';
const PATIENCE_MS = 10_000;
const RUN = randomUUID().slice(0, 8); // A server that has run before has other sentences, too.
const DM = 'dm-alice-bob';

// What each has heard, in order; their own sentences only where their protocol echoes them.
const heard = { rooms: [], chat: [], socketio: [], direct: [], gateway: [] };
const hears = (name) => (sentence) => { if (sentence?.startsWith(RUN)) heard[name].push(sentence); };

function socket(path) {
  const url = new URL(path, SERVER);
  url.protocol = url.protocol.replace('http', 'ws');
  const opened = new WebSocket(url);
  return new Promise((resolve, reject) => {
    opened.once('open', () => resolve(opened));
    opened.once('error', reject);
    opened.once('unexpected-response', (_, answer) => reject(new Error(`${url.pathname}: ${answer.statusCode}`)));
  });
}

async function call(path, body, headers) {
  const answer = await fetch(new URL(`/api/messaging${path}`, SERVER), {
    method: 'POST', headers, body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function until(what, holds) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// Each gives a function that says a sentence; what is heard is in `heard`.

async function rooms() { // alice
  const client = await socket(`/ws/rooms/${DM}?token=alice`);
  client.on('message', (data) => hears('rooms')(JSON.parse(data).text));
  return (text) => client.send(JSON.stringify({ text }));
}

async function chat() { // bob
  const client = await socket('/ws/chat?token=bob');
  client.on('message', (data) => hears('chat')(JSON.parse(data).content));
  const say = (type, data) => client.send(JSON.stringify({ type, data }));
  say('join_room', { room_id: DM });
  return (content) => say('send_message', { type: 'text', content, room_id: DM });
}

async function socketio() { // bob
  const client = io(SERVER, { forceNew: true });
  client.on('new_message', (message) => hears('socketio')(message.content));
  await new Promise((resolve, reject) => {
    client.on('connect_error', reject);
    client.on('error', ({ message }) => reject(new Error(message)));
    client.on('room_joined', resolve);
    client.on('connect', () => {
      client.emit('authenticate', { userId: 'bob' });
      client.emit('join_room', { roomId: DM });
    });
  });
  return (content) => client.emit('send_message', { room_id: DM, content });
}

async function direct(mine, theirs) { // bob
  const client = await socket(`/ws/${mine.id}`);
  client.on('message', (data) => hears('direct')(JSON.parse(data).message?.content));
  const headers = { 'X-User-ID': `${mine.id}`, 'X-Username': mine.username };
  return (content) => call('/messages/', { receiver_id: theirs.id, content }, headers);
}

async function gateway() { // alice
  const client = await socket('/production?userId=alice');
  client.on('message', (data) => hears('gateway')(JSON.parse(data).data?.content));
  return (content) => client.send(JSON.stringify({
    action: 'sendMessage', messageId: randomUUID(), conversationId: 'conv-alice-bob', senderId: 'alice', recipientId: 'bob',
    content,
  }));
}

// Where somebody's own sentence comes back to the connection that said it.
const ECHOES = ['chat', 'socketio'];

async function main() {
  const alice = await call('/users/', { username: 'alice' });
  const bob = await call('/users/', { username: 'bob' });
  const say = {
    rooms: await rooms(), chat: await chat(), socketio: await socketio(), direct: await direct(bob, alice),
    gateway: await gateway(),
  };
  const names = Object.keys(say);
  const sentence = (name) => `${RUN} said through ${name}`;
  const wanted = (name) => names.filter((other) => other !== name || ECHOES.includes(name)).map(sentence);
  // One after the other, so that there is one order that everybody has to have heard.
  let failed = 0;
  for (const name of names) {
    await say[name](sentence(name));
    const others = names.filter((other) => wanted(other).includes(sentence(name)));
    const all = () => others.every((other) => heard[other].includes(sentence(name)));
    await until(`everybody hears ${name}`, all).catch((error) => console.error(error.message));
    for (const other of others) {
      const did = heard[other].includes(sentence(name));
      failed += did ? 0 : 1;
      console.log(`${name.padEnd(8)} → ${other.padEnd(8)} ${did ? 'heard' : 'NOT HEARD'}`);
    }
  }
  for (const name of names) {
    if (JSON.stringify(heard[name]) === JSON.stringify(wanted(name))) continue;
    failed += 1;
    console.error(`${name} has not heard each once, in order: ${JSON.stringify(heard[name])}`);
  }
  if (failed) throw new Error(`${failed} things went wrong`);
  console.log('Five protocols: one conversation, heard by all of them once and in one order.');
}

main().then(() => process.exit(0), (error) => { console.error(error.message); process.exit(1); });
