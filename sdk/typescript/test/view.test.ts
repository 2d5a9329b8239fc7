import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Member, Person } from '../src/index.js';
import { ALICE, BOB, settled } from './double.js';
import { ROOM } from './stage.js';
import { at, deleted, edited, member, reacted, removed, said, stored, view } from './view-stage.js';

test('events that come while the newest page is on its way are in it once, whether the page has them or not', async () => {
  for (const inPage of [true, false]) {
    const on = view();
    await on.live();
    const opened = on.view.open('r');
    await settled();
    for (const event of [said(6), said(7), edited(8, 6, 'e6'), deleted(9, 5), reacted(10, 7, '👍')]) on.view.happened(event);
    const page = inPage
      ? [{ ...stored(6, 'e6'), edited_at: at(8).at }, { ...stored(7), reactions: [{ emoji: '👍', count: 1, users: [2] }] }]
      : [stored(5)];
    await on.next('members r').answer([]);
    await on.next('history r').answer(on.page(page));
    const room = await opened;
    assert.deepEqual(room.messages.map(({ content, reactions }) => [content, reactions]), [
      ['e6', []],
      ['m7', [{ emoji: '👍', count: 1, users: [2] }]],
    ], `in the page: ${inPage}`);
    assert.equal(room.hasOlder, false);
  }
});

test('older pages go in front, with what happened to them on the way', async () => {
  const on = view();
  await on.live();
  await on.open([stored(4), stored(5)], 4);
  assert.equal(on.view.room('r')?.hasOlder, true);
  const older = on.view.loadOlder('r', 2);
  assert.equal(on.view.loadOlder('r', 2), older);
  assert.equal(on.view.room('r')?.loadingOlder, true);
  on.view.happened(edited(6, 2, 'e2'));
  on.view.happened(said(7));
  const asked = on.next('history r');
  assert.deepEqual(asked.options, { before: 4, limit: 2 });
  await asked.answer(on.page([stored(1), stored(2)], 5));
  assert.equal(await older, false);
  assert.deepEqual(on.contents(), ['m1', 'e2', 'm4', 'm5', 'm7']);
  assert.equal(await on.view.loadOlder('r'), false);
  assert.deepEqual(on.asked, []);
});

test('a gap in seq throws the stretch away and loads it anew', async () => {
  const on = view();
  await on.live();
  await on.open([stored(4), stored(5)]);
  on.view.happened(said(6, 'm6', { seq: 6 }));
  on.view.happened(said(9, 'm9', { seq: 8 }));
  assert.deepEqual(on.resets, [['gap', 'r']]);
  assert.deepEqual(on.contents(), []);
  assert.equal(on.view.room('r')?.history, 'loading');
  await on.next('history r').answer(on.page([6, 8, 9].map((offset) => stored(offset)), 3));
  assert.deepEqual(on.contents(), ['m6', 'm8', 'm9']);
});

test('a resume that is refused loads anew what is open, and a page asked before it is not put in', async () => {
  const on = view();
  await on.live();
  await on.open([stored(4), stored(5)], 3);
  void on.view.loadOlder('r');
  on.view.offline();
  on.view.reset('expired');
  assert.deepEqual(on.resets, [['expired', undefined]]);
  assert.deepEqual(on.contents(), []);
  await on.next('history r').answer(on.page([stored(3)], 3));
  assert.deepEqual(on.contents(), []);
  const done = on.view.live();
  await on.next('rooms').answer([{ ...ROOM, head: { offset: 9, seq: 9 }, unread: 2 }]);
  await on.next('online').answer([]);
  await on.next('members r').answer([]);
  await on.next('history r').answer(on.page([stored(8), stored(9)]));
  await done;
  assert.deepEqual(on.contents(), ['m8', 'm9']);
  assert.equal(on.view.room('r')?.unread, 2);
});

test('a room that is not in the list is dropped; one that has become ours since it was asked is not', async () => {
  const on = view();
  await on.live([ROOM, { ...ROOM, id: 'gone' }]);
  const done = on.view.live();
  on.view.happened({ type: 'member', data: { ...at(7, { room_id: 'new' }), user_id: 'alice', role: 'member', status: 'active', muted: false } });
  await on.next('rooms').answer([ROOM]);
  await on.next('online').answer([]);
  await done;
  assert.deepEqual(on.view.rooms.map(({ id }) => id), ['r']);
  await on.clock.advance(100);
  await on.next('room new').answer({ ...ROOM, id: 'new', head: { offset: 7, seq: 7 } });
  assert.deepEqual(on.view.rooms.map(({ id }) => id), ['new', 'r']);
  assert.deepEqual(on.lists.at(-1), ['new', 'r']);
});

test('removed, the room is gone; taken in again while it is open, it is loaded anew', async () => {
  const on = view();
  await on.live();
  await on.open([stored(4)]);
  on.view.happened(removed(6, 'alice'));
  assert.equal(on.view.room('r'), undefined);
  assert.deepEqual(on.lists.at(-1), []);
  on.view.happened(member(9, 'alice'));
  on.view.happened(said(10));
  await on.clock.advance(100);
  await on.next('room r').answer({ ...ROOM, head: { offset: 10, seq: 10 }, unread: 1 });
  await on.next('members r').answer([]);
  await on.next('history r').answer(on.page([7, 8, 10].map((offset) => stored(offset))));
  assert.deepEqual(on.contents(), ['m7', 'm8', 'm10']);
  assert.equal(on.view.room('r')?.unread, 1);
});

test('one\'s own role changes without a gap: nothing is thrown away', async () => {
  const on = view();
  await on.live();
  await on.open([stored(4)]);
  on.view.happened(said(6));
  on.view.happened(member(7, 'alice', { role: 'moderator', muted: true }));
  assert.deepEqual([on.view.room('r')?.role, on.view.room('r')?.muted], ['moderator', true]);
  assert.deepEqual(on.contents(), ['m4', 'm6']);
  // What the server said before that does not undo it.
  on.view.entered({ ...ROOM, head: { offset: 6, seq: 6 } });
  assert.deepEqual([on.view.room('r')?.role, on.view.room('r')?.muted], ['moderator', true]);
});

test('unread messages and mentions are counted once, whichever comes first, the list or the event', async () => {
  const on = view();
  const done = on.view.live();
  on.view.happened(said(6, 'hello @alice'));
  on.view.happened(said(7));
  await on.next('rooms').answer([{ ...ROOM, head: { offset: 6, seq: 6 }, unread: 3, mentions: 1 }]);
  await on.next('online').answer([]);
  await done;
  const counts = () => [on.view.room('r')?.unread, on.view.room('r')?.mentions];
  assert.deepEqual(counts(), [4, 1]);
  on.view.happened(said(8, '@Alice, again'));
  assert.deepEqual(counts(), [5, 2]);
  on.view.happened(said(9, 'mine, @alice', { by: ALICE }));
  assert.deepEqual(counts(), [5, 2]);
  on.view.happened(edited(10, 8, 'nobody'));
  assert.deepEqual(counts(), [5, 1]);
  on.view.happened(deleted(11, 7));
  assert.deepEqual(counts(), [4, 1]);
  // How many of the three were read, only the server can tell.
  on.view.markedRead('r', 4);
  await on.clock.advance(100);
  await on.next('room r').answer({ ...ROOM, head: { offset: 11, seq: 11 }, read: { offset: 4, at: '' }, unread: 2, mentions: 1 });
  assert.deepEqual(counts(), [2, 1]);
  on.view.signal({ type: 'receipt', data: { room_id: 'r', user: ALICE, kind: 'read', offset: 11, at: '' } });
  assert.deepEqual(counts(), [0, 0]);
  assert.equal(on.view.room('r')?.read, 11);
});

test('a count that came before our own mark did does not bring the unread back', async () => {
  const on = view();
  await on.live([{ ...ROOM, unread: 3 }]);
  const done = on.view.live();
  on.view.markedRead('r', 5);
  await on.next('rooms').answer([{ ...ROOM, unread: 3 }]);
  await on.next('online').answer([]);
  await done;
  assert.equal(on.view.room('r')?.unread, 0);
});

test('typing ends after 5 s, with a message, or when told so', async () => {
  const on = view();
  await on.live();
  const typing = (user: Person, is = true) => on.view.signal({ type: 'typing', data: { room_id: 'r', user, on: is, at: '' } });
  const who = () => on.view.room('r')?.typing.map(({ user }) => user.id);
  typing(BOB);
  await on.clock.advance(2000);
  typing({ id: 'carol', number: 3, name: 'carol' });
  assert.deepEqual(who(), ['bob', 'carol']);
  await on.clock.advance(2999);
  assert.deepEqual(who(), ['bob', 'carol']);
  await on.clock.advance(1);
  assert.deepEqual(who(), ['carol']);
  typing(BOB);
  on.view.happened(said(6));
  assert.deepEqual(who(), ['carol']);
  typing({ id: 'carol', number: 3, name: 'carol' }, false);
  assert.deepEqual(who(), []);
});

test('receipts only rise, and tell how far a message has got', async () => {
  const on = view();
  await on.live();
  const opened = on.view.open('r');
  await settled();
  const receipt = (kind: 'read' | 'delivered', offset: number, user = BOB) =>
    on.view.signal({ type: 'receipt', data: { room_id: 'r', user, kind, offset, at: '' } });
  receipt('read', 5);
  const bob: Member = { user: BOB, role: 'member', status: 'active', muted: false, online: true, read: { offset: 4, at: '' }, delivered: { offset: 6, at: '' } };
  await on.next('members r').answer([bob]);
  await on.next('history r').answer(on.page([4, 5, 6, 7].map((offset) => stored(offset, 'x', ALICE))));
  await opened;
  assert.deepEqual(on.view.room('r')?.receipts.get('bob'), { user: BOB, read: 5, delivered: 6 });
  const ticks = () => [5, 6, 7].map((offset) => on.view.tick('r', offset));
  assert.deepEqual(ticks(), ['read', 'delivered', undefined]);
  receipt('read', 3);
  receipt('read', 99, ALICE);
  assert.deepEqual(ticks(), ['read', 'delivered', undefined]);
  on.view.signal({ type: 'receipt', data: { room_id: 'r', user: BOB, kind: 'read', message_ids: ['id7'], at: '' } });
  assert.deepEqual(ticks(), ['read', 'delivered', 'read']);
});

// The marks of who left were forgotten with them, and what they had read was shown as merely sent.
test('what was read or delivered stays so when its reader leaves, is put out, or comes back', async () => {
  const on = view();
  await on.live();
  await on.open([3, 4, 5].map((offset) => stored(offset, 'x', ALICE)));
  const receipt = (kind: 'read' | 'delivered', offset: number) => on.view.signal({ type: 'receipt', data: { room_id: 'r', user: BOB, kind, offset, at: '' } });
  receipt('read', 3);
  receipt('delivered', 4);
  const holds = (when: string) => {
    assert.deepEqual([3, 4, 5].map((offset) => on.view.tick('r', offset)), ['read', 'delivered', undefined], when);
    assert.deepEqual(on.view.room('r')?.receipts.get('bob'), { user: BOB, read: 3, delivered: 4 }, when);
  };
  on.view.happened(removed(6, 'bob'));
  holds('put out');
  await on.clock.advance(100);
  await on.next('members r').answer([]);
  holds('and the members loaded anew');
  on.view.happened(member(7, 'bob'));
  await on.clock.advance(100);
  await on.next('members r').answer([{ user: BOB, role: 'member', status: 'active', muted: false, online: true }]);
  holds('back, with no marks of a new member');
});

test('who comes and goes while it is asked who is online', async () => {
  const on = view();
  const done = on.view.live();
  await on.next('rooms').answer([]);
  const carol = { id: 'carol', number: 3, name: 'carol' };
  on.view.signal({ type: 'presence', data: { user: carol, online: true, at: '' } });
  on.view.signal({ type: 'presence', data: { user: BOB, online: false, at: '' } });
  await on.next('online').answer([ALICE, BOB]);
  await done;
  assert.deepEqual([...on.view.online.keys()], ['alice', 'carol']);
  assert.equal(on.view.person(3)?.id, 'carol');
});

test('the newest message of a room that is not open is followed; when it is deleted, the server is asked', async () => {
  const on = view();
  await on.live();
  on.view.happened(said(6));
  on.view.happened(edited(7, 6, 'e6'));
  assert.equal(on.view.room('r')?.last?.content, 'e6');
  assert.deepEqual(on.contents(), []);
  on.view.happened(deleted(8, 6));
  assert.equal(on.view.room('r')?.last, undefined);
  await on.clock.advance(100);
  await on.next('room r').answer({ ...ROOM, head: { offset: 8, seq: 8 }, last: stored(5) });
  assert.equal(on.view.room('r')?.last?.content, 'm5');
});

test('reactions of which there is no telling are asked for, once', async () => {
  const on = view();
  await on.live();
  const reactions = [{ emoji: '👍', count: 2, users: [2, 3] }, { emoji: '❤', count: 1, users: [4] }];
  await on.open([{ ...stored(5), reactions }]);
  on.view.happened(reacted(6, 5, '👍', false));
  on.view.happened(reacted(7, 5, '🎉'));
  await on.clock.advance(100);
  const asked = on.next('history r');
  assert.deepEqual(asked.options, { after: 4, limit: 1 });
  on.view.happened(edited(8, 5, 'e5'));
  const now = [{ emoji: '❤', count: 1, users: [4] }, { emoji: '👍', count: 1, users: [3] }, { emoji: '🎉', count: 1, users: [2] }];
  await asked.answer(on.page([{ ...stored(5), reactions: now }]));
  assert.deepEqual([on.view.message('r', 5)?.content, on.view.message('r', 5)?.reactions], ['e5', now]);
  assert.deepEqual(on.asked, []);
});

test('10,000 messages at once are a few changes, and what did not change is the same object', async () => {
  const on = view();
  await on.live([ROOM, { ...ROOM, id: 'other', head: { offset: 1, seq: 1 } }]);
  await on.open([stored(5)]);
  await on.clock.advance(100);
  on.changes.length = 0;
  const other = on.view.room('other');
  for (let offset = 6; offset < 10_006; offset += 1) on.view.happened(said(offset));
  await on.clock.advance(100);
  assert.equal(on.changes.length, 1);
  assert.deepEqual([...(on.changes[0]?.rooms ?? [])], ['r']);
  const before = on.view.room('r')?.messages ?? [];
  assert.equal(before.length, 10_001);
  on.view.happened(edited(10_006, 5000, 'e5000'));
  const after = on.view.room('r')?.messages ?? [];
  const changed = after.filter((message, index) => message !== before[index]);
  assert.deepEqual(changed.map(({ content }) => content), ['e5000']);
  assert.equal(on.view.room('other'), other);
  assert.equal(on.view.room('r'), on.view.room('r'));
  assert.equal(on.view.rooms, on.view.rooms);
});

test('a listener that throws is a problem of its own', async () => {
  const on = view();
  const heard: string[] = [];
  on.view.subscribe('r', () => { throw new Error('broken'); });
  on.view.subscribe('r', (room) => heard.push(room?.id ?? 'gone'));
  await on.live();
  await on.clock.advance(100);
  assert.deepEqual(heard, ['r']);
  assert.deepEqual(on.problems.map(String), ['Error: broken']);
});
