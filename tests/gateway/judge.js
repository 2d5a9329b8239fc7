// The judges of tests/gateway/run.js, and the proof that they can say no.
'use strict';

const assert = require('node:assert/strict');

// What a client heard, against what was acknowledged to each of its senders in the order in which they said it: each
// once by its messageId and by its text, in each sender's order, and in the one order that the log has (`order`: all
// texts, as the ids of the other door sort them).
function eachOnce(heard, said, order) {
  const texts = heard.map(({ content }) => content);
  const all = [...said.values()].flat();
  const known = new Set(texts);
  assert.deepEqual(all.filter((text) => !known.has(text)).slice(0, 5), [], 'nothing acknowledged is lost');
  assert.equal(new Set(heard.map(({ messageId }) => messageId)).size, heard.length, 'no messageId is told twice');
  assert.equal(known.size, texts.length, 'nothing is told twice');
  assert.equal(texts.length, all.length, 'nothing is told that nobody said');
  for (const [sender, own] of said) {
    const got = heard.filter(({ senderId }) => senderId === sender).map(({ content }) => content);
    assert.deepEqual(got, own, `what ${sender} said comes in the order in which it was said`);
  }
  assert.deepEqual(texts, order, 'one order, the log\'s');
}

// What became of one message, as its author was told.
function rises(statuses) {
  assert.deepEqual(statuses, ['sent', 'delivered', 'read'], 'sent, then delivered, then read, each told once');
}

// The contract's example of what a receiver gets: its keys, in its order, and nothing else.
const CONTRACT_KEYS = ['messageId', 'conversationId', 'senderId', 'senderName', 'content', 'timestamp', 'status'];

function contractShape(line, said) {
  const frame = JSON.parse(line);
  assert.deepEqual(Object.keys(frame), ['type', 'data']);
  assert.equal(frame.type, 'message');
  assert.deepEqual(Object.keys(frame.data), CONTRACT_KEYS);
  const { action, recipientId, ...kept } = said;
  assert.deepEqual(frame.data, { ...kept, status: 'delivered' });
}

function selfTest() {
  const heard = ['a0', 'b0', 'a1', 'b1'].map((content) => ({ messageId: `m${content}`, senderId: content[0], content }));
  const said = new Map([['a', ['a0', 'a1']], ['b', ['b0', 'b1']]]);
  const order = ['a0', 'b0', 'a1', 'b1'];
  eachOnce(heard, said, order);
  const [a0, b0, a1, b1] = heard;
  const wrong = {
    lost: [a0, b0, a1],
    'lost first': [b0, a1, b1],
    doubled: [...heard, b1],
    'doubled under another id': [...heard, { ...b1, messageId: 'other' }],
    'two under one id': [a0, b0, a1, { ...b1, messageId: a1.messageId }],
    'swapped by a sender': [a1, b0, a0, b1],
    'swapped between senders': [b0, a0, a1, b1],
    'another speaker': [a0, b0, a1, { ...b1, senderId: 'a' }],
    invented: [...heard, { messageId: 'x', senderId: 'c', content: 'c0' }],
  };
  for (const [what, received] of Object.entries(wrong)) assert.throws(() => eachOnce(received, said, order), undefined, what);

  rises(['sent', 'delivered', 'read']);
  const falls = [['sent', 'delivered'], ['sent', 'read', 'delivered'], ['sent', 'delivered', 'delivered', 'read'], []];
  for (const statuses of falls) assert.throws(() => rises(statuses), undefined, String(statuses));

  const sent = { action: 'sendMessage', messageId: 'm', conversationId: 'c', senderId: 'a', senderName: 'A', recipientId: 'b', content: 'x', timestamp: 't' };
  const data = { messageId: 'm', conversationId: 'c', senderId: 'a', senderName: 'A', content: 'x', timestamp: 't', status: 'delivered' };
  contractShape(JSON.stringify({ type: 'message', data }), sent);
  const { timestamp, ...less } = data;
  const shapes = [
    { type: 'message', data: { ...data, status: 'sent' } },
    { type: 'message', data: { ...data, recipientId: 'b' } },
    { type: 'message', data: { ...data, content: 'y' } },
    { type: 'message', data: less },
    { type: 'message', data: { status: 'delivered', ...data } },
    { type: 'other', data },
    { data, type: 'message' },
  ];
  for (const shape of shapes) assert.throws(() => contractShape(JSON.stringify(shape), sent), undefined, JSON.stringify(shape));
  const count = Object.keys(wrong).length + falls.length + shapes.length;
  console.log(`Gateway self-test: ${count} doctored histories and frames, all refused`);
}

module.exports = { contractShape, eachOnce, rises, selfTest };
