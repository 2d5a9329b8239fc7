// A view whose questions the test answers, and what happens in its one room.
import assert from 'node:assert/strict';
import { SwitchboardError } from '../src/index.js';
import type { Change, History, HistoryOptions, LogEvent, Member, Message, Person, ResetReason, Room } from '../src/index.js';
import { LiveView } from '../src/view.js';
import type { Asks } from '../src/view.js';
import { ALICE, BOB, HandClock, LIFE, settled } from './double.js';
import { ROOM } from './stage.js';

export function at(offset: number, { by = BOB as Person, seq = offset, room_id = 'r' } = {}) {
  return { room_id, offset, seq, cursor: `${LIFE}.${offset}`, at: new Date(offset * 1000).toISOString(), by };
}

export const stored = (offset: number, content = `m${offset}`, by = BOB): Message =>
  ({ ...at(offset, { by }), message_id: `id${offset}`, kind: 'text', content });
export const said = (offset: number, content = `m${offset}`, more: Parameters<typeof at>[1] = {}): LogEvent =>
  ({ type: 'message', data: { ...at(offset, more), message_id: `id${offset}`, kind: 'text', content } });
export const edited = (offset: number, of: number, content: string): LogEvent => ({ type: 'edited', data: { ...at(offset), message_id: `id${of}`, of, content } });
export const deleted = (offset: number, of: number): LogEvent => ({ type: 'deleted', data: { ...at(offset), message_id: `id${of}`, of } });
export const reacted = (offset: number, of: number, emoji: string, on = true): LogEvent =>
  ({ type: 'reaction', data: { ...at(offset), message_id: `id${of}`, of, emoji, on } });
export const member = (offset: number, user_id: string, more: object = {}): LogEvent =>
  ({ type: 'member', data: { ...at(offset), user_id, role: 'member', status: 'active', muted: false, ...more } });
export const removed = (offset: number, user_id: string): LogEvent => ({ type: 'removed', data: { ...at(offset), user_id, barred: true } });

/** A view whose questions the test answers: each waits in `asked` until it is. */
export function view() {
  const clock = new HandClock();
  const asked: { readonly what: string; readonly options?: HistoryOptions; answer(value: unknown): Promise<void>; refuse(code: string): Promise<void> }[] = [];
  const resets: [ResetReason, string | undefined][] = [];
  const lists: string[][] = [];
  const problems: unknown[] = [];
  const changes: Change[] = [];
  const ask = <Answer>(what: string, options?: HistoryOptions) => new Promise<Answer>((resolve, reject) => {
    asked.push({
      what,
      ...(options === undefined ? {} : { options }),
      answer: (value) => { resolve(value as Answer); return settled(); },
      refuse: (code) => { reject(new SwitchboardError(code, code)); return settled(); },
    });
  });
  const asks: Asks = {
    rooms: () => ask<readonly Room[]>('rooms'),
    room: (roomId) => ask<Room>(`room ${roomId}`),
    history: (roomId, options) => ask<History>(`history ${roomId}`, options),
    members: (roomId) => ask<readonly Member[]>(`members ${roomId}`),
    online: () => ask<readonly Person[]>('online'),
  };
  const made = new LiveView(asks, {
    me: ALICE,
    pending: () => [],
    reset: (reason, roomId) => resets.push([reason, roomId]),
    rooms: (rooms) => lists.push(rooms.map(({ id }) => id)),
    problem: (error) => problems.push(error),
  }, clock, 16);
  made.subscribe((change) => changes.push(change));
  /** The oldest question of this kind. */
  const next = (what: string) => {
    const index = asked.findIndex((one) => one.what === what);
    assert.ok(index >= 0, `${what} is asked; there is ${asked.map((one) => one.what).join(', ') || 'nothing'}`);
    return asked.splice(index, 1)[0] as (typeof asked)[number];
  };
  const page = (messages: readonly Message[], total = messages.length): History => ({ room_id: 'r', messages, total });
  const live = async (rooms: readonly Room[] = [ROOM]) => {
    const done = made.live();
    await next('rooms').answer(rooms);
    await next('online').answer([ALICE, BOB]);
    return done;
  };
  const open = async (messages: readonly Message[] = [], total?: number) => {
    const done = made.open('r');
    await settled();
    await next('members r').answer([]);
    await next('history r').answer(page(messages, total));
    return done;
  };
  const contents = () => made.room('r')?.messages.map(({ content }) => content);
  return { view: made, clock, asked, resets, lists, problems, changes, next, page, live, open, contents };
}
