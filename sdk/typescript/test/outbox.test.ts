// The outbox, and what is kept in storage.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStorage, localStorageStorage } from '../src/index.js';
import type { OutboxEntry, Storage } from '../src/index.js';
import { ALICE, BOB, LIFE, settled } from './double.js';
import { ROOM, acked, client, goLive, message, polite, refused } from './stage.js';

test('a lost acknowledgement: sent again with the same id, and there once', async () => {
  const on = client();
  void on.board.connect();
  const first = await goLive(on, 5, { rooms: [ROOM] });
  const sent = on.board.send('r', 'hello');
  await settled();
  const [frame] = first.of('send');
  assert.equal(on.board.outbox[0]?.state, 'sending');
  first.drop();
  await on.clock.advance(500);
  const second = await goLive(on, 5, { rooms: [ROOM], hello: { resumed: true } });
  assert.deepEqual(second.of('send').map(({ data }) => data), [frame?.data]);
  second.say(acked(second.of('send')[0], 6, true));
  assert.equal((await sent).repeat, true);
  assert.equal(on.board.outbox.length, 0);
});

test('the echo of a message is its acknowledgement', async () => {
  const on = client();
  void on.board.connect();
  const first = await goLive(on, 5, { rooms: [ROOM] });
  const sent = on.board.send('r', 'hello');
  await settled();
  const client_id = first.of('send')[0]?.data?.['client_id'];
  first.drop();
  await on.clock.advance(500);
  await settled();
  const second = on.last();
  polite(second, { hello: { resumed: true }, rooms: [ROOM] });
  second.open();
  second.say(message(6, { by: ALICE, content: 'hello', client_id }));
  second.say({ type: 'live', data: { cursor: `${LIFE}.6` } });
  assert.equal((await sent).offset, 6);
  await settled();
  assert.equal(second.of('send').length, 0);
});

test('is in storage before it is sent, and out of it when it is acknowledged', async () => {
  const kept = new Map<string, string>();
  let release: () => void = () => {};
  const slow: Storage = {
    get: (key) => kept.get(key) ?? null,
    set: (key, value) => new Promise((resolve) => {
      const write = () => { kept.set(key, value); resolve(); };
      if (key.startsWith('outbox/')) release = write;
      else write();
    }),
    remove: (key) => { kept.delete(key); },
    keys: (prefix) => [...kept.keys()].filter((key) => key.startsWith(prefix)),
  };
  const on = client({ storage: slow });
  void on.board.connect();
  const socket = await goLive(on, 5, { rooms: [ROOM] });
  void on.board.send('r', 'hello');
  await settled();
  assert.equal(socket.of('send').length, 0);
  release();
  await settled();
  assert.equal(socket.of('send').length, 1);
  assert.equal([...kept.keys()].filter((key) => key.startsWith('outbox/')).length, 1);
  socket.say(acked(socket.of('send')[0], 6));
  await settled();
  assert.equal([...kept.keys()].filter((key) => key.startsWith('outbox/')).length, 0);
});

test('one of a room is on its way at a time, whatever has to be tried again; rooms do not wait for each other', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on, 5, { rooms: [ROOM] });
  for (const content of ['a', 'b', 'c']) void on.board.send('r', content);
  void on.board.send('other', 'd');
  void on.board.sendTo('bob', 'e');
  const contents = () => socket.of('send').map(({ data }) => data?.['content']);
  await settled();
  assert.deepEqual(contents(), ['a', 'd', 'e']);
  socket.say(refused(socket.of('send')[0], 'unavailable'));
  await on.clock.advance(500);
  assert.deepEqual(contents(), ['a', 'd', 'e', 'a']);
  socket.say(acked(socket.of('send')[3], 6));
  await settled();
  assert.deepEqual(contents(), ['a', 'd', 'e', 'a', 'b']);
  const ids = socket.of('send').map(({ data }) => data?.['client_id']);
  assert.equal(ids[0], ids[3]);
  assert.equal(new Set(ids).size, 4);
});

test('what passes is tried again, as the server says when', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on, 5, { rooms: [ROOM] });
  const sent = on.board.send('r', 'hello');
  await settled();
  for (const [code, after, wait] of [
    ['busy', undefined, 500], ['contended', undefined, 1000], ['storage_full', undefined, 2000], ['outcome_unknown', undefined, 4000],
    ['rate_limited', 12_345, 12_345],
  ] as const) {
    const before = socket.of('send').length;
    socket.say(refused(socket.of('send').at(-1), code, after));
    await on.clock.advance(wait - 1);
    assert.equal(socket.of('send').length, before, code);
    await on.clock.advance(1);
    assert.equal(socket.of('send').length, before + 1, code);
    assert.equal(on.board.outbox[0]?.state, 'sending');
  }
  socket.say(acked(socket.of('send').at(-1), 6));
  assert.equal((await sent).offset, 6);
  assert.equal(new Set(socket.of('send').map(({ data }) => data?.['client_id'])).size, 1);
});

test('what does not pass is failed, holds nobody up, and can be tried again or discarded', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on, 5, { rooms: [ROOM] });
  const first = on.board.send('r', 'first');
  const second = on.board.send('r', 'second');
  await settled();
  socket.say(refused(socket.of('send')[0], 'not_allowed'));
  await assert.rejects(first, { code: 'not_allowed' });
  const states = () => on.board.outbox.map(({ content, state, code }: OutboxEntry) => [content, state, code]);
  assert.deepEqual(states(), [['first', 'failed', 'not_allowed'], ['second', 'sending', undefined]]);
  assert.deepEqual(on.board.view.room('r')?.pending, on.board.outbox);
  on.board.retry(on.board.outbox[0]?.client_id ?? '');
  assert.deepEqual(states(), [['second', 'sending', undefined], ['first', 'sending', undefined]]);
  await settled();
  socket.say(acked(socket.of('send')[1], 6));
  await second;
  await settled();
  const again = socket.of('send')[2];
  assert.deepEqual([again?.data?.['content'], again?.data?.['client_id']], ['first', socket.of('send')[0]?.data?.['client_id']]);
  socket.say(refused(again, 'client_id_reused'));
  await settled();
  on.board.retry(on.board.outbox[0]?.client_id ?? '');
  await settled();
  assert.notEqual(socket.of('send')[3]?.data?.['client_id'], again?.data?.['client_id']);
  const discarded = on.board.send('r', 'third');
  on.board.discard(on.board.outbox[1]?.client_id ?? '');
  await assert.rejects(discarded, { code: 'discarded' });
  on.board.discard(on.board.outbox[0]?.client_id ?? '');
  assert.deepEqual(states(), []);
});

/** What the client tells of its outbox. */
function hearing(on: ReturnType<typeof client>) {
  const heard: (string | undefined)[][] = [];
  on.board.on('outbox', ({ what, entry, room_id }) => heard.push([what, entry.content, entry.state, entry.code, room_id]));
  return heard;
}

// An application could only look at the outbox again and again: of what waits for a conversation that is not made, no view tells.
test('each change of what waits is told, when it is there', async () => {
  const on = client();
  const heard = hearing(on);
  on.board.on('outbox', ({ what, entry }) => assert.equal(on.board.outbox.includes(entry), what === 'waiting' || what === 'failed', what));
  void on.board.connect();
  const socket = await goLive(on, 5, { rooms: [ROOM] });
  const told = async (happens: () => unknown) => {
    heard.length = 0;
    happens();
    await settled();
    return heard;
  };
  const id = () => on.board.outbox[0]?.client_id ?? '';
  const last = () => socket.of('send').at(-1);
  assert.deepEqual(await told(() => on.board.send('r', 'a')), [['waiting', 'a', 'sending', undefined, 'r']]);
  assert.deepEqual(await told(() => socket.say(refused(last(), 'not_allowed'))), [['failed', 'a', 'failed', 'not_allowed', 'r']]);
  assert.deepEqual(await told(() => on.board.retry(id())), [['waiting', 'a', 'sending', undefined, 'r']]);
  // It is tried again by itself: nothing that waits has changed.
  assert.deepEqual(await told(() => socket.say(refused(last(), 'busy'))), []);
  await on.clock.advance(500);
  assert.deepEqual(await told(() => socket.say(acked(last(), 6))), [['sent', 'a', 'sending', undefined, 'r']]);
  assert.deepEqual(await told(() => on.board.send('r', 'b')), [['waiting', 'b', 'sending', undefined, 'r']]);
  assert.deepEqual(await told(() => on.board.discard(id())), [['gone', 'b', 'sending', undefined, 'r']]);
});

test('what waits for a conversation that is not made is told, and has a room when it is', async () => {
  const on = client();
  const heard = hearing(on);
  void on.board.connect();
  const socket = await goLive(on, 5, { rooms: [ROOM] });
  void on.board.sendTo('bob', 'a');
  void on.board.sendTo('bob', 'b');
  await settled();
  const waiting = () => on.board.pending({ to: 'bob' }).map(({ content }) => content);
  assert.deepEqual(waiting(), ['a', 'b']);
  assert.equal(on.board.pending({ to: 'bob' }), on.board.pending({ to: 'bob' }), 'the same array until it changes');
  assert.deepEqual(on.board.pending({ to: 'carol' }), []);
  assert.equal(on.board.pending({ to: 'carol' }), on.board.pending({ room_id: 'r' }));
  const before = on.board.pending({ to: 'bob' });
  void on.board.send('r', 'c');
  assert.equal(on.board.pending({ to: 'bob' }), before, 'what waits elsewhere does not change it');
  on.board.on('outbox', ({ what, room_id }) => { if (what === 'sent') assert.deepEqual([room_id, waiting()], ['dm', ['b']]); });
  const frame = socket.of('send')[0];
  socket.say({ type: 'ack', id: frame?.id, data: { client_id: frame?.data?.['client_id'], room_id: 'dm', message_id: 'm', offset: 6, seq: 2, cursor: `${LIFE}.6`, at: '', repeat: false } });
  await settled();
  assert.deepEqual(heard.map(([what, content, , , room]) => [what, content, room]), [
    ['waiting', 'a', undefined], ['waiting', 'b', undefined], ['waiting', 'c', 'r'], ['sent', 'a', 'dm'],
  ]);
  assert.deepEqual(on.board.pending({ room_id: 'dm' }).map(({ content }) => content), ['b']);
  assert.deepEqual(on.problems, []);
});

test('what is found in storage is told, and what another user left is taken away at once', async () => {
  const storage = memoryStorage();
  const first = client({ storage });
  void first.board.connect();
  await goLive(first);
  void first.board.send('r', 'a');
  await first.board.close();
  let token = 'alice';
  const again = client({ storage, token: () => token });
  const heard = hearing(again);
  void again.board.connect();
  await goLive(again);
  assert.deepEqual(heard.map(([what, content]) => [what, content]), [['waiting', 'a']]);
  token = 'bob';
  again.last().drop();
  await again.clock.advance(500);
  await goLive(again, 5, { hello: { user: BOB } });
  assert.deepEqual(heard.map(([what, content]) => [what, content]), [['waiting', 'a'], ['gone', 'a']]);
  assert.deepEqual(again.board.outbox, []);
});

test('what waits for a room is the same array until it changes', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on, 5, { rooms: [ROOM] });
  void on.board.send('r', 'a');
  const { pending } = on.board.view.room('r') ?? assert.fail();
  socket.say(message(6));
  assert.equal(on.board.view.room('r')?.pending, pending);
  assert.equal(on.board.pending({ room_id: 'r' }), pending);
});

test('outlives the program, in its order; another user of the same storage neither sends nor sees it', async () => {
  const items = new Map<string, string>();
  const storage = localStorageStorage('board', {
    get length() { return items.size; },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => { items.set(key, value); },
    removeItem: (key) => { items.delete(key); },
  });
  const first = client({ storage });
  void first.board.connect();
  const socket = await goLive(first, 5, { rooms: [ROOM] });
  for (const content of ['a', 'b', 'c']) void first.board.send('r', content);
  await settled();
  socket.drop();
  await first.board.close();

  const bob = client({ storage, token: 'bob' });
  void bob.board.connect();
  const bobs = await goLive(bob, 5, { hello: { user: BOB } });
  assert.deepEqual(bobs.of('send'), []);
  assert.deepEqual(bob.board.outbox, []);
  await bob.board.close();

  const again = client({ storage });
  void again.board.connect();
  const mine = await goLive(again, 5, { rooms: [ROOM] });
  assert.deepEqual(again.board.outbox.map(({ content }) => content), ['a', 'b', 'c']);
  assert.deepEqual(again.board.view.room('r')?.pending.length, 3);
  assert.deepEqual(mine.of('send').map(({ data }) => data), socket.of('send').map(({ data }) => data));
  for (let index = 0; index < 3; index += 1) {
    mine.say(acked(mine.of('send')[index], 6 + index));
    await settled();
  }
  assert.deepEqual(mine.of('send').map(({ data }) => data?.['content']), ['a', 'b', 'c']);
  await again.board.close();
  assert.deepEqual([...items.keys()], ['board/place']);
});

test('said before the first connection, it is sent when there is one', async () => {
  const on = client();
  const sent = on.board.send('r', 'early');
  void on.board.connect();
  const socket = await goLive(on, 5, { rooms: [ROOM] });
  socket.say(acked(socket.of('send')[0], 6));
  assert.equal((await sent).offset, 6);
});

test('a storage that fails is told of, and keeps nothing from being sent', async () => {
  const full: Storage = { ...memoryStorage(), set: () => { throw new Error('quota'); } };
  const on = client({ storage: full });
  void on.board.connect();
  const socket = await goLive(on, 5, { rooms: [ROOM] });
  void on.board.send('r', 'hello');
  await settled();
  assert.equal(socket.of('send').length, 1);
  assert.ok(on.problems.some((error) => error instanceof Error && error.message === 'quota'));
});

test('the cursor outlives the program, unless it is not wanted', async () => {
  for (const keepCursor of [true, false]) {
    const storage = memoryStorage();
    const first = client({ storage, keepCursor });
    void first.board.connect();
    (await goLive(first)).say(message(6));
    await first.board.close();
    const again = client({ storage, keepCursor });
    void again.board.connect();
    await settled();
    again.last().open();
    assert.deepEqual(again.last().heard[0]?.data, keepCursor ? { version: 1, resume: `${LIFE}.6` } : { version: 1 });
  }
});

test('begun at the head, nothing is replayed, and nothing is missing from what is shown', async () => {
  const storage = memoryStorage();
  const first = client({ storage, keepCursor: false });
  void first.board.connect();
  const before = await goLive(first, 5, { rooms: [ROOM] });
  void first.board.send('r', 'mine');
  await settled();
  const sent = before.of('send')[0];
  await first.board.close();

  const again = client({ storage, keepCursor: false });
  const told: number[] = [];
  const resets: unknown[] = [];
  again.board.on('message', ({ offset }) => told.push(offset));
  again.board.on('reset', (reset) => resets.push(reset));
  void again.board.connect();
  // 6 was ours, its acknowledgement was lost; 7 was said while nobody ran, 8 after hello and before anything else is answered.
  const [seven, eight] = [message(7), message(8)].map((frame) => (frame as { readonly data: object }).data);
  const now = { ...ROOM, head: { offset: 8, seq: 8 }, unread: 2 };
  await settled();
  const socket = again.last();
  polite(socket, { rooms: [now], hello: { cursor: `${LIFE}.7` } });
  socket.open();
  socket.say(message(8));
  socket.say({ type: 'live', data: { cursor: `${LIFE}.8` } });
  await settled();
  const [repeat] = socket.of('send');
  assert.deepEqual(repeat?.data, sent?.data);
  socket.say(acked(repeat, 6, true));
  const { answer } = socket;
  socket.answer = (frame, on) => {
    const six = { ...seven, message_id: 'id6', offset: 6, seq: 6, by: ALICE, content: 'mine' };
    if (frame.type === 'history') on.say({ type: 'history', id: frame.id, data: { room_id: 'r', messages: [six, seven, eight], total: 3 } });
    else answer?.(frame, on);
  };
  const opening = again.board.view.open('r');
  socket.say(message(9));
  const room = await opening;
  assert.deepEqual(socket.heard[0]?.data, { version: 1 });
  assert.deepEqual([told, resets, again.board.outbox], [[8, 9], [], []]);
  assert.deepEqual([room.unread, room.messages.map(({ offset }) => offset)], [3, [6, 7, 8, 9]]);
});
