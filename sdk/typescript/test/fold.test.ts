import assert from 'node:assert/strict';
import { test } from 'node:test';
import { names } from '../src/mention.js';
import { Stretch, read } from '../src/stretch.js';
import type { LogEvent, Message, Person } from '../src/index.js';
import { ALICE, BOB, LIFE } from './double.js';
import { Random } from './random.js';

const CAROL = { id: 'carol', number: 3, name: 'carol' };
const PEOPLE = [ALICE, BOB, CAROL, { id: 'dan', number: 4, name: 'dan' }];

function at(offset: number, by: Person = ALICE) {
  return { room_id: 'r', offset, seq: offset, cursor: `${LIFE}.${offset}`, at: new Date(offset).toISOString(), by };
}

const said = (offset: number, content = `m${offset}`, by = ALICE): LogEvent =>
  ({ type: 'message', data: { ...at(offset, by), message_id: `id${offset}`, kind: 'text', content } });
const edited = (offset: number, of: number, content: string): LogEvent =>
  ({ type: 'edited', data: { ...at(offset), message_id: `id${of}`, of, content } });
const deleted = (offset: number, of: number): LogEvent => ({ type: 'deleted', data: { ...at(offset), message_id: `id${of}`, of } });
const reacted = (offset: number, of: number, emoji: string, on: boolean, by: Person): LogEvent =>
  ({ type: 'reaction', data: { ...at(offset, by), message_id: `id${of}`, of, emoji, on } });

const shown = (stretch: Stretch) => stretch.messages.map(({ content, reactions }) =>
  [content, ...reactions.map(({ emoji, count, users }) => `${emoji}${count}:${users.join()}`)].join(' '));

test('events are folded into what is there; what is not there is ignored', () => {
  const stretch = new Stretch();
  for (const [event, does, expected] of [
    [edited(9, 1, 'x'), 'nothing', []],
    [said(10), 'changed', ['m10']],
    [said(10, 'again'), 'nothing', ['m10']],
    [said(12), 'changed', ['m10', 'm12']],
    [said(11), 'changed', ['m10', 'm11', 'm12']],
    [edited(13, 11, 'e11'), 'changed', ['m10', 'e11', 'm12']],
    [said(11), 'nothing', ['m10', 'e11', 'm12']],
    [reacted(14, 11, '👍', true, ALICE), 'changed', ['m10', 'e11 👍1:1', 'm12']],
    [reacted(15, 11, '👍', true, BOB), 'changed', ['m10', 'e11 👍2:1,2', 'm12']],
    [reacted(16, 11, '❤', true, BOB), 'changed', ['m10', 'e11 👍2:1,2 ❤1:2', 'm12']],
    // The oldest giver that is left decides about the place: bob's was given before the heart.
    [reacted(17, 11, '👍', false, ALICE), 'changed', ['m10', 'e11 👍1:2 ❤1:2', 'm12']],
    [reacted(18, 11, '👍', true, ALICE), 'changed', ['m10', 'e11 👍2:2,1 ❤1:2', 'm12']],
    [reacted(19, 11, '👍', false, BOB), 'changed', ['m10', 'e11 ❤1:2 👍1:1', 'm12']],
    [reacted(20, 11, '❤', false, BOB), 'changed', ['m10', 'e11 👍1:1', 'm12']],
    [reacted(21, 12, '❤', false, BOB), 'changed', ['m10', 'e11 👍1:1', 'm12']],
    [deleted(22, 10), 'changed', ['e11 👍1:1', 'm12']],
    [deleted(23, 10), 'nothing', ['e11 👍1:1', 'm12']],
    [edited(24, 10, 'late'), 'nothing', ['e11 👍1:1', 'm12']],
  ] as const) {
    assert.equal(stretch.fold(event), does, JSON.stringify(event));
    assert.deepEqual(shown(stretch), expected, JSON.stringify(event));
  }
});

test('what was given out is never changed, and stays the same object until it is', () => {
  const stretch = new Stretch();
  stretch.fold(said(1));
  stretch.fold(said(2));
  const before = stretch.messages;
  assert.equal(stretch.messages, before);
  stretch.fold(edited(3, 2, 'e2'));
  assert.notEqual(stretch.messages, before);
  assert.equal(stretch.messages[0], before[0]);
  assert.notEqual(stretch.messages[1], before[1]);
  assert.deepEqual(before.map(({ content }) => content), ['m1', 'm2']);
});

test('a message with more reactors than are shown is asked for anew', () => {
  const users = Array.from({ length: 100 }, (_, index) => index + 1);
  const page = (count: number): Message =>
    ({ ...at(1), message_id: 'id1', kind: 'text', content: 'm1', reactions: [{ emoji: '👍', count, users }] });
  const stretch = new Stretch();
  stretch.putBefore([read(page(101))]);
  assert.equal(stretch.fold(reacted(2, 1, '👍', true, { id: 'x', number: 101, name: 'x' })), 'unsure');
  stretch.replace(read(page(100)));
  assert.equal(stretch.fold(reacted(3, 1, '👍', true, { id: 'x', number: 101, name: 'x' })), 'changed');
  assert.deepEqual(stretch.at(1)?.reactions, [{ emoji: '👍', count: 101, users }]);
});

// The server's own fold, kept naively: what every view has to come to.
class Truth {
  readonly events: LogEvent[] = [];
  readonly #messages = new Map<number, Message>();
  readonly #given = new Map<number, { readonly emoji: string; readonly user: number; readonly at: number }[]>();

  happen(event: LogEvent): void {
    this.events.push(event);
    if (event.type === 'message') this.#messages.set(event.data.offset, event.data);
    if (!('of' in event.data)) return;
    const { of, offset, by } = event.data;
    const message = this.#messages.get(of);
    if (event.type === 'deleted') this.#messages.delete(of);
    if (event.type === 'edited' && message) this.#messages.set(of, { ...message, content: event.data.content, edited_at: event.data.at });
    if (event.type === 'reaction') {
      const { emoji, on } = event.data;
      const given = this.#given.get(of) ?? [];
      const had = given.find((one) => one.emoji === emoji && one.user === by.number);
      // Done twice it is as if done once, and in its first place.
      if (on && !had) this.#given.set(of, [...given, { emoji, user: by.number, at: offset }]);
      if (!on && had) this.#given.set(of, given.filter((one) => one !== had));
    }
  }

  /** Every message as it is now. */
  page(): Message[] {
    return [...this.#messages.values()].sort((one, other) => one.offset - other.offset).map((message) => {
      const given = this.#given.get(message.offset) ?? [];
      const first = (emoji: string) => Math.min(...given.filter((one) => one.emoji === emoji).map((one) => one.at));
      const emoji = [...new Set(given.map((one) => one.emoji))].sort((one, other) => first(one) - first(other));
      const reactions = emoji.map((one) => {
        const users = given.filter((other) => other.emoji === one).map(({ user }) => user);
        return { emoji: one, count: users.length, users };
      });
      return reactions.length === 0 ? message : { ...message, reactions };
    });
  }
}

test('however a snapshot and the events around it overlap, the view comes to what the server has', () => {
  let unsure = 0;
  let shown = 0;
  for (let seed = 1; seed <= 400; seed += 1) {
    const random = new Random(seed);
    const truth = new Truth();
    const length = 30 + random.below(120);
    const snapshotAt = random.below(length);
    // Events from here on come, although the page has some of them already.
    const eventsFrom = random.below(snapshotAt + 1);
    let page: Message[] = [];
    let last = 0;
    for (let offset = 1; offset <= length; offset += 1) {
      const of = truth.page().at(-1 - random.below(4))?.offset;
      const by = random.one(PEOPLE);
      const emoji = random.one(['👍', '❤', '🎉']);
      const kind = random.below(10);
      if (of === undefined || kind < 2) truth.happen(said((last = offset), `m${offset}`, by));
      else if (kind < 3) truth.happen(edited(offset, of, `e${offset}`));
      else if (kind < 4 && of !== last) truth.happen(deleted(offset, of));
      else truth.happen(reacted(offset, of, emoji, random.below(3) > 0, by));
      if (offset === snapshotAt) page = truth.page();
    }
    const stretch = new Stretch();
    stretch.putBefore(page.map(read));
    const asked = new Set<number>();
    for (const event of truth.events.slice(eventsFrom)) {
      if (stretch.fold(event) === 'unsure' && 'of' in event.data) asked.add(event.data.of);
    }
    unsure += asked.size;
    shown += stretch.size;
    for (const message of truth.page()) if (asked.has(message.offset)) stretch.replace(read(message));
    assert.deepEqual(stretch.messages, truth.page().map(read), `seed ${seed}`);
  }
  assert.ok(unsure > 0 && unsure < shown / 5, `some have to be asked for, few: ${unsure} of ${shown}`);
});

test('who is named, as the server sees it', () => {
  for (const [content, name, expected] of [
    ['@bob', 'bob', true],
    ['hello @Bob, and', 'bob', true],
    ['is that you, @bob?', 'bob', true],
    ['it was @bob.', 'bob', true],
    ['(@bob)', 'bob', true],
    ['@bob@home', 'bob', false],
    ['@bobby', 'bob', false],
    ['@bob.smith', 'bob', false],
    ['@bob.smith', 'bob.smith', true],
    ['@bob~2', 'bob', false],
    ['mail alice@bob.org', 'bob', false],
    ['bob', 'bob', false],
    ['@bobby and @bob', 'bob', true],
    ['@Mary Ann!', 'mary ann', true],
    ['@ÜMIT', 'ümit', true],
    ['@', 'bob', false],
    ['@bob', '', false],
    ['𐐀@bob', 'bob', false],
    ['@bob𐐀', 'bob', false],
    ['👍@bob👍', 'bob', true],
  ] as const) {
    assert.equal(names(content, name), expected, `${content} and ${name}`);
  }
});
