// A client on a line of a test's own, and what a server says on it.
import { Switchboard } from '../src/index.js';
import type { Options, Room, Status } from '../src/index.js';
import { ALICE, BOB, HandClock, LIFE, helloAnswer, line, settled } from './double.js';
import type { DoubleSocket, Frame } from './double.js';

export const ROOM: Room = {
  id: 'r', title: 'Lobby', kind: 'public', role: 'member', muted: false, head: { offset: 5, seq: 5 }, unread: 0, mentions: 0,
  made_at: '2026-11-20T11:00:00.000Z', changed_at: '2026-11-20T11:00:00.000Z',
};

/** A client on a clock and a line of the test's own. */
export function client(more: Partial<Options> = {}) {
  const clock = new HandClock();
  const wire = line();
  const board = new Switchboard({ url: 'http://x', token: 'alice', WebSocket: wire.WebSocket, clock, random: () => 1, ...more });
  const statuses: Status[] = [];
  const problems: unknown[] = [];
  board.on('status', ({ status }) => statuses.push(status));
  board.on('problem', (error) => problems.push(error));
  return { board, clock, statuses, problems, ...wire };
}

/** Answers what every client asks by itself; `rooms` says which there are. */
export function polite(socket: DoubleSocket, { rooms = [] as readonly Room[], hello = {} } = {}): void {
  socket.answer = ({ type, id }) => {
    if (type === 'hello') socket.say(helloAnswer(id, hello));
    if (type === 'rooms') socket.say({ type, id, data: { rooms } });
    if (type === 'online') socket.say({ type, id, data: { users: [ALICE] } });
    if (type === 'members') socket.say({ type, id, data: { room_id: 'r', members: [] } });
    if (type === 'history') socket.say({ type, id, data: { room_id: 'r', messages: [], total: 0 } });
  };
}

export async function goLive(on: ReturnType<typeof client>, offset = 5, more: Parameters<typeof polite>[1] = {}): Promise<DoubleSocket> {
  await settled();
  const socket = on.last();
  polite(socket, more);
  socket.open();
  socket.say({ type: 'live', data: { cursor: `${LIFE}.${offset}` } });
  await settled();
  return socket;
}

export function message(offset: number, more: object = {}): object {
  return {
    type: 'message',
    data: { message_id: `id${offset}`, room_id: 'r', offset, seq: offset, cursor: `${LIFE}.${offset}`, at: '2026-11-20T12:00:00.000Z', by: BOB, kind: 'text', content: `m${offset}`, ...more },
  };
}

export function acked(frame: Frame | undefined, offset: number, repeat = false): object {
  const { client_id } = frame?.data ?? {};
  return { type: 'ack', id: frame?.id, data: { client_id, room_id: 'r', message_id: `id${offset}`, offset, seq: offset, cursor: `${LIFE}.${offset}`, at: '2026-11-20T12:00:00.000Z', repeat } };
}

export function refused(frame: Frame | undefined, code: string, after?: number): object {
  return { type: 'error', id: frame?.id, data: { code, message: code, ...(after === undefined ? {} : { retry_after_ms: after }) } };
}
