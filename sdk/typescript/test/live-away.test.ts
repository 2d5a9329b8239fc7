// Against the real server: out of a room and in again, readers who leave, unsent messages and their changes.
//
// SWITCHBOARD_BINARY says which server; else target/release/switchboard.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { memoryStorage } from '../src/index.js';
import type { Switchboard } from '../src/index.js';
import { Line, client, same, start, until } from './server.js';
import type { Client, Server } from './server.js';

let server: Server;
const clients: Client[] = [];

before(async () => { server = await start(); });
after(async () => {
  await Promise.all(clients.map(({ board }) => board.close()));
  await server.end();
});

async function connected(user: string, more: Parameters<typeof client>[2] & { readonly port?: number } = {}): Promise<Switchboard> {
  const { port = server.port, ...options } = more;
  const made = client(port, user, options);
  clients.push(made);
  await made.board.connect();
  return made.board;
}

const contents = (board: Switchboard, roomId: string) => board.view.room(roomId)?.messages.map(({ content }) => content);

test('put out and let in again while away: nothing is missing between what was there and what is', async () => {
  const line = await Line.to(server);
  const bob = await connected('away-bob');
  const { id } = await bob.createRoom({ title: 'Away', kind: 'private' });
  await (await connected('away-alice')).join(id);
  await bob.send(id, 'before');
  await bob.view.open(id);
  // Begun now: nothing has come as an event when the line goes down.
  const alice = await connected('away-alice', { port: line.port });
  await alice.view.open(id);
  line.down = true;
  line.cut();
  await until('she is away', () => alice.status !== 'live');
  await bob.kick(id, 'away-alice');
  for (let index = 0; index < 70; index += 1) await bob.send(id, `meanwhile ${index}`);
  await bob.invite(id, 'away-alice');
  await bob.send(id, 'after');
  line.down = false;
  await until('she is back', () => alice.status === 'live' && contents(alice, id)?.at(-1) === 'after');
  while (await alice.view.loadOlder(id)) { /* To the beginning. */ }
  assert.deepEqual(contents(alice, id), contents(bob, id));
  assert.equal(contents(alice, id)?.length, 72);
  await line.end();
});

test('what was read stays read when its reader leaves, for who was there and for who comes later', async () => {
  const [alice, carol] = [await connected('left-alice'), await connected('left-carol')];
  const { id } = await alice.createRoom({ title: 'Left', kind: 'private' });
  await carol.join(id);
  await alice.view.open(id);
  const { offset } = await alice.send(id, 'read me');
  // What has not come can't be marked.
  await until('she has it', () => carol.view.room(id)?.head.offset === offset);
  await carol.markRead(id, offset);
  await until('it is read', () => alice.view.tick(id, offset) === 'read');
  await carol.leave(id);
  await until('she has left', () => alice.view.room(id)?.members?.has('left-carol') === false);
  assert.equal(alice.view.tick(id, offset), 'read');
  assert.equal(alice.view.room(id)?.receipts.get('left-carol')?.read, offset);
  const again = await connected('left-alice');
  await again.view.open(id);
  assert.equal(again.view.tick(id, offset), 'read');
});

test('a public room that is spoken in without being joined has no hole before what was said', async () => {
  const [bob, dan] = [await connected('guest-bob'), await connected('guest-dan')];
  const { id } = await bob.createRoom({ title: 'Open', kind: 'public' });
  await bob.send(id, 'first');
  await dan.view.open(id);
  await bob.send(id, 'second');
  await dan.send(id, 'third');
  await same('all three', () => contents(dan, id), () => ['first', 'second', 'third']);
});

test('what waits for a conversation that is not made is told until it is sent; begun at the head, it is there', async () => {
  const line = await Line.to(server);
  const storage = memoryStorage();
  const alice = await connected('first-alice', { port: line.port, storage, keepCursor: false });
  const bob = await connected('first-bob');
  const heard: string[] = [];
  alice.on('outbox', ({ what, entry, room_id }) => heard.push(`${what} ${entry.content} ${room_id === undefined ? 'nowhere' : 'room'}`));
  line.down = true;
  line.cut();
  await until('she is away', () => alice.status !== 'live');
  const sent = [alice.sendTo('first-bob', 'one'), alice.sendTo('first-bob', 'two')];
  assert.deepEqual(alice.pending({ to: 'first-bob' }).map(({ content }) => content), ['one', 'two']);
  line.down = false;
  const [{ room_id: id }] = await Promise.all(sent) as [{ readonly room_id: string }, unknown];
  assert.deepEqual(heard, ['waiting one nowhere', 'waiting two nowhere', 'sent one room', 'sent two room']);
  assert.deepEqual(alice.pending({ to: 'first-bob' }), []);
  await alice.close();
  await bob.send(id, 'while away');
  const again = client(server.port, 'first-alice', { storage, keepCursor: false });
  clients.push(again);
  const told: string[] = [];
  again.board.on('message', ({ content }) => told.push(content));
  await again.board.connect();
  const room = await again.board.view.open(id);
  assert.deepEqual([room.unread, contents(again.board, id)], [1, ['one', 'two', 'while away']]);
  assert.deepEqual(told, []);
  await line.end();
});

test('another log in its place: what comes is news, and read by nobody, although its offsets are lower', async () => {
  const [one, other] = [await start(), await start()];
  const at = { port: one.port };
  // The line leads to whichever is there.
  const line = await Line.to({ get port() { return at.port; } } as Server);
  try {
    const alice = await connected('log-alice', { port: line.port });
    const bob = await connected('log-bob', { port: one.port });
    let id = '';
    for (let index = 0; index < 30; index += 1) id = (await bob.sendTo('log-alice', `old ${index}`)).room_id;
    const { offset } = await alice.sendTo('log-bob', 'old, mine');
    await until('it has come', () => alice.view.room(id)?.head.offset === offset);
    await alice.view.open(id);
    await alice.markRead(id, offset);
    await until('he has it', () => bob.view.room(id)?.head.offset === offset);
    await bob.markRead(id, offset);
    await until('he has read it', () => alice.view.tick(id, offset) === 'read');
    // A log that is another one and shorter is told of as `ahead`.
    const resets: unknown[] = [];
    alice.on('reset', ({ reason }) => resets.push(reason));
    line.down = true;
    line.cut();
    const stranger = await connected('log-bob', { port: other.port });
    const { offset: lower } = await stranger.sendTo('log-alice', 'new');
    assert.ok(lower < offset);
    at.port = other.port;
    line.down = false;
    await until('it is shown', () => contents(alice, id)?.join() === 'new');
    await until('it is counted', () => alice.view.room(id)?.unread === 1);
    const { offset: mine } = await alice.send(id, 'new, mine');
    await stranger.view.open(id);
    await same('the same', () => contents(alice, id), () => ['new', 'new, mine']);
    assert.deepEqual([alice.view.room(id)?.read, alice.view.tick(id, mine) === 'read', resets], [0, false, ['ahead']]);
    await alice.close();
  } finally {
    await line.end();
    await Promise.all([one.end(), other.end()]);
  }
});
