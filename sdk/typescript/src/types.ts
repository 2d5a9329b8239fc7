// What the client takes, tells and shows. What goes over the wire is in wire.ts.

import type {
  Hello, LogEvents, MarkKind, MemberStatus, MessageKind, Person, Reaction, ResumeRefusal, Role, RoomKind, Signals,
} from './wire.js';

export type * from './wire.js';

// ---- The client ---------------------------------------------------------------------------------------------------

/**
 * `connecting`: a socket is being opened, or `hello` is not answered. `catching-up`: what was missed is coming.
 * `live`: everything is here, and comes as it happens. `waiting`: not connected, will try again. `closed`: by `close()`,
 * or because the server does not take us (see `reason`); `connect()` begins again.
 */
export type Status = 'connecting' | 'catching-up' | 'live' | 'waiting' | 'closed';

export interface StatusChange {
  readonly status: Status;
  /** When `waiting`: how long until the next attempt. */
  readonly retryInMs?: number;
  /** Why the last connection ended, for a log. */
  readonly reason?: string;
  /** The code with which the last socket was closed. */
  readonly closeCode?: number;
}

/** What was kept can't be continued and is loaded anew. `other_user`: the token is of somebody else than last time. */
export type ResetReason = ResumeRefusal | 'other_user' | 'gap';

/** What of the view has changed since the last `change`. Everything that is not named here is the same object as before. */
export interface Change {
  /** More than typing and receipts: rooms, their order, or one's own standing, counts or the last message in one. */
  readonly list: boolean;
  /** Rooms in which anything at all changed. */
  readonly rooms: ReadonlySet<string>;
  /** Who is online has changed. */
  readonly online: boolean;
}

export interface ClientEvents extends LogEvents, Signals {
  status: StatusChange;
  hello: Hello;
  /** After each `live`, and when a room has become ours or is ours no more. */
  rooms: readonly RoomView[];
  /** Something in the view changed; several changes are told at once. */
  change: Change;
  /** What waits for a room, or for a conversation that is not made yet, has changed; each change is told, at once. */
  outbox: OutboxChange;
  /** What was kept is thrown away and loaded anew. */
  reset: { readonly reason: ResetReason; readonly room_id?: string };
  /** Something went wrong that no call waits for: storage that can't be written, a listener that threw. */
  problem: unknown;
}

export type Listener<Payload> = (payload: Payload) => void;

export interface SendOptions {
  /** The `message_id` that is answered. */
  readonly replyTo?: string;
  readonly kind?: 'text' | 'system';
}

export interface HistoryOptions {
  readonly before?: number;
  readonly after?: number;
  readonly limit?: number;
}

export interface CreateRoomOptions {
  readonly title: string;
  readonly kind: 'public' | 'private';
  readonly maxUsers?: number;
}

/** A message of one's own that the server has not acknowledged. */
export interface OutboxEntry {
  readonly client_id: string;
  /** Where to: a room, or a user whose conversation with us may not be made yet. */
  readonly room_id?: string;
  readonly to?: string;
  readonly content: string;
  readonly reply_to?: string;
  readonly kind?: 'text' | 'system';
  /** When it was said, by this machine's clock. */
  readonly at: string;
  /** `sending` also while not connected. `failed` for good, until `retry` or `discard`. */
  readonly state: 'sending' | 'failed';
  /** With `failed`: the error's code. */
  readonly code?: string;
}

/** Whom something is said to: a room, or a user whose conversation with us need not be made. */
export type Target = { readonly room_id: string } | { readonly to: string };

export interface OutboxChange {
  /**
   * `waiting`: it was said, or is tried again after it had failed, or was found in storage. `sent`: the server has it.
   * `failed`: it is refused for good. `gone`: it was discarded, or another user has come. What the server refuses for now is
   * tried again by itself, and nothing is told.
   */
  readonly what: 'waiting' | 'sent' | 'failed' | 'gone';
  /** As it is now, or was when it is no longer there. One that was sent `to` a user has that still. */
  readonly entry: OutboxEntry;
  /** Absent while the conversation that it is for has none. */
  readonly room_id?: string;
}

/** Where cursor and outbox survive. Any of the answers may be a promise. */
export interface Storage {
  get(key: string): string | null | Promise<string | null>;
  set(key: string, value: string): void | Promise<void>;
  remove(key: string): void | Promise<void>;
  /** All keys that begin with `prefix`. */
  keys(prefix: string): readonly string[] | Promise<readonly string[]>;
}

/** Time, so that tests can turn the hands. */
export interface Clock {
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** As much of a WebSocket as is used: the browser's, node's and `ws`'s fit. */
export interface Socket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, protocols?: string[]) => Socket;

export interface Backoff {
  /** The first wait (500). */
  readonly firstMs: number;
  /** The longest wait (30,000). */
  readonly maxMs: number;
  /** By how much a wait grows (2). */
  readonly factor: number;
  /** Each wait is multiplied with a random number between this and 1 (0.5). */
  readonly jitterMin: number;
}

export interface Options {
  /** Of the server, with or without path: `https://chat.example.com`, `ws://127.0.0.1:8080/ws/chat`. */
  readonly url: string;
  /** The token, or what gets one; asked before each connection. */
  readonly token: string | (() => string | Promise<string>);
  /** Default `globalThis.WebSocket`. In node 20: `import { WebSocket } from 'ws'`. */
  readonly WebSocket?: SocketConstructor;
  /** Where cursor and outbox are kept; default in memory. */
  readonly storage?: Storage;
  /**
   * Whether the cursor is kept in storage, so that what was missed while the program did not run comes as events (default).
   * Without it each start begins now; a UI that loads what it shows needs no more. Reconnects always resume.
   */
  readonly keepCursor?: boolean;
  readonly backoff?: Partial<Backoff>;
  /** Without any frame for so long the connection is given up (60,000). */
  readonly silenceMs?: number;
  /** How long a call waits for its answer, reconnects included (30,000). Sends wait without end: see `outbox`. */
  readonly requestTimeoutMs?: number;
  /** Changes of the view are told at most so often (16). */
  readonly changeEveryMs?: number;
  readonly clock?: Clock;
  readonly random?: () => number;
}

// ---- The view -----------------------------------------------------------------------------------------------------

/** A message in the view. A new object whenever anything in it changes, so comparing with `===` is enough. */
export interface MessageView {
  readonly message_id: string;
  readonly room_id: string;
  readonly offset: number;
  readonly seq: number;
  readonly at: string;
  readonly by: Person;
  readonly kind: MessageKind;
  readonly content: string;
  readonly reply_to?: string;
  readonly edited_at?: string;
  readonly reactions: readonly Reaction[];
}

export interface TypingView {
  readonly user: Person;
  /** By this machine's clock, in milliseconds. */
  readonly until: number;
}

/**
 * How far somebody has got: who has read a message is everybody whose `read` is not below its offset. Deliveries
 * the server tells as they happen in conversations and private rooms, of what nobody has read; else `delivered` is as of `open`
 * or the last reconnect. For ticks on a message see `View.tick`.
 */
export interface ReceiptView {
  readonly user: Person;
  readonly read: number;
  readonly delivered: number;
}

/** A room in the view. A new object whenever anything in it changes; what did not change in it stays the same object. */
export interface RoomView {
  readonly id: string;
  readonly title: string;
  readonly kind: RoomKind;
  readonly role?: Role;
  readonly with?: Person;
  readonly muted: boolean;
  readonly made_at: string;
  /** When it last was active; the list of rooms is ordered by it, newest first. */
  readonly changed_at: string;
  readonly head: { readonly offset: number; readonly seq: number };
  /** One's own read mark; 0 while there is none. */
  readonly read: number;
  /** Messages of others above it; counts to 1,000. */
  readonly unread: number;
  readonly mentions: number;
  readonly last?: MessageView;
  /**
   * The messages that are loaded, oldest first: a contiguous stretch up to now. Empty until `open`.
   */
  readonly messages: readonly MessageView[];
  /** `none`: nothing is loaded. `loading`: the newest are on their way. `loaded`: `messages` reaches up to now. */
  readonly history: 'none' | 'loading' | 'loaded';
  /** There are older ones than `messages[0]`: `loadOlder`. */
  readonly hasOlder: boolean;
  readonly loadingOlder: boolean;
  /** One's own that are not acknowledged, in the order in which they were said. They belong below `messages`. */
  readonly pending: readonly OutboxEntry[];
  readonly typing: readonly TypingView[];
  /** By user id, those who have left since included. Loaded by `open`; until then what was heard. */
  readonly receipts: ReadonlyMap<string, ReceiptView>;
  /** By user id. Undefined until `open`. */
  readonly members?: ReadonlyMap<string, MemberView>;
  /** Ids of those who were heard to have the room open. */
  readonly here: ReadonlySet<string>;
}

export interface MemberView {
  readonly user: Person;
  readonly role: Role;
  readonly status: MemberStatus;
  readonly muted: boolean;
}

export interface View {
  /** One's own rooms, the most recently active first. The same array until something in one of them changes. */
  readonly rooms: readonly RoomView[];
  room(roomId: string): RoomView | undefined;
  /** The conversation with this user, once there is one. */
  direct(userId: string): RoomView | undefined;
  message(roomId: string, offset: number): MessageView | undefined;
  /** How far a message has got with anybody but its author. Who exactly: `room.receipts`. */
  tick(roomId: string, offset: number): MarkKind | undefined;
  /** Everybody heard of, by number (reactions name people by it) or by id. */
  person(by: number | string): Person | undefined;
  /** By id. The same map until somebody comes or goes. */
  readonly online: ReadonlyMap<string, Person>;

  /** Loads newest messages, members and receipts, and keeps them up to date from then on, over reconnects too. */
  open(roomId: string): Promise<RoomView>;
  /** Forgets the room's messages, to save memory. */
  shut(roomId: string): void;
  /** Puts up to `limit` (50) older messages in front. Resolves to whether there are still older ones. */
  loadOlder(roomId: string, limit?: number): Promise<boolean>;

  /** For `useSyncExternalStore` and the like: told when anything, or this room, has changed. Returns what ends it. */
  subscribe(listener: Listener<Change>): () => void;
  subscribe(roomId: string, listener: Listener<RoomView | undefined>): () => void;
}
