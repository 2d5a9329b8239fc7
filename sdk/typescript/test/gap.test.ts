// What was missed in a room is never left out without a word.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Member, ResumeRefusal, Room } from '../src/index.js';
import { BOB, LIFE, settled } from './double.js';
import { ROOM, client, goLive, polite } from './stage.js';
import { at, deleted, member, said, stored, view } from './view-stage.js';

// Put out while away, one is not told so; let in again, one is told from that on. A stretch that had been loaded, and after which
// nothing had come, was taken for unbroken: what was said in between was missing for good, between what is before and after.
test('put out and let in again while away: what lies between is loaded, whichever comes first, the event or the list', async () => {
  for (const first of ['event', 'list']) {
    const on = view();
    await on.live();
    await on.open([stored(4), stored(5)]);
    on.view.offline();
    const back = () => on.view.happened(member(9, 'alice'));
    const now = { ...ROOM, head: { offset: 10, seq: 10 } };
    if (first === 'event') back();
    const done = on.view.live();
    await on.next('rooms').answer([now]);
    if (first === 'list') back();
    on.view.happened(said(10));
    await on.next('online').answer([]);
    assert.deepEqual(on.resets, [['gap', 'r']], first);
    assert.equal(on.view.room('r')?.history, 'loading');
    await on.next('members r').answer([]);
    await on.next('history r').answer(on.page([4, 5, 7, 8, 10].map((offset) => stored(offset))));
    await done;
    assert.deepEqual(on.contents(), ['m4', 'm5', 'm7', 'm8', 'm10'], first);
  }
});

test('a page that is refused because of a gap is asked for again', async () => {
  const on = view();
  await on.live();
  const opened = on.view.open('r');
  await settled();
  await on.next('members r').answer([]);
  const asked = on.next('history r');
  // Asked while we were out; the answer comes after the word that we are in again.
  on.view.happened(member(9, 'alice'));
  await asked.refuse('forbidden');
  await on.next('history r').answer(on.page([stored(5), stored(8)]));
  assert.deepEqual((await opened).messages.map(({ content }) => content), ['m5', 'm8']);
});

test('a public room that one only looked into is loaded anew when it becomes one\'s own', async () => {
  const on = view();
  await on.live([]);
  const opened = on.view.open('r');
  await on.next('room r').answer(ROOM);
  await on.next('members r').answer([]);
  await on.next('history r').answer(on.page([stored(5)]));
  await opened;
  on.view.happened(member(8, 'alice'));
  await on.next('history r').answer(on.page([5, 6, 7].map((offset) => stored(offset))));
  assert.deepEqual(on.contents(), ['m5', 'm6', 'm7']);
});

test('what one says in a room that one only looked into is not put behind what was loaded', async () => {
  const on = view();
  await on.live([]);
  const opened = on.view.open('r');
  const { role: _, ...guest } = ROOM;
  await on.next('room r').answer(guest);
  await on.next('members r').answer([]);
  await on.next('history r').answer(on.page([stored(5)]));
  await opened;
  on.view.acked({ client_id: 'c', room_id: 'r', content: 'mine', at: '', state: 'sending' }, { ...at(7), message_id: 'id7', repeat: false });
  await on.next('history r').answer(on.page([stored(5), stored(6), stored(7, 'mine')]));
  assert.deepEqual(on.contents(), ['m5', 'm6', 'mine']);
});

test('what the server says of a room before or after its events makes no gap of its own', async () => {
  const on = view();
  const done = on.view.live();
  on.view.happened(said(6));
  await on.next('rooms').answer([{ ...ROOM, head: { offset: 9, seq: 9 } }]);
  await on.next('online').answer([]);
  await done;
  await on.open([6, 7].map((offset) => stored(offset)));
  for (const offset of [7, 8, 9, 10]) on.view.happened(said(offset));
  on.view.entered({ ...ROOM, id: 'new', head: { offset: 12, seq: 12 } });
  for (const offset of [11, 12, 13]) on.view.happened(said(offset, 'x', { room_id: 'new' }));
  assert.deepEqual(on.resets, []);
  assert.deepEqual(on.contents(), ['m6', 'm7', 'm8', 'm9', 'm10']);
});

// Of a conversation one hears no `member` about oneself: one that was made while the list was on its way was dropped with what
// had been said in it, for it was not in the list.
test('a conversation that is made while the list is asked for is kept', async () => {
  const on = view();
  const done = on.view.live();
  on.view.happened({ type: 'room_made', data: { ...at(6, { room_id: 'dm', seq: 1 }), title: 'dm', kind: 'direct' } });
  on.view.happened(said(7, 'hello', { room_id: 'dm', seq: 2 }));
  await on.next('rooms').answer([]);
  await on.next('online').answer([]);
  await done;
  await on.clock.advance(100);
  const { role: _, ...dm } = { ...ROOM, id: 'dm', kind: 'direct' as const, with: BOB, head: { offset: 7, seq: 2 }, unread: 1 };
  await on.next('room dm').answer(dm);
  assert.deepEqual([on.view.direct('bob')?.unread, on.view.rooms.map(({ id }) => id)], [1, ['dm']]);
});

const MARKED: Room = { ...ROOM, title: 'Old', head: { offset: 500, seq: 90 }, read: { offset: 400, at: '' }, unread: 3, mentions: 1, last: stored(500) };
const READER: Member = { user: BOB, role: 'member', status: 'active', muted: false, online: true, read: { offset: 450, at: '' }, delivered: { offset: 500, at: '' } };

/** A room in which everything that is kept by offset is far up, and whose resume is then refused. */
async function refused(reason: ResumeRefusal) {
  const on = view();
  await on.live([MARKED]);
  const opened = on.view.open('r');
  await settled();
  await on.next('members r').answer([READER]);
  await on.next('history r').answer(on.page([400, 450, 500].map((offset) => stored(offset))));
  await opened;
  on.view.happened(member(501, 'alice', { role: 'moderator', seq: 91 }));
  on.view.signal({ type: 'receipt', data: { room_id: 'r', user: BOB, kind: 'read', message_ids: ['id2'], at: '' } });
  on.view.offline();
  on.view.reset(reason);
  return on;
}

// Offsets of another log begin anew: while the old ones were kept, its messages were read already, by everybody, and older than
// what had been shown.
test('of a log that was replaced nothing is kept by offset', async () => {
  for (const reason of ['other_log', 'ahead', 'malformed'] as const) {
    const on = await refused(reason);
    const room = on.view.room('r');
    assert.deepEqual([room?.head.offset, room?.read, room?.unread, room?.mentions, room?.last, room?.receipts.size], [0, 0, 0, 0, undefined, 0], reason);
    const done = on.view.live();
    on.view.happened(said(2, 'hello @alice'));
    await on.next('rooms').answer([{ ...ROOM, title: 'New', head: { offset: 1, seq: 1 } }]);
    await on.next('online').answer([]);
    await on.next('members r').answer([{ ...READER, read: { offset: 1, at: '' }, delivered: { offset: 1, at: '' } }]);
    await on.next('history r').answer(on.page([stored(1), stored(2)]));
    await done;
    const now = on.view.room('r');
    assert.deepEqual([now?.title, now?.role, now?.head.offset, now?.read, now?.unread, now?.mentions], ['New', 'member', 2, 0, 1, 1], reason);
    assert.deepEqual([now?.last?.offset, on.view.tick('r', 2), now?.receipts.get('bob')?.read], [2, undefined, 1], reason);
    on.view.happened(said(3));
    on.view.happened(deleted(4, 2));
    assert.deepEqual([on.view.room('r')?.unread, on.view.room('r')?.mentions], [1, 0], reason);
    assert.deepEqual(on.contents(), ['m1', 'm3'], reason);
  }
});

test('of a log that is the same, marks are kept, although what was missed is kept no more', async () => {
  const on = await refused('expired');
  const room = on.view.room('r');
  assert.deepEqual([room?.head.offset, room?.read, room?.receipts.get('bob')?.read], [501, 400, 450]);
});

test('a conversation of a log that was replaced is not looked for where it was', async () => {
  const on = view();
  await on.live([]);
  on.view.acked({ client_id: 'c', to: 'bob', content: 'x', at: '', state: 'sending' }, { room_id: 'old', message_id: 'm', offset: 6, seq: 1, cursor: '', at: '', repeat: false });
  assert.equal(on.view.directWith('bob'), 'old');
  on.view.reset('other_log');
  assert.equal(on.view.directWith('bob'), undefined);
});

test('a mark that was on its way is not set in the log that has replaced its own', async () => {
  const on = client();
  void on.board.connect();
  const socket = await goLive(on, 500, { rooms: [MARKED] });
  socket.answer = undefined;
  const marked = assert.rejects(on.board.markRead('r', 500), { code: 'disconnected' });
  await settled();
  socket.drop();
  await on.clock.advance(500);
  const again = on.last();
  polite(again, { hello: { resumed: false, reason: 'other_log', cursor: `${LIFE}.1` }, rooms: [ROOM] });
  again.open();
  again.say({ type: 'live', data: { cursor: `${LIFE}.1` } });
  await settled();
  await marked;
  assert.deepEqual(again.of('mark'), []);
  assert.equal(on.board.view.room('r')?.read, 0);
});
