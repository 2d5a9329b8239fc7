// What was missed in a room is never left out without a word.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settled } from './double.js';
import { ROOM } from './stage.js';
import { member, said, stored, view } from './view-stage.js';

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
