// The RabbitMQ feed against a real broker: what three doors say arrives in one order, byte for byte; and while the broker is
// away and the server is killed, nothing is lost.
//
//   node tests/rabbitmq/run.js [--private]      SWITCHBOARD_BINARY says which binary, built with the feature `amqp`
//
// A running RabbitMQ is used when there is one (RABBITMQ_URL, or the usual port); then it is the way to it that goes and comes.
// Else, and with --private, one of our own is started, and really stopped.
'use strict';

const assert = require('node:assert/strict');
const WebSocket = require('ws');
const { PATIENCE_MS, Server, run, until } = require('../lib/server.js');
const { broker, connect } = require('./broker.js');

const MANY = 300; // Messages in the room while all is well, and as many while the broker is away.
const DIRECT = Math.ceil(MANY / 5);
const LONG_MS = 4 * PATIENCE_MS;
const EXCHANGE = 'message.events';
// As the contract's own service declares them.
const QUEUES = { 'message.broadcast': 'message.#', 'message.notification': 'notification.#' };
const argumentsOf = (name) => ({ durable: true, deadLetterExchange: 'dlx', deadLetterRoutingKey: `dlq.${name}` });
const tag = `${process.pid}-${Date.now().toString(36)}`;
const [ROOM, OTHER, QUEUE] = [`room-${tag}`, `other-${tag}`, `switchboard-test-${tag}`];

const bearer = (user) => ({ authorization: `Bearer ${user}`, 'content-type': 'application/json' });
const idsOf = (messages) => messages.map(({ id }) => id);

// ---- Clients ------------------------------------------------------------------------------------------------------

function open(url, hears) {
  const socket = new WebSocket(url);
  socket.on('message', (data) => hears(String(data), socket));
  socket.on('error', () => {});
  return new Promise((resolve, reject) => { socket.once('open', () => resolve(socket)); socket.once('error', reject); });
}

// A Socket.IO client by hand, so that what it hears can be compared byte for byte. Follows its user's direct messages, and
// is in `room` when one is given.
async function listener(port, user, room) {
  const heard = { messages: [], acks: 0 };
  let there;
  const ready = new Promise((resolve) => { there = resolve; });
  const socket = await open(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, (frame, line) => {
    if (frame === '2') return line.send('3');
    if (frame.startsWith('0')) return line.send('40');
    if (frame.startsWith('40')) return line.send(`42["authenticate",{"userId":"${user}"}]`);
    if (frame.startsWith('42["authenticated"')) return room ? line.send(`42["join_room",{"roomId":"${room}"}]`) : there();
    if (frame.startsWith('42["room_joined"')) return there();
    if (frame.startsWith('42["marked_read"')) heard.acks += 1;
    const message = frame.match(/^42\["new_message",(\{.*\}),"[^"]*"\]$/);
    if (message) heard.messages.push(message[1]);
    return undefined;
  });
  await ready;
  return { heard, emit: (event, data) => socket.send(`42${JSON.stringify([event, data])}`), close: () => socket.terminate() };
}

// Three doors into one room, each with a speaker, and a fourth speaker in a direct room. Each waits for nothing.
async function speakers(port) {
  const nothing = () => {};
  const rooms = await open(`ws://127.0.0.1:${port}/ws/rooms/${ROOM}?token=rooms-ann`, nothing);
  const socketio = await listener(port, 'sio-bob', ROOM);
  const gateway = await open(`ws://127.0.0.1:${port}/production?userId=gate-eve`, nothing);
  return {
    rooms: (text) => rooms.send(JSON.stringify({ text, client_id: text })),
    socketio: (content) => socketio.emit('send_message', { room_id: ROOM, content }),
    gateway: (content) => gateway.send(JSON.stringify({
      action: 'sendMessage', messageId: `${tag}-${content}`, conversationId: `conv-${tag}`, senderId: 'gate-eve', recipientId: 'far-dan', content,
    })),
    close: () => { rooms.terminate(); socketio.close(); gateway.terminate(); },
  };
}

// Says all, in turns, and waits until all is kept: what nobody has acknowledged may go with a server that is killed.
async function talk(server, say, prefix, kept) {
  for (let n = 0; n < MANY; n += 1) {
    const text = `${prefix}-${n}`;
    if (n % 3 === 0) say.rooms(text);
    else if (n % 3 === 1) say.socketio(text);
    else {
      const { status } = await server.ask('POST', '/messages', { headers: bearer('rest-cat'), body: { room_id: ROOM, content: text } });
      assert.equal(status, 201);
    }
    if (n % 5 === 0) say.gateway(`${prefix}-direct-${n}`);
  }
  const total = async (user, path) => (await server.ask('GET', `/messages/${path}?limit=1`, { headers: bearer(user) })).json.pagination.total;
  await until('all is kept', async () => (await total('rest-cat', `room/${ROOM}`)) === kept.room
    && (await total('gate-eve', 'direct/far-dan')) === kept.direct, LONG_MS);
}

// ---- The consumer -------------------------------------------------------------------------------------------------

// Whoever consumes everything that is published, from a queue of its own that outlives its connections. What it gets is
// ours: others may publish to a broker that was there before.
class Consumer {
  constructor(url) { this.url = url; this.got = []; }

  async come() {
    this.connection = await connect(this.url);
    this.connection.on('error', () => {});
    const channel = await this.connection.createChannel();
    await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
    await channel.assertQueue(QUEUE, { durable: true });
    await channel.bindQueue(QUEUE, EXCHANGE, '#');
    await channel.consume(QUEUE, (message) => {
      if (!message) return;
      const { fields, properties, content } = message;
      this.got.push({ key: fields.routingKey, body: String(content), json: JSON.parse(content), ...properties });
      channel.ack(message);
    });
  }

  async go() { await this.connection.close().catch(() => {}); }

  // In the order of their first coming; a repeat is what at least once allows.
  once() {
    const seen = new Set();
    return this.got.filter(({ key, messageId }) => !seen.has(`${key} ${messageId}`) && seen.add(`${key} ${messageId}`));
  }

  of(...keys) { return this.once().filter(({ key }) => keys.includes(key)); }

  in(room) { return this.of('message.room.sent').filter(({ json }) => json.message.room_id === room); }

  direct() { return this.of('message.direct.sent').filter(({ json }) => json.message.sender_id === 'gate-eve' && json.message.content.includes('direct')); }
}

// ---- What has to hold ---------------------------------------------------------------------------------------------

const told = (message) => `{"message":${message},"timestamp":"${JSON.parse(message).created_at}"}`;

// Each message is told twice, one right behind the other; both alike, on the broker's disk.
function pairs(consumer) {
  const all = consumer.once();
  all.forEach((one, at) => {
    assert.equal(one.contentType, 'application/json');
    assert.equal(one.deliveryMode, 2, 'it is on the disk');
    if (!/^message\.(room|direct)\.sent$/.test(one.key)) return;
    assert.deepEqual([all[at + 1].key, all[at + 1].body, all[at + 1].messageId], ['notification.message.new', one.body, one.messageId]);
  });
}

async function inOneOrder(server, consumer) {
  const observer = await listener(server.port, 'observer', ROOM);
  const dan = await listener(server.port, 'far-dan');
  const say = await speakers(server.port);
  await talk(server, say, 'well', { room: MANY, direct: DIRECT });
  await until(() => `all are heard: ${observer.heard.messages.length} and ${dan.heard.messages.length}`,
    () => observer.heard.messages.length === MANY && dan.heard.messages.length === DIRECT, LONG_MS);
  await until(() => `all are published: ${consumer.in(ROOM).length} and ${consumer.direct().length}`,
    () => consumer.of('notification.message.new').length >= MANY + DIRECT, LONG_MS);
  assert.deepEqual(consumer.in(ROOM).map(({ body }) => body), observer.heard.messages.map(told), 'byte for byte, in the order of the room');
  assert.deepEqual(consumer.direct().map(({ body }) => body), dan.heard.messages.map(told));
  const { message } = consumer.direct()[0].json;
  assert.deepEqual([message.receiver_id, message.room_id], ['far-dan', null]);
  assert.equal(consumer.got.length, consumer.once().length, 'nothing is repeated while all is well');
  pairs(consumer);
  [observer, dan, say].forEach((one) => one.close());
}

const marksOf = (consumer, user) => consumer.of('message.read').filter(({ json }) => json.userId === user);

async function marksAndDeletions(server, consumer) {
  const eve = await listener(server.port, 'eve', OTHER);
  const say = (content) => server.ask('POST', '/messages', { headers: bearer('ann'), body: { room_id: OTHER, content } });
  const [one, two, three] = [(await say('1')).json.data, (await say('2')).json.data, (await say('3')).json.data];
  const mark = async (path, user, body) => assert.equal((await server.ask('PUT', path, { headers: bearer(user), body })).status, 200);
  await mark('/messages/delivered', 'bob', { messageIds: [two.id, one.id] });
  await mark('/messages/read', 'bob', { messageIds: [one.id] });
  assert.equal((await server.ask('DELETE', `/messages/${three.id}`, { headers: bearer('ann') })).status, 200);
  // The whole room, and no message named: what others said since eve came, without what was deleted.
  eve.emit('mark_read', { messageIds: [], roomId: OTHER });
  await until('eve has marked', () => eve.heard.acks === 1);
  eve.close();
  await until('the last mark is published', () => marksOf(consumer, 'eve').length === 1);
  const [[delivered], [read], [deleted], [whole]] = [
    consumer.of('message.delivered'), marksOf(consumer, 'bob'), consumer.of('message.deleted'), marksOf(consumer, 'eve'),
  ];
  for (const [what, expected] of [
    [delivered, `{"messageIds":["${two.id}","${one.id}"],"timestamp":"TIME"}`],
    [read, `{"messageIds":["${one.id}"],"userId":"bob","timestamp":"TIME"}`],
    [deleted, `{"messageId":"${three.id}","userId":"ann","timestamp":"TIME"}`],
    [whole, `{"messageIds":["${one.id}","${two.id}"],"userId":"eve","timestamp":"TIME"}`],
  ]) {
    assert.match(what.json.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(what.body, expected.replace('TIME', what.json.timestamp));
  }
  assert.deepEqual(idsOf(consumer.in(OTHER).map(({ json }) => json.message)), idsOf([one, two, three]));
}

// The queues were there before anybody listened, as the contract's own service declares them: with other arguments the broker
// would refuse these declarations. What a consumer refuses reaches the dead letters.
async function queues(url) {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  for (const [name, pattern] of Object.entries(QUEUES)) {
    const { messageCount } = await channel.assertQueue(name, argumentsOf(name));
    assert.ok(messageCount > 0, `${name} has what was published before anybody came`);
    await channel.bindQueue(name, EXCHANGE, pattern);
    const refused = await channel.get(name, { noAck: false });
    channel.nack(refused, false, false);
    const dead = `dlq.${name}`;
    await until(`${dead} has what was refused`, async () => (await channel.assertQueue(dead, { durable: true })).messageCount > 0);
    const letter = await channel.get(dead, { noAck: true });
    assert.equal(letter.properties.headers['x-death'][0].queue, name);
  }
  await connection.close();
}

const metric = async (server, name) => Number((await server.ask('GET', '/metrics')).text.match(new RegExp(`^switchboard_${name} (\\d+)`, 'm'))?.[1]);

async function awayAndBack(server, rabbit, consumer) {
  const before = consumer.in(ROOM).length;
  await consumer.go();
  await rabbit.stop();
  await until('it is said that the broker is away', () => /The feed is away/.test(server.noise), LONG_MS);
  let say = await speakers(server.port);
  await talk(server, say, 'away', { room: 2 * MANY, direct: 2 * DIRECT });
  say.close();
  // Marks and deletions go on, of what was said before and what is said now.
  const history = async () => (await server.ask('GET', `/messages/room/${ROOM}?limit=200`, { headers: bearer('rest-cat') })).json.data;
  const known = (await history()).filter(({ sender_id: sender }) => sender === 'rest-cat');
  const marked = [];
  const deleted = [];
  const change = async () => {
    for (const { id } of known.splice(0, 20)) {
      assert.equal((await server.ask('PUT', '/messages/read', { headers: bearer('bob'), body: { messageIds: [id] } })).status, 200);
      marked.push(id);
    }
    for (const { id } of known.splice(0, 10)) {
      assert.equal((await server.ask('DELETE', `/messages/${id}`, { headers: bearer('rest-cat') })).status, 200);
      deleted.push(id);
    }
  };
  await change();
  assert.equal((await server.ask('GET', '/ready')).status, 200, 'the server does without');
  await server.kill();
  await server.again();
  await until('it is said again', () => /The feed is away/.test(server.noise), LONG_MS);
  await change();
  say = await speakers(server.port);
  await talk(server, say, 'still-away', { room: 3 * MANY - deleted.length, direct: 3 * DIRECT });
  say.close();
  await until('everything is kept', async () => (await metric(server, 'feed_lag')) > 2 * MANY);
  await rabbit.start();
  await consumer.come();
  const all = before + 2 * MANY;
  // Killed again while it tells.
  await until('it begins to tell', () => consumer.in(ROOM).length > before, LONG_MS);
  await server.kill();
  await server.again();
  await until(() => `all has arrived: ${consumer.in(ROOM).length} of ${all}, ${consumer.direct().length} of ${3 * DIRECT}, ${marksOf(consumer, 'bob').length} marks, ${consumer.of('message.deleted').length} deletions`,
    () => consumer.in(ROOM).length === all && consumer.direct().length === 3 * DIRECT
      && marksOf(consumer, 'bob').length === 1 + marked.length && consumer.of('message.deleted').length === 1 + deleted.length, LONG_MS);
  // One order: that of the log, which the history of the room has, as far as a page goes.
  const published = consumer.in(ROOM).map(({ json }) => json.message.id).filter((id) => !deleted.includes(id));
  const page = idsOf(await history());
  assert.ok(page.length === 200, 'a whole page');
  assert.deepEqual(published.slice(-page.length), page, 'in the order of the room');
  const texts = consumer.in(ROOM).map(({ json }) => json.message.content);
  assert.deepEqual([...texts].sort(), ['well', 'away', 'still-away'].flatMap((prefix) => Array.from({ length: MANY }, (_, n) => `${prefix}-${n}`)).sort(), 'each, once');
  assert.deepEqual(marksOf(consumer, 'bob').slice(1).map(({ json }) => json.messageIds), marked.map((id) => [id]), 'marks in their order');
  assert.deepEqual(consumer.of('message.deleted').slice(1).map(({ json }) => json.messageId), deleted);
  // No mark and no deletion before its message.
  const order = consumer.once();
  const at = new Map(order.flatMap(({ key, json }, place) => (key === 'message.room.sent' ? [[json.message.id, place]] : [])));
  order.forEach(({ key, json }, place) => {
    if (key === 'message.read') json.messageIds.forEach((id) => assert.ok(at.get(id) < place));
    if (key === 'message.deleted') assert.ok(at.get(json.messageId) < place);
  });
  pairs(consumer);
  await until('nothing is left to tell', async () => (await metric(server, 'feed_lag')) === 0 && (await metric(server, 'feed_connected')) === 1);
  assert.match(server.noise, /The feed is there/);
  return { marks: marked.length, deletions: deleted.length, repeats: consumer.got.length - order.length };
}

// What was there before us stays.
async function strangers(url) {
  const connection = await connect(url);
  connection.on('error', () => {});
  const there = async (check) => {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    return check(channel).then(() => channel.close().then(() => true), () => false);
  };
  const names = Object.keys(QUEUES).flatMap((name) => [name, `dlq.${name}`]);
  const found = { queues: [], exchanges: [] };
  for (const name of names) if (await there((channel) => channel.checkQueue(name))) found.queues.push(name);
  for (const name of [EXCHANGE, 'dlx']) if (await there((channel) => channel.checkExchange(name))) found.exchanges.push(name);
  await connection.close();
  return async () => {
    const again = await connect(url);
    const channel = await again.createChannel();
    for (const name of [...names.filter((one) => !found.queues.includes(one)), QUEUE]) await channel.deleteQueue(name);
    for (const name of [EXCHANGE, 'dlx'].filter((one) => !found.exchanges.includes(one))) await channel.deleteExchange(name);
    await again.close();
  };
}

run(async () => {
  const rabbit = await broker();
  const sweep = await strangers(rabbit.url);
  const free = { CHAT_MAX_MESSAGES_PER_MIN: '0', MAX_MESSAGES_PER_MIN: '0', FRAMES_PER_SECOND: '100000' };
  const server = await Server.start({ RABBITMQ_URL: rabbit.through, ...free });
  const consumer = new Consumer(rabbit.url);
  try {
    await until('it is said that the broker is there', () => /The feed is there/.test(server.noise));
    await consumer.come();
    await inOneOrder(server, consumer);
    await marksAndDeletions(server, consumer);
    await queues(rabbit.url);
    const { marks, deletions, repeats } = await awayAndBack(server, rabbit, consumer);
    assert.ok(!server.noise.includes('guest:guest'), 'no password in the log');
    console.log(`RabbitMQ: ${rabbit.version}, ${rabbit.kind}: ${3 * MANY} messages of three doors in a room, ${3 * DIRECT} direct ones, ` +
      `${marks} marks and ${deletions} deletions arrived in order, none missing, ${repeats} told again; ` +
      'the broker went and came, and the server was killed twice');
  } catch (error) {
    console.error(server.noise);
    throw error;
  } finally {
    await consumer.go();
    await server.end();
    await sweep().catch((error) => console.error(`left behind: ${error.message}`));
    await rabbit.end();
  }
});
