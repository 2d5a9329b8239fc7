// chat: one socket, which makes, lists, joins and leaves rooms. node chat.js [user]
'use strict';

const WebSocket = require('ws');

const SERVER = process.env.SWITCHBOARD_URL || 'http://localhost:8000';
const [user = 'alice'] = process.argv.slice(2);

const url = new URL(`/ws/chat?token=${encodeURIComponent(user)}`, SERVER);
url.protocol = url.protocol.replace('http', 'ws');
const socket = new WebSocket(url);
const say = (type, data) => socket.send(JSON.stringify({ type, data }));
let room;

socket.on('open', () => say('create_room', { name: `${user}'s room`, type: 'public', max_users: 50 }));
socket.on('message', (data) => {
  const frame = JSON.parse(data);
  switch (frame.type) {
    case 'room_created':
      room = frame.data.id;
      console.log(`made ${room}; what you type is said there`);
      // What stands behind a join waits for it: there is no answer to wait for.
      say('join_room', { room_id: room });
      return say('send_message', { type: 'text', content: 'Hello from chat', room_id: room });
    case 'error':
      return console.error(frame.data.message);
    default:
      return console.log(`${frame.user_email ?? ''} (${frame.type}): ${frame.content}`);
  }
});
socket.on('error', (error) => console.error(error.message));
socket.on('close', () => process.exit());

process.stdin.on('data', (text) => say('send_message', { type: 'text', content: `${text}`.trim(), room_id: room }));
