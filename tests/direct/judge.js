// The judges of tests/direct/run.js, and the proof that they can say no.
'use strict';

const assert = require('node:assert/strict');

const MESSAGE_KEYS = ['id', 'conversation_id', 'sender_id', 'content', 'timestamp', 'status'];

// A message as the contract's table has it.
function message(shown, wanted) {
  assert.deepEqual(Object.keys(shown), MESSAGE_KEYS);
  for (const key of ['id', 'conversation_id', 'sender_id']) assert.ok(Number.isInteger(shown[key]), key);
  assert.match(shown.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$/);
  for (const [key, value] of Object.entries(wanted)) assert.deepEqual(shown[key], value, key);
}

// What a socket was told first, in the contract's order: that it is connected, who is there, and its own coming. What was
// missed comes behind that.
function greeting(told, id, online, missed = []) {
  const [established, users, status, ...rest] = told;
  assert.deepEqual([established.type, established.user_id], ['connection_established', id]);
  assert.deepEqual(Object.keys(established).slice(0, 2), ['type', 'user_id']);
  assert.deepEqual(Object.keys(users), ['type', 'users']);
  assert.equal(users.type, 'online_users');
  assert.deepEqual([...users.users].sort((one, other) => one - other), online);
  assert.deepEqual(status, { type: 'user_status', user_id: id, status: 'online' });
  assert.deepEqual(rest.map((frame) => [frame.type, frame.message?.content]), missed.map((content) => ['new_message', content]));
}

// Pages, put together: everything, each once, oldest first.
function whole(pages, wanted) {
  const all = pages.flat();
  assert.deepEqual(all.map(({ content }) => content), wanted);
  all.forEach(({ id }, at) => assert.ok(at === 0 || id > all[at - 1].id, 'ids rise'));
}

// Each look at a message's status was at the same one or a later one than the look before, and the last was `last`.
function onlyRises(looks, last) {
  const order = ['sent', 'delivered', 'read'];
  looks.forEach((look, at) => assert.ok(order.includes(look) && (at === 0 || order.indexOf(look) >= order.indexOf(looks[at - 1])), looks.join()));
  assert.equal(looks.at(-1), last);
}

function selfTest() {
  let count = 0;
  const no = (judge, ...words) => { count += 1; assert.throws(() => judge(...words), undefined, JSON.stringify(words)); };
  const good = { id: 4, conversation_id: 3, sender_id: 1, content: 'hi', timestamp: '2025-11-20T11:52:13.994337', status: 'sent' };
  message(good, { sender_id: 1, content: 'hi' });
  message({ ...good, timestamp: '2025-11-20T11:52:13' }, {});
  no(message, good, { status: 'read' });
  no(message, { ...good, id: '4' }, {});
  no(message, { ...good, timestamp: '2025-11-20T11:52:13Z' }, {});
  no(message, { ...good, more: 1 }, {});

  const frames = [
    { type: 'connection_established', user_id: 1, message: 'x' },
    { type: 'online_users', users: [2, 1] },
    { type: 'user_status', user_id: 1, status: 'online' },
    { type: 'new_message', message: good },
  ];
  greeting(frames, 1, [1, 2], ['hi']);
  no(greeting, frames, 1, [1, 2]);
  no(greeting, frames.slice(0, 3), 1, [1, 2], ['hi']);
  no(greeting, frames, 1, [1], ['hi']);
  no(greeting, frames, 2, [1, 2], ['hi']);
  no(greeting, [frames[1], frames[0], frames[2], frames[3]], 1, [1, 2], ['hi']);
  no(greeting, [...frames, frames[3]], 1, [1, 2], ['hi']);

  const [a, b, c] = ['a', 'b', 'c'].map((content, at) => ({ id: at + 1, content }));
  whole([[a, b], [c]], ['a', 'b', 'c']);
  for (const pages of [[[a, b]], [[a, b], [b, c]], [[b, a], [c]], [[a, b], [{ id: 1, content: 'c' }]]]) no(whole, pages, ['a', 'b', 'c']);

  onlyRises(['sent', 'sent', 'delivered'], 'delivered');
  onlyRises(['sent', 'read'], 'read');
  for (const looks of [['sent', 'delivered', 'sent'], ['read', 'delivered'], ['sent'], ['seen', 'delivered']]) no(onlyRises, looks, 'delivered');
  console.log(`Direct self-test: ${count} doctored answers, all refused`);
}

module.exports = { greeting, message, onlyRises, selfTest, whole };
