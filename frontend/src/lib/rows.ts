// What the list shows, line by line: messages with what stands above them (a day, "unread from here", a name), then
// what is not acknowledged yet. Pure; rows that did not change stay the same objects, so that they are not drawn again.

import type { MessageView, OutboxEntry, RoomView } from 'switchboard-client';
import { dayName, dayOf } from './time';

/** Messages of one author within this time stand together. */
const GROUP_MS = 5 * 60_000;

interface Above {
  readonly key: string;
  /** A heading, when this is the first of a day. */
  readonly day?: string;
  /** Whether the "unread from here" line is above it. */
  readonly unreadFromHere: boolean;
  /** Whether name and face are shown. */
  readonly leads: boolean;
}

export interface MessageRow extends Above {
  readonly type: 'message';
  readonly message: MessageView;
}

export interface PendingRow extends Above {
  readonly type: 'pending';
  readonly entry: OutboxEntry;
}

export type Row = MessageRow | PendingRow;

/** The last rows of each room, to keep what stayed the same. */
export type RowCache = Map<string, Row>;

function same(a: Row | undefined, b: Row): boolean {
  if (!a || a.type !== b.type || a.day !== b.day || a.leads !== b.leads || a.unreadFromHere !== b.unreadFromHere) return false;
  return a.type === 'message' ? a.message === (b as MessageRow).message : a.entry === (b as PendingRow).entry;
}

/** `unreadAfter`: the read mark when the room was opened; the line is above the first message of others behind it. */
export function rowsOf(
  messages: RoomView['messages'], pending: RoomView['pending'], me: string, unreadAfter: number | undefined, cache: RowCache,
): readonly Row[] {
  const rows: Row[] = [];
  let day = Number.NaN;
  let by = '';
  let at = Number.NEGATIVE_INFINITY;
  let lineDrawn = unreadAfter === undefined;
  const add = (make: (above: Above) => Row, key: string, author: string, time: string, unreadFromHere: boolean) => {
    const own = dayOf(time);
    const when = Date.parse(time);
    const newDay = own !== day;
    const leads = newDay || unreadFromHere || author !== by || when - at > GROUP_MS;
    const row = make({ key, unreadFromHere, leads, ...(newDay ? { day: dayName(time) } : {}) });
    const before = cache.get(key);
    const kept = before && same(before, row) ? before : row;
    cache.set(key, kept);
    rows.push(kept);
    [day, by, at] = [own, author, when];
  };
  for (const message of messages) {
    const line = !lineDrawn && message.offset > (unreadAfter ?? 0) && message.by.id !== me;
    lineDrawn ||= line;
    const author = message.kind === 'text' ? message.by.id : `${message.kind}:${message.message_id}`;
    add((above) => ({ ...above, type: 'message', message }), message.message_id, author, message.at, line);
  }
  for (const entry of pending) {
    add((above) => ({ ...above, type: 'pending', entry }), entry.client_id, me, entry.at, false);
  }
  return rows;
}
