// The connection: coming and coming back, the token, calls.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitMs } from '../src/backoff.js';
import { SwitchboardError } from '../src/index.js';
import type { Change } from '../src/index.js';
import { ALICE, BOB, HandClock, LIFE, helloAnswer, settled } from './double.js';
import { ROOM, acked, client, goLive, message, polite, refused } from './stage.js';

test('waits are doubled up to the bound, and jittered', () => {
  const backoff = { firstMs: 500, maxMs: 30_000, factor: 2, jitterMin: 0.5 };
  const waits = (random: number) => [0, 1, 2, 5, 6, 7, 5000].map((failures) => waitMs(backoff, failures, random));
  assert.deepEqual(waits(1), [500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
  assert.deepEqual(waits(0), [250, 500, 1000, 8000, 15_000, 15_000, 15_000]);
});

test('says hello first, with the token in a header, and is live when told so', async () => {
  const on = client();
  const done = on.board.connect();
  const socket = await goLive(on);
  await done;
  assert.equal(socket.url, 'ws://x/ws/chat');
  assert.deepEqual(socket.protocols, ['bearer', 'alice']);
  assert.deepEqual(socket.heard[0], { type: 'hello', id: socket.heard[0]?.id, data: { version: 1 } });
  assert.deepEqual(on.statuses, ['connecting', 'catching-up', 'live']);
  assert.deepEqual(on.board.me, ALICE);
});

test('a token that a header cannot take goes into the address', async () => {
  const on = client({ token: 'alice@x y' });
  void on.board.connect();
  await settled();
  assert.equal(on.last().url, 'ws://x/ws/chat?token=alice%40x+y');
  assert.deepEqual(on.last().protocols, []);
});

test('comes back after waits that double while nobody answers, and at once when asked to', async () => {
  const on = client();
  void on.board.connect();
  for (const wait of [500, 1000, 2000]) {
    await settled();
    const before = on.sockets.length;
    on.last().drop();
    await on.clock.advance(wait - 1);
    assert.equal(on.sockets.length, before, `not before ${wait} ms`);
    await on.clock.advance(1);
    assert.equal(on.sockets.length, before + 1, `after ${wait} ms`);
  }
  on.last().drop();
  const before = on.sockets.length;
  void on.board.connect();
  await settled();
  assert.equal(on.sockets.length, before + 1);
});

test('without a frame for 60 s the connection is given up; a heartbeat keeps it', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on);
  await on.clock.advance(59_000);
  socket.say({ type: 'heartbeat', data: { cursor: `${LIFE}.6` } });
  await on.clock.advance(59_999);
  assert.equal(on.board.status, 'live');
  await on.clock.advance(1);
  assert.equal(on.board.status, 'waiting');
  assert.equal(socket.closed, 4000);
  await on.clock.advance(500);
  on.last().open();
  assert.deepEqual(on.last().heard[0]?.data, { version: 1, resume: `${LIFE}.6` });
});

test('a server that never answers hello is given up too', async () => {
  const on = client();
  void on.board.connect();
  await settled();
  on.last().open();
  await on.clock.advance(60_000);
  assert.equal(on.board.status, 'waiting');
});

test('resumes from what was told in order, not from what an acknowledgement or a page says', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on, 5, { rooms: [ROOM] });
  socket.say(message(6));
  void on.board.send('r', 'mine');
  await settled();
  // Ours is 8 in the log; 7, somebody else's, has not come when the line breaks.
  socket.say(acked(socket.of('send')[0], 8));
  await settled();
  socket.drop();
  await on.clock.advance(500);
  on.last().open();
  assert.deepEqual(on.last().heard[0]?.data, { version: 1, resume: `${LIFE}.6` });
});

test('what comes again is not told again', async () => {
  const on = client();
  const told: number[] = [];
  on.board.on('message', ({ offset }) => told.push(offset));
  void on.board.connect();
  const first = await goLive(on);
  first.say(message(6));
  first.say(message(7));
  first.drop();
  await on.clock.advance(500);
  const again = on.last();
  polite(again, { hello: { resumed: true } });
  again.open();
  for (const offset of [6, 7, 8]) again.say(message(offset));
  assert.deepEqual(told, [6, 7, 8]);
});

test('after a log that was replaced its lower offsets are told', async () => {
  const on = client();
  const told: number[] = [];
  const resets: string[] = [];
  on.board.on('message', ({ offset }) => told.push(offset));
  on.board.on('reset', ({ reason }) => resets.push(reason));
  void on.board.connect();
  (await goLive(on)).say(message(60));
  on.last().drop();
  await on.clock.advance(500);
  polite(on.last(), { hello: { resumed: false, reason: 'other_log', cursor: 'cd.1' } });
  on.last().open();
  on.last().say(message(2));
  assert.deepEqual(told, [60, 2]);
  assert.deepEqual(resets, ['other_log']);
});

test('a frame cut in half is no frame: the line is dropped, and the cursor brings it again', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on);
  socket.say(message(6));
  socket.sayText(JSON.stringify(message(7)).slice(0, 40));
  assert.equal(on.board.status, 'waiting');
  assert.equal(on.problems.length, 1);
  await on.clock.advance(500);
  on.last().open();
  assert.deepEqual(on.last().heard[0]?.data, { version: 1, resume: `${LIFE}.6` });
});

test('the token is asked for before each connection, and after 4401', async () => {
  const tokens = ['one', 'two', 'three'];
  const on = client({ token: async () => tokens.shift() ?? 'none' });
  void on.board.connect();
  const socket = await goLive(on);
  socket.drop(4401);
  assert.equal(on.board.status, 'waiting');
  await on.clock.advance(500);
  on.last().drop();
  await on.clock.advance(30_000);
  assert.deepEqual(on.sockets.map(({ protocols }) => protocols[1]).slice(0, 3), ['one', 'two', 'three']);
});

test('a token that cannot be renewed ends it with 4401; a refused hello ends it too', async () => {
  const on = client();
  const done = on.board.connect();
  const socket = await goLive(on);
  await done;
  socket.drop(4401);
  assert.equal(on.board.status, 'closed');
  await assert.rejects(on.board.ping(), { code: 'closed' });

  const other = client();
  const never = other.board.connect();
  await settled();
  other.last().open();
  other.last().say(refused(other.last().heard[0], 'invalid'));
  assert.equal(other.board.status, 'closed');
  await assert.rejects(never, { code: 'closed', message: 'invalid: invalid' });
});

test('a token is renewed before it ends', async () => {
  const clock = new HandClock();
  const jwt = (seconds: number) => `h.${btoa(JSON.stringify({ sub: 'alice', exp: clock.now() / 1000 + seconds }))}.s`.replaceAll('=', '');
  const tokens = [jwt(3600), jwt(7200)];
  const second = tokens[1];
  const on = client({ clock, token: () => tokens.shift() ?? 'none' });
  void on.board.connect();
  const socket = await goLive({ ...on, clock });
  // Heartbeats, so that nothing else happens in that hour.
  for (let minute = 0; minute < 59; minute += 1) {
    assert.equal(socket.of('auth').length, 0);
    await clock.advance(59_999);
    socket.say({ type: 'heartbeat', data: { cursor: `${LIFE}.6` } });
  }
  await clock.advance(59_000);
  assert.deepEqual(socket.of('auth').map(({ data }) => data), [{ token: second }]);
});

test('calls that are cut off are asked again, and a room is made once', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on);
  socket.answer = undefined;
  const history = on.board.history('r');
  const made = on.board.createRoom({ title: 'Den', kind: 'private' });
  await settled();
  assert.equal(socket.of('history').length, 1);
  socket.drop();
  await on.clock.advance(500);
  on.last().answer = ({ type, id }) => {
    if (type === 'hello') on.last().say(helloAnswer(id));
    if (type === 'history') on.last().say({ type, id, data: { room_id: 'r', messages: [], total: 3 } });
    if (type === 'create_room') on.last().say({ type: 'room', id, data: { room: { ...ROOM, id: 'den' } } });
  };
  on.last().open();
  assert.equal((await history).total, 3);
  assert.equal((await made).id, 'den');
  const [[first], [second]] = [socket.of('create_room'), on.last().of('create_room')];
  assert.deepEqual(second?.data, first?.data);
  assert.match(String((first?.data as { client_id: unknown }).client_id), /^[0-9a-f-]{32,36}$/);
});

test('a call is asked again when the server says so, and not for ever', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on);
  socket.answer = undefined;
  const members = on.board.members('r');
  for (const wait of [500, 1000, 7]) {
    await settled();
    const asked = socket.of('members');
    socket.say(refused(asked.at(-1), 'busy', wait === 7 ? 7 : undefined));
    await on.clock.advance(wait - 1);
    assert.equal(socket.of('members').length, asked.length);
    await on.clock.advance(1);
    assert.equal(socket.of('members').length, asked.length + 1);
  }
  socket.say(refused(socket.of('members').at(-1), 'busy', 60_000));
  await assert.rejects(members, (error) => error instanceof SwitchboardError && error.code === 'busy' && error.retryAfterMs === 60_000);
  const unanswered = on.board.members('r');
  await settled();
  const failed = assert.rejects(unanswered, { code: 'timeout' });
  await on.clock.advance(30_000);
  await failed;
});

test('two edits of a message keep their order, although the first has to be tried again', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on);
  void on.board.edit('m', 'first');
  void on.board.edit('m', 'second');
  await settled();
  socket.say(refused(socket.of('edit')[0], 'contended'));
  await on.clock.advance(500);
  const changed = { message_id: 'm', room_id: 'r', offset: 9, seq: 9, cursor: 'x', at: '' };
  socket.say({ type: 'changed', id: socket.of('edit')[1]?.id, data: changed });
  await settled();
  assert.deepEqual(socket.of('edit').map(({ data }) => data?.['content']), ['first', 'first', 'second']);
});

test('no more than 32 calls are in flight', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on);
  for (let index = 0; index < 40; index += 1) void on.board.user({ number: index }).catch(() => {});
  assert.equal(socket.of('user').length, 32);
  socket.say({ type: 'user', id: socket.of('user')[0]?.id, data: { user: BOB } });
  assert.equal(socket.of('user').length, 33);
});

test('typing is said every 3 s at most', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on);
  for (let second = 0; second < 7; second += 1) {
    on.board.typing('r');
    on.board.typing('r');
    await on.clock.advance(1000);
  }
  on.board.typing('r', false);
  on.board.typing('r', false);
  assert.deepEqual(socket.of('typing').map(({ data }) => data?.['on']), [true, true, true, false]);
});

// It was documented and typed, and nothing ever told it.
test('`change` tells of the view by the client too, many at once', async () => {
  const on = client();
  const changes: Change[] = [];
  on.board.on('change', (change) => changes.push(change));
  void on.board.connect();
  const socket = await goLive(on, 5, { rooms: [ROOM] });
  await on.clock.advance(100);
  assert.deepEqual([...(changes.at(-1)?.rooms ?? [])], ['r']);
  const next = async (what: string, happens: () => unknown, expected: { readonly list: boolean; readonly online?: boolean }) => {
    changes.length = 0;
    await happens();
    await on.clock.advance(100);
    assert.equal(changes.length, 1, what);
    const [{ rooms, list, online } = assert.fail()] = changes;
    assert.deepEqual({ rooms: [...rooms], list, online }, { rooms: expected.online ? [] : ['r'], online: false, ...expected }, what);
  };
  const signal = (type: string, more: object) => socket.say({ type, data: { room_id: 'r', user: BOB, at: '', ...more } });
  await next('messages', () => [6, 7, 8].forEach((offset) => socket.say(message(offset))), { list: true });
  await next('typing', () => signal('typing', { on: true }), { list: false });
  await next('its end', () => on.clock.advance(5000), { list: false });
  await next('a receipt', () => signal('receipt', { kind: 'read', offset: 8 }), { list: false });
  await next('our own mark, set elsewhere', () => signal('receipt', { kind: 'read', offset: 8, user: ALICE }), { list: true });
  await next('here', () => signal('here', { here: true }), { list: false });
  await next('presence', () => signal('presence', { online: true }), { list: false, online: true });
  // The last message is then that of the page.
  await next('a page', () => on.board.view.open('r'), { list: true });
  await next('sending', () => void on.board.send('r', 'x'), { list: false });
  await next('sent', () => socket.say(acked(socket.of('send')[0], 9)), { list: true });
  await next('shut', () => on.board.view.shut('r'), { list: true });
  await next('cut off', () => socket.drop(), { list: false });
});
