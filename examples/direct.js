// direct: conversations of two over REST, with a socket that pushes. node direct.js [me] [other]
'use strict';

const WebSocket = require('ws');

const SERVER = process.env.SWITCHBOARD_URL || 'http://localhost:8000';
const [me = 'alice', other = 'bob'] = process.argv.slice(2);

async function call(method, path, body, headers) {
  const answer = await fetch(new URL(`/api/messaging${path}`, SERVER), {
    method, headers, body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function main() {
  // In development mode anybody makes users, and two headers say who is asking.
  const mine = await call('POST', '/users/', { username: me });
  const theirs = await call('POST', '/users/', { username: other });
  const asMe = { 'X-User-ID': `${mine.id}`, 'X-Username': me };

  const url = new URL(`/ws/${mine.id}`, SERVER);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url);
  socket.on('message', (data) => {
    const frame = JSON.parse(data);
    if (frame.type === 'new_message') console.log(`${frame.message.sender_id}: ${frame.message.content}`);
    else console.log(frame);
  });
  socket.on('error', (error) => console.error(error.message));
  socket.on('close', () => process.exit());

  const say = (content) => call('POST', '/messages/', { receiver_id: theirs.id, content }, asMe);
  const sent = await say('Hello from direct');
  for (const message of await call('GET', `/messages/${sent.conversation_id}`, undefined, asMe)) {
    console.log(`${message.sender_id === mine.id ? me : other}: ${message.content} (${message.status})`);
  }
  console.log(`what you type is said to ${other}`);
  process.stdin.on('data', (text) => say(`${text}`.trim()).catch((error) => console.error(error.message)));
}

main().catch((error) => { console.error(error.message); process.exit(1); });
