// gateway: all of a user's conversations over one socket. node gateway.js [me] [other]
'use strict';

const WebSocket = require('ws');

const SERVER = process.env.SWITCHBOARD_URL || 'http://localhost:8000';
const [me = 'alice', other = 'bob'] = process.argv.slice(2);

const url = new URL(`/production?userId=${encodeURIComponent(me)}`, SERVER);
url.protocol = url.protocol.replace('http', 'ws');
const socket = new WebSocket(url);
const conversationId = ['conv', ...[me, other].sort()].join('-');
const act = (action, more) => socket.send(JSON.stringify({ action, conversationId, senderId: me, ...more }));
const say = (content) => act('sendMessage', { messageId: crypto.randomUUID(), recipientId: other, content });

socket.on('open', () => {
  console.log(`${me} is connected; what you type is said to ${other}`);
  say('Hello from gateway');
});
socket.on('message', (text) => {
  const { type, data, message } = JSON.parse(text);
  switch (type) {
    case 'message':
      console.log(`${data.senderName}: ${data.content}`);
      return act('markRead', {
        conversationId: data.conversationId, readerId: me, messageIds: [data.messageId],
        reads: [{ messageId: data.messageId, senderId: data.senderId }],
      });
    case 'messageStatus':
      return console.log(`${data.messageId} is ${data.status}`);
    case undefined:
      return console.error(message); // The platform's errors have no type.
    default:
      return console.log(type, data);
  }
});
socket.on('unexpected-response', (_, answer) => answer.on('data', (body) => console.error(answer.statusCode, `${body}`)));
socket.on('error', (error) => console.error(error.message));
socket.on('close', () => process.exit());

process.stdin.on('data', (text) => say(`${text}`.trim()));
