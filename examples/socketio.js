// socketio: a stock socket.io-client. node socketio.js [room] [user]
'use strict';

const { io } = require('socket.io-client');

const SERVER = process.env.SWITCHBOARD_URL || 'http://localhost:8000';
const [roomId = 'lobby', userId = 'alice'] = process.argv.slice(2);

const socket = io(SERVER);

socket.on('connect', () => {
  if (socket.recovered) return; // Back as who it was, in its rooms, and told what it missed.
  socket.emit('authenticate', { userId, token: userId });
  socket.emit('join_room', { roomId });
  socket.emit('send_message', { room_id: roomId, content: 'Hello from socketio' }, (answer) => {
    console.log(answer.success ? `kept as ${answer.message.id}` : answer.error);
  });
});
socket.on('room_joined', ({ messages }) => {
  messages.forEach(show);
  console.log(`${userId} is in ${roomId}; what you type is said there`);
});
socket.on('new_message', show);
socket.on('message_deleted', ({ messageId }) => console.log(`${messageId} was deleted`));
socket.on('user_joined', (who) => console.log(`${who.userId} came`));
socket.on('error', ({ message }) => console.error(message));
socket.on('connect_error', (error) => console.error(error.message));

function show(message) {
  console.log(`${message.sender_name}: ${message.content}`);
}

process.stdin.on('data', (text) => socket.emit('send_message', { room_id: roomId, content: `${text}`.trim() }));
