// The client: one connection that comes back, calls as promises, an outbox that loses and doubles nothing, and a view
// that is kept up to date. Signatures first; the bodies follow.

import type {
  Ack, Changed, ClientEvents, CreateRoomOptions, History, HistoryOptions, Hello, Joined, Listener, Member, Options,
  OutboxEntry, Person, PublicRoom, Role, Room, SendOptions, Status,
} from './types.js';
import type { View } from './view.js';

export declare class Switchboard {
  constructor(options: Options);

  readonly status: Status;
  /** Who we are; undefined until the first `hello` was answered. */
  readonly me: Person | undefined;
  /** The last `hello`'s answer: features and limits. */
  readonly server: Hello | undefined;
  /** Rooms, messages, receipts, typing, who is online: kept up to date by itself. */
  readonly view: View;
  /** Unsent messages, of all rooms, in the order in which they were said. */
  readonly outbox: readonly OutboxEntry[];

  /** Begins, and comes back by itself until `close`. Resolves when it is live for the first time; rejects only if closed. */
  connect(): Promise<void>;
  /** Ends; the outbox stays in storage. */
  close(): Promise<void>;
  /** Returns what takes the listener off again. */
  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void;
  off<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): void;

  rooms(): Promise<readonly Room[]>;
  publicRooms(): Promise<readonly PublicRoom[]>;
  room(roomId: string): Promise<Room>;
  createRoom(options: CreateRoomOptions): Promise<Room>;
  /** Becomes a member, and is seen there (again after each reconnect, until `leave`). */
  join(roomId: string, options?: { readonly history?: number }): Promise<Joined>;
  leave(roomId: string): Promise<void>;

  /** Into the outbox. Resolves when it is on the server's disk, however many reconnects later. */
  send(roomId: string, content: string, options?: SendOptions): Promise<Ack>;
  /** To a user; the conversation is made by the first message. */
  sendTo(userId: string, content: string, options?: SendOptions): Promise<Ack>;
  /** A failed message once more, behind those that wait. */
  retry(clientId: string): void;
  /** Forgets an unsent message. One that is on its way may have been stored nevertheless. */
  discard(clientId: string): void;

  edit(messageId: string, content: string): Promise<Changed>;
  delete(messageId: string): Promise<Changed>;
  react(messageId: string, emoji: string, on?: boolean): Promise<Changed>;
  /** Call it at each keystroke: it is said every 3 s at most. */
  typing(roomId: string, on?: boolean): void;
  markRead(roomId: string, offset: number): Promise<void>;

  history(roomId: string, options?: HistoryOptions): Promise<History>;
  members(roomId: string): Promise<readonly Member[]>;
  online(): Promise<readonly Person[]>;
  user(by: { readonly id: string } | { readonly name: string } | { readonly number: number }): Promise<Person>;
  setPresence(online: boolean): Promise<void>;

  invite(roomId: string, userId: string): Promise<void>;
  kick(roomId: string, userId: string): Promise<void>;
  ban(roomId: string, userId: string): Promise<void>;
  unban(roomId: string, userId: string): Promise<void>;
  mute(roomId: string, userId: string): Promise<void>;
  unmute(roomId: string, userId: string): Promise<void>;
  setRole(roomId: string, userId: string, role: Role): Promise<void>;

  ping(): Promise<void>;
  /** Another token of the same user, before the old one ends. */
  renew(token: string): Promise<Person>;
}
