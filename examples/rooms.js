// rooms: one socket is one user in one room. node rooms.js [room] [user]
'use strict';

const WebSocket = require('ws');

const SERVER = process.env.SWITCHBOARD_URL || 'http://localhost:8000';
const [room = 'lobby', user = 'alice'] = process.argv.slice(2);

const url = new URL(`/ws/rooms/${encodeURIComponent(room)}?token=${encodeURIComponent(user)}`, SERVER);
url.protocol = url.protocol.replace('http', 'ws');
const socket = new WebSocket(url);

socket.on('open', () => {
  console.log(`${user} is in ${room}; what you type is said there`);
  // With a client_id it is acknowledged, and may be sent again after a broken connection: it is kept once.
  socket.send(JSON.stringify({ text: 'Hello from rooms', client_id: crypto.randomUUID() }));
});
socket.on('message', (data) => {
  const frame = JSON.parse(data);
  if (frame.type === 'ack') console.log(`kept as number ${frame.seq}`);
  else if (frame.text) console.log(`${frame.senderId}: ${frame.text}`);
  else console.log(frame);
});
// A refusal is an HTTP answer whose body says why.
socket.on('unexpected-response', (_, answer) => answer.on('data', (body) => console.error(answer.statusCode, `${body}`)));
socket.on('error', (error) => console.error(error.message));
socket.on('close', () => process.exit());

process.stdin.on('data', (text) => socket.send(JSON.stringify({ text: `${text}`.trim() })));
