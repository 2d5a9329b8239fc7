// What goes over the wire, field for field and in the wire's own words (snake_case), and what the view adds to it.
// Unknown keys are allowed everywhere: the protocol says to expect new ones.

export interface Person {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly email?: string;
}

export interface Mark {
  readonly offset: number;
  readonly at: string;
}

export type RoomKind = 'public' | 'private' | 'guild' | 'direct';
export type Role = 'owner' | 'moderator' | 'member';
export type MessageKind = 'text' | 'system' | 'broadcast';
export type MemberStatus = 'active' | 'inactive' | 'blocked';
export type MarkKind = 'read' | 'delivered';

export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** The `number`s of the first 100 who gave it. */
  readonly users: readonly number[];
}

export interface Message {
  readonly message_id: string;
  readonly room_id: string;
  readonly offset: number;
  readonly seq: number;
  readonly cursor?: string;
  readonly at: string;
  readonly by: Person;
  readonly kind: MessageKind;
  readonly content: string;
  readonly reply_to?: string;
  readonly edited_at?: string;
  readonly reactions?: readonly Reaction[];
  readonly delivered?: boolean;
  readonly read?: boolean;
  /** On one's own connections only. */
  readonly client_id?: string;
}

export interface Room {
  readonly id: string;
  readonly title: string;
  readonly kind: RoomKind;
  /** Absent in conversations of two. */
  readonly role?: Role;
  /** The other one of a conversation of two. */
  readonly with?: Person;
  readonly muted: boolean;
  readonly max_users?: number;
  readonly head: { readonly offset: number; readonly seq: number };
  readonly read?: Mark;
  readonly delivered?: Mark;
  readonly unread: number;
  readonly mentions: number;
  readonly made_at: string;
  readonly changed_at: string;
  readonly last?: Message;
}

export interface PublicRoom {
  readonly id: string;
  readonly title: string;
  readonly kind: RoomKind;
  readonly max_users?: number;
  readonly present: number;
  readonly made_at: string;
  readonly changed_at: string;
}

export interface Member {
  readonly user: Person;
  readonly role: Role;
  readonly status: MemberStatus;
  readonly muted: boolean;
  readonly online: boolean;
  readonly read?: Mark;
  readonly delivered?: Mark;
}

export interface Ack {
  readonly client_id?: string;
  readonly room_id: string;
  readonly message_id: string;
  readonly offset: number;
  readonly seq: number;
  readonly cursor: string;
  readonly at: string;
  /** It had been stored before: this is the first result again. */
  readonly repeat: boolean;
}

export interface Changed {
  readonly message_id: string;
  readonly room_id: string;
  readonly offset: number;
  readonly seq: number;
  readonly cursor: string;
  readonly at: string;
}

export interface History {
  readonly room_id: string;
  readonly messages: readonly Message[];
  readonly total: number;
}

export interface Joined {
  readonly room_id: string;
  readonly messages: readonly Message[];
}

export interface Limits {
  readonly content_bytes: number;
  readonly history: number;
  readonly heartbeat_ms: number;
}

export type ResumeRefusal = 'malformed' | 'ahead' | 'other_log' | 'expired';

export interface Hello {
  readonly version: number;
  readonly features: readonly string[];
  readonly user: Person;
  readonly limits: Limits;
  readonly cursor: string;
  readonly resumed: boolean;
  readonly reason?: ResumeRefusal;
}

// ---- What happens -------------------------------------------------------------------------------------------------

/** What every event has: its place in the log and in its room, and who did it. */
export interface Happened {
  readonly room_id: string;
  readonly offset: number;
  readonly seq: number;
  readonly cursor: string;
  readonly at: string;
  readonly by: Person;
}

export interface MessageEvent extends Happened {
  readonly message_id: string;
  readonly kind: MessageKind;
  readonly content: string;
  readonly reply_to?: string;
  readonly client_id?: string;
}

export interface EditedEvent extends Happened {
  readonly message_id: string;
  /** The offset of the message meant. */
  readonly of: number;
  readonly content: string;
}

export interface DeletedEvent extends Happened {
  readonly message_id: string;
  readonly of: number;
}

export interface ReactionEvent extends Happened {
  readonly message_id: string;
  readonly of: number;
  readonly emoji: string;
  readonly on: boolean;
}

export interface RoomMadeEvent extends Happened {
  readonly title: string;
  readonly kind: RoomKind;
}

export interface RetitledEvent extends Happened {
  readonly title: string;
}

export interface MemberEvent extends Happened {
  readonly user_id: string;
  readonly role: Role;
  readonly status: MemberStatus;
  readonly muted: boolean;
}

export interface RemovedEvent extends Happened {
  readonly user_id: string;
  readonly barred: boolean;
}

export interface TypingSignal {
  readonly room_id: string;
  readonly user: Person;
  readonly on: boolean;
  readonly at: string;
}

export interface HereSignal {
  readonly room_id: string;
  readonly user: Person;
  readonly here: boolean;
  readonly at: string;
}

export interface PresenceSignal {
  readonly user: Person;
  readonly online: boolean;
  readonly at: string;
}

export interface ReceiptSignal {
  readonly room_id: string;
  readonly user: Person;
  readonly kind: MarkKind;
  readonly offset?: number;
  readonly message_ids?: readonly string[];
  readonly at: string;
}

/** Kept in the log, in ascending offset, each once. */
export interface LogEvents {
  message: MessageEvent;
  edited: EditedEvent;
  deleted: DeletedEvent;
  reaction: ReactionEvent;
  room_made: RoomMadeEvent;
  retitled: RetitledEvent;
  member: MemberEvent;
  removed: RemovedEvent;
}

/** True only now, and not repeated after a reconnect. */
export interface Signals {
  typing: TypingSignal;
  here: HereSignal;
  presence: PresenceSignal;
  receipt: ReceiptSignal;
}

export type LogEventName = keyof LogEvents;
export type SignalName = keyof Signals;

/** One event with its name, as the fold takes it. */
export type LogEvent = { [Name in LogEventName]: { readonly type: Name; readonly data: LogEvents[Name] } }[LogEventName];
export type Signal = { [Name in SignalName]: { readonly type: Name; readonly data: Signals[Name] } }[SignalName];

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

/** How far somebody has got: who has read a message is everybody whose `read` is not below its offset. */
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
  /** By user id. Loaded by `open`; until then what was heard. */
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
