// The messages of a room: a feed of which only what is seen is drawn, older ones loaded before one gets there.

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { MessageView, RoomView } from 'switchboard-client';
import { modified } from '../lib/keys';
import { nameOf } from '../lib/names';
import { type Row, type RowCache, rowsOf } from '../lib/rows';
import { useClient, useEdits, useMe } from '../session/client';
import { Down } from './icons';
import { Line, type LineDo, type Tick } from './line';
import { ReadMark } from './read-mark';
import { useScroll } from './scroll';

/** So many rows before the first one the next older ones are asked for. */
const AHEAD_ROWS = 60;
const OLDER = 200;
/** What always stands above the first row, in CSS too. */
const HEAD_PX = 96;

interface Props {
  readonly room: RoomView;
  /** The read mark when the room was opened. */
  readonly unreadAfter: number | undefined;
  readonly act: LineDo;
  /** Called with what shows a message, loading older ones until it is there. */
  readonly onReady: (show: (messageId: string) => void) => void;
}

export function Timeline({ room, unreadAfter, act, onReady }: Props) {
  const client = useClient();
  const me = useMe();
  const edits = useEdits();
  const cache = useRef<RowCache>(new Map());
  const rows = useMemo(
    () => rowsOf(room.messages, room.pending, me.id, unreadAfter, cache.current),
    [room.messages, room.pending, me.id, unreadAfter],
  );
  const measured = useMemo(
    () => rows.map((row) => ({ key: row.key, sort: `${row.type}${row.leads}${row.day !== undefined}${row.unreadFromHere}` })),
    [rows],
  );
  const start = useMemo(() => rows.find((row) => row.unreadFromHere)?.key, []);
  const latest = useRef({ room, rows });
  latest.current = { room, rows };
  const [atEnd, setAtEnd] = useState(true);
  const [flash, setFlash] = useState<string>();
  const failed = useRef(false);
  const mark = useMemo(() => new ReadMark(() => latest.current.room.read, (offset) => client.markRead(room.id, offset)), [client, room.id]);
  useEffect(() => () => mark.end(), [mark]);

  const onMove = useCallback(() => {
    const seen = scrollRef.current?.seen();
    if (!seen) return;
    setAtEnd(seen.atEnd);
    older(client, latest.current.room, seen.first, failed);
    const last = lastMessage(latest.current.rows, seen.last);
    // What was on the screen of somebody who is looking is read. A mark above the head that is known would be cut to it, and
    // what lies between not be asked for again.
    if (last && document.visibilityState === 'visible' && document.hasFocus()) mark.seen(Math.min(last.offset, latest.current.room.head.offset));
  }, [client, mark]);
  const scroll = useScroll(measured, HEAD_PX, start, onMove);
  const scrollRef = useRef(scroll);
  scrollRef.current = scroll;

  useEffect(() => {
    addEventListener('focus', onMove);
    document.addEventListener('visibilitychange', onMove);
    return () => { removeEventListener('focus', onMove); document.removeEventListener('visibilitychange', onMove); };
  }, [onMove]);

  // What one says oneself is looked at, wherever one was.
  const said = useMemo(() => new Set(room.pending.map((entry) => entry.client_id)), []);
  useEffect(() => {
    const before = said.size;
    for (const { client_id: id } of room.pending) said.add(id);
    if (said.size > before) scrollRef.current.toEnd();
  }, [room.pending]);

  const show = useCallback((messageId: string) => {
    void find(client, room.id, messageId).then((found) => {
      if (!found) return;
      scrollRef.current.toRow(messageId, 120);
      setFlash(messageId);
    });
  }, [client, room.id]);
  useEffect(() => onReady(show), [show]);

  const name = nameOf(room, me.id);
  const below = room.messages.filter((message) => message.offset > room.read && message.by.id !== me.id).length;
  return (
    <div class="timeline">
      <div
        class="scroller" ref={scroll.attach} onScroll={scroll.scrolled} tabIndex={0} role="feed" aria-busy={room.loadingOlder}
        aria-label={`Messages in ${name}`} onKeyDown={(event) => keys(event, scroll.toEnd)}
      >
        <Head room={room} name={name} />
        <div style={{ height: `${scroll.drawn.spaceAbove}px` }} />
        {rows.slice(scroll.drawn.first, scroll.drawn.end).map((row, index) => (
          <Line
            key={row.key} row={row} index={scroll.drawn.first + index} count={room.hasOlder ? -1 : rows.length}
            room={room} tick={tickOf(client, row, me.id)} act={act} flash={row.key === flash} edit={edits.get(row.key)} show={show}
          />
        ))}
        <div style={{ height: `${scroll.drawn.spaceBelow}px` }} />
      </div>
      {!atEnd && (
        <button type="button" class="to-end" onClick={scroll.toEnd} aria-label={below ? `${below} new messages, go to the newest` : 'Go to the newest message'}>
          <Down />{below > 0 && <span class="badge">{below}</span>}
        </button>
      )}
    </div>
  );
}

/** As far as the furthest of the others has got, by their marks of the room or of this message alone. */
function tickOf(client: ReturnType<typeof useClient>, row: Row, me: string): Tick | undefined {
  if (row.type !== 'message' || row.message.by.id !== me || row.message.kind === 'system') return undefined;
  return client.view.tick(row.message.room_id, row.message.offset) ?? 'sent';
}

/** The room's beginning, or a sign that there is more. */
function Head({ room, name }: { readonly room: RoomView; readonly name: string }) {
  return (
    <div class="head">
      {room.hasOlder
        ? <p class="quiet">{room.loadingOlder ? 'Loading older messages…' : 'Older messages'}</p>
        : <p class="quiet">{room.kind === 'direct' ? 'The beginning of your conversation.' : `The beginning of ${name}.`}</p>}
    </div>
  );
}

function older(client: ReturnType<typeof useClient>, room: RoomView, first: number, failed: { current: boolean }): void {
  if (first > AHEAD_ROWS || !room.hasOlder || room.loadingOlder || room.history !== 'loaded' || failed.current) return;
  client.view.loadOlder(room.id, OLDER).catch(() => {
    // Not at once again; the next movement after a while asks anew.
    failed.current = true;
    setTimeout(() => { failed.current = false; }, 2_000);
  });
}

function lastMessage(rows: ReturnType<typeof rowsOf>, last: number): MessageView | undefined {
  for (let index = Math.min(last, rows.length - 1); index >= 0; index -= 1) {
    const row = rows[index];
    if (row?.type === 'message') return row.message;
  }
  return undefined;
}

/** Loads older ones until the message is there. */
async function find(client: ReturnType<typeof useClient>, roomId: string, messageId: string): Promise<boolean> {
  for (;;) {
    const room = client.view.room(roomId);
    if (room?.messages.some((message) => message.message_id === messageId)) return true;
    if (!room?.hasOlder || !(await client.view.loadOlder(roomId, OLDER).catch(() => false))) {
      return client.view.room(roomId)?.messages.some((message) => message.message_id === messageId) ?? false;
    }
  }
}

/** Arrows and page keys go from message to message (the feed pattern); `End` to the newest. */
function keys(event: KeyboardEvent & { currentTarget: HTMLDivElement }, toEnd: () => void): void {
  const feed = event.currentTarget;
  if (modified(event) || (event.target instanceof Element && event.target.closest('[role=menu]'))) return;
  if (event.key === 'End') {
    event.preventDefault();
    toEnd();
    requestAnimationFrame(() => [...feed.querySelectorAll<HTMLElement>('[role=article]')].at(-1)?.focus());
    return;
  }
  const step = { ArrowUp: -1, PageUp: -1, ArrowDown: 1, PageDown: 1 }[event.key];
  if (!step) return;
  const lines = [...feed.querySelectorAll<HTMLElement>('[role=article]')];
  const at = lines.findIndex((line) => line.contains(document.activeElement));
  const next = at < 0 ? lastSeen(feed, lines) : lines[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest' });
}

function lastSeen(feed: HTMLElement, lines: readonly HTMLElement[]): HTMLElement | undefined {
  const edge = feed.getBoundingClientRect().bottom;
  return lines.findLast((line) => line.getBoundingClientRect().bottom <= edge + 1) ?? lines.at(-1);
}
