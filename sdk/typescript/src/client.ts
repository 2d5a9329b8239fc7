// The client: one connection that comes back, calls as promises, an outbox that loses and doubles nothing, and a view that
// is kept up to date. Here they are put together; each is in a file of its own.

import { BACKOFF } from './backoff.js';
import { Calls } from './calls.js';
import { Connection } from './connection.js';
import { deferred } from './deferred.js';
import type { Deferred } from './deferred.js';
import { drawn } from './drawn.js';
import { Emitter } from './emitter.js';
import { SwitchboardError } from './error.js';
import { Outbox } from './outbox.js';
import { Place } from './place.js';
import { memoryStorage } from './storage.js';
import { Typing } from './typing.js';
import { LiveView } from './view.js';
import type { OutboxOwner } from './outbox.js';
import type { ViewOwner } from './view.js';
import type {
  Ack, Changed, ClientEvents, Clock, CreateRoomOptions, Hello, History, HistoryOptions, Joined, Listener, LogEvent,
  LogEventName, Member, Options, OutboxEntry, Person, PublicRoom, Role, Room, SendOptions, Signal, SignalName, SocketConstructor,
  Status, StatusChange, Target, View,
} from './types.js';

const CLOCK: Clock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as Parameters<typeof globalThis.clearTimeout>[0]),
};

const SIGNALS: ReadonlySet<string> = new Set<SignalName>(['typing', 'here', 'presence', 'receipt']);

export class Switchboard {
  readonly #clock: Clock;
  readonly #emitter = new Emitter<ClientEvents>((error) => this.#problem(error));
  readonly #connection: Connection;
  readonly #calls: Calls;
  readonly #outbox: Outbox;
  readonly #view: LiveView;
  readonly #place: Place;
  #me: Person | undefined;
  #server: Hello | undefined;
  /** The offset of the last event that was told: what comes again is not told again. */
  #told = 0;
  /** Settled when the first `live` of this `connect` has been followed up. */
  #begun: Deferred | undefined;
  #outboxLoaded: Promise<void> = Promise.resolve();
  /** Rooms in which we are to be seen, on the next connection too. */
  readonly #present = new Set<string>();
  #away = false;
  readonly #typing = new Typing((roomId, on) => this.#connection.say('typing', { room_id: roomId, on }));

  constructor(options: Options) {
    const WebSocket = options.WebSocket ?? (globalThis as { readonly WebSocket?: SocketConstructor }).WebSocket;
    if (!WebSocket) throw new TypeError('no WebSocket here: pass one in, such as that of the package `ws`');
    this.#clock = options.clock ?? CLOCK;
    const random = options.random ?? Math.random;
    const backoff = { ...BACKOFF, ...options.backoff };
    const timeoutMs = options.requestTimeoutMs ?? 30_000;
    const storage = options.storage ?? memoryStorage();
    const problem = (error: unknown) => this.#problem(error);
    this.#place = new Place(storage, this.#clock, options.keepCursor ?? true, problem);
    this.#view = new LiveView(
      {
        rooms: () => this.rooms(),
        room: (roomId) => this.room(roomId),
        history: (roomId, page) => this.history(roomId, page),
        members: (roomId) => this.members(roomId),
        online: () => this.online(),
      },
      this.#viewOwner(),
      this.#clock,
      options.changeEveryMs ?? 16,
    );
    this.#view.subscribe((change) => this.#emitter.emit('change', change));
    this.#outbox = new Outbox(storage, this.#outboxOwner(), this.#clock, backoff, random);
    this.#connection = new Connection(
      {
        url: options.url,
        token: options.token,
        WebSocket,
        backoff,
        silenceMs: options.silenceMs ?? 60_000,
        requestTimeoutMs: timeoutMs,
        clock: this.#clock,
        random,
      },
      {
        cursor: () => this.#place.cursor,
        hello: (hello, asked) => this.#welcomed(hello, asked),
        live: (cursor) => {
          this.#place.move(cursor);
          if (this.status === 'live') this.#view.caughtUp();
        },
        heartbeat: (cursor) => this.#place.move(cursor),
        happened: (name, data) => this.#happened(name, data),
        status: (change) => this.#turned(change),
        problem,
      },
    );
    this.#calls = new Calls(this.#connection, { clock: this.#clock, backoff, random, timeoutMs });
  }

  get status(): Status {
    return this.#connection.status;
  }

  /** Who we are; undefined until the first `hello` was answered. */
  get me(): Person | undefined {
    return this.#me;
  }

  /** The last `hello`'s answer: features and limits. */
  get server(): Hello | undefined {
    return this.#server;
  }

  /** Rooms, messages, receipts, typing, who is online: kept up to date by itself. */
  get view(): View {
    return this.#view;
  }

  /** Unsent messages to this room or user, whose conversation need not be made. The same array until something in it changes. */
  pending(target: Target): readonly OutboxEntry[] {
    return this.#outbox.of(target);
  }

  /** Unsent messages, of all rooms, in the order in which they were said. The same array until something changes. */
  get outbox(): readonly OutboxEntry[] {
    return this.#outbox.entries;
  }

  /**
   * Begins, and comes back by itself until `close`; when it is waiting to, at once. Resolves when everything is there for the
   * first time, rejects when it is closed before.
   */
  connect(): Promise<void> {
    if (!this.#begun) {
      this.#begun = deferred();
      // Whoever watches `status` need not look at the promise.
      this.#begun.promise.catch(() => {});
    }
    const { promise } = this.#begun;
    // Our own user and cursor have to be known before anything is said.
    void this.#place.load().then(() => {
      if (this.#begun?.promise === promise) this.#connection.open();
    });
    return promise;
  }

  /** Ends; the outbox stays in storage. Resolves when everything is written there. */
  async close(): Promise<void> {
    this.#connection.close();
    this.#end(new SwitchboardError('closed', 'closed by us'));
    await Promise.all([this.#place.write(), this.#outbox.written()]);
  }

  /** Returns what takes the listener off again. */
  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    return this.#emitter.on(name, listener);
  }

  off<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): void {
    this.#emitter.off(name, listener);
  }

  // ---- Rooms ------------------------------------------------------------------------------------------------------

  async rooms(): Promise<readonly Room[]> {
    return (await this.#calls.ask<{ rooms: readonly Room[] }>('rooms')).rooms;
  }

  async publicRooms(): Promise<readonly PublicRoom[]> {
    return (await this.#calls.ask<{ rooms: readonly PublicRoom[] }>('public_rooms')).rooms;
  }

  async room(roomId: string): Promise<Room> {
    return (await this.#calls.ask<{ room: Room }>('room', { room_id: roomId })).room;
  }

  /** Makes one room, however often the connection is lost meanwhile. */
  async createRoom({ title, kind, maxUsers }: CreateRoomOptions): Promise<Room> {
    const data = { title, kind, client_id: drawn(), ...(maxUsers === undefined ? {} : { max_users: maxUsers }) };
    const { room } = await this.#calls.ask<{ room: Room }>('create_room', data);
    this.#present.add(room.id);
    this.#view.entered(room);
    return room;
  }

  /** Becomes a member, and is seen there: again after each reconnect, until `leave`. */
  join(roomId: string, { history }: { readonly history?: number } = {}): Promise<Joined> {
    return this.#calls.inOrder(`room ${roomId}`, async () => {
      const joined = await this.#calls.ask<Joined>('join', { room_id: roomId, ...(history === undefined ? {} : { history }) });
      this.#present.add(roomId);
      this.#view.entered(await this.room(roomId));
      return joined;
    });
  }

  leave(roomId: string): Promise<void> {
    return this.#calls.inOrder(`room ${roomId}`, async () => {
      this.#present.delete(roomId);
      await this.#calls.ask('leave', { room_id: roomId });
      this.#view.left(roomId);
    });
  }

  // ---- Saying things ----------------------------------------------------------------------------------------------

  /** Into the outbox. Resolves when it is on the server's disk, however many reconnects later. */
  send(roomId: string, content: string, options?: SendOptions): Promise<Ack> {
    this.#typing.ended(roomId);
    return this.#outbox.add({ room_id: roomId }, content, options);
  }

  /** To a user; the conversation is made by the first message. */
  sendTo(userId: string, content: string, options?: SendOptions): Promise<Ack> {
    return this.#outbox.add({ to: userId }, content, options);
  }

  /** A failed message once more, behind those that wait. */
  retry(clientId: string): void {
    this.#outbox.retry(clientId);
  }

  /** Forgets an unsent message. One that is on its way may be stored nevertheless. */
  discard(clientId: string): void {
    this.#outbox.discard(clientId);
  }

  edit(messageId: string, content: string): Promise<Changed> {
    return this.#calls.inOrder(`message ${messageId}`, () => this.#calls.ask<Changed>('edit', { message_id: messageId, content }));
  }

  delete(messageId: string): Promise<Changed> {
    return this.#calls.inOrder(`message ${messageId}`, () => this.#calls.ask<Changed>('delete', { message_id: messageId }));
  }

  react(messageId: string, emoji: string, on = true): Promise<Changed> {
    return this.#calls.inOrder(`message ${messageId}`, () => this.#calls.ask<Changed>('react', { message_id: messageId, emoji, on }));
  }

  /** Call it at each keystroke: it is said every 3 s at most. */
  typing(roomId: string, on = true): void {
    this.#typing.is(roomId, on, this.#clock.now());
  }

  async markRead(roomId: string, offset: number): Promise<void> {
    const upto = this.#view.markable(roomId, offset);
    await this.#calls.ask('mark', { room_id: roomId, kind: 'read', offset: upto });
    this.#view.markedRead(roomId, upto);
  }

  // ---- Looking ----------------------------------------------------------------------------------------------------

  history(roomId: string, { before, after, limit }: HistoryOptions = {}): Promise<History> {
    return this.#calls.ask('history', {
      room_id: roomId,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      ...(limit === undefined ? {} : { limit }),
    });
  }

  async members(roomId: string): Promise<readonly Member[]> {
    return (await this.#calls.ask<{ members: readonly Member[] }>('members', { room_id: roomId })).members;
  }

  async online(): Promise<readonly Person[]> {
    return (await this.#calls.ask<{ users: readonly Person[] }>('online')).users;
  }

  async user(by: { readonly id: string } | { readonly name: string } | { readonly number: number }): Promise<Person> {
    return (await this.#calls.ask<{ user: Person }>('user', by)).user;
  }

  // ---- People -----------------------------------------------------------------------------------------------------

  /** Away although connected, or back; said again on each connection. */
  async setPresence(online: boolean): Promise<void> {
    this.#away = !online;
    await this.#calls.inOrder('presence', () => this.#calls.ask('presence', { online }));
  }

  invite(roomId: string, userId: string): Promise<void> {
    return this.#moderate('invite', roomId, userId);
  }

  kick(roomId: string, userId: string): Promise<void> {
    return this.#moderate('kick', roomId, userId);
  }

  ban(roomId: string, userId: string): Promise<void> {
    return this.#moderate('ban', roomId, userId);
  }

  unban(roomId: string, userId: string): Promise<void> {
    return this.#moderate('unban', roomId, userId);
  }

  mute(roomId: string, userId: string): Promise<void> {
    return this.#moderate('mute', roomId, userId);
  }

  unmute(roomId: string, userId: string): Promise<void> {
    return this.#moderate('unmute', roomId, userId);
  }

  setRole(roomId: string, userId: string, role: Role): Promise<void> {
    return this.#moderate('role', roomId, userId, { role });
  }

  #moderate(type: string, roomId: string, userId: string, more: object = {}): Promise<void> {
    return this.#calls.inOrder(`member ${roomId} ${userId}`, async () => {
      await this.#calls.ask(type, { room_id: roomId, user_id: userId, ...more });
    });
  }

  // ---- The connection ---------------------------------------------------------------------------------------------

  async ping(): Promise<void> {
    await this.#calls.ask('ping');
  }

  /** Another token of the same user, before the old one ends. */
  async renew(token: string): Promise<Person> {
    const { user } = await this.#calls.ask<{ user: Person }>('auth', { token });
    this.#connection.replaceToken(token);
    return user;
  }

  // ---- What the parts tell each other -----------------------------------------------------------------------------

  #viewOwner(): ViewOwner {
    const me = () => this.#me;
    return {
      get me() { return me(); },
      pending: (roomId) => this.#outbox.of({ room_id: roomId }),
      reset: (reason, roomId) => this.#emitter.emit('reset', { reason, ...(roomId === undefined ? {} : { room_id: roomId }) }),
      rooms: (rooms) => this.#emitter.emit('rooms', rooms),
      problem: (error) => this.#problem(error),
    };
  }

  #outboxOwner(): OutboxOwner {
    return {
      send: async ({ client_id, room_id, to, content, reply_to, kind }) => {
        // What is undefined is left out by JSON. An attempt that is cut off comes back here, in order, by the outbox itself.
        return (await this.#connection.ask('send', { room_id, to, content, client_id, reply_to, kind }, false)) as Ack;
      },
      directWith: (userId) => this.#view.directWith(userId),
      changed: (change) => {
        if (change.room_id !== undefined) this.#view.pendingChanged(change.room_id);
        this.#emitter.emit('outbox', change);
      },
      acked: (entry, ack) => this.#view.acked(entry, ack),
      problem: (error) => this.#problem(error),
    };
  }

  #welcomed(hello: Hello, asked: boolean): void {
    const before = this.#place.user;
    this.#me = hello.user;
    this.#server = hello;
    this.#place.belongsTo(hello.user.id);
    // Offsets of a log that was replaced may begin lower; a mark of the old one would be far above what there is.
    if (!hello.resumed) {
      this.#told = 0;
      if (asked && hello.reason !== 'expired') this.#connection.giveUp('mark');
    }
    if (before !== undefined && before !== hello.user.id) this.#view.reset('other_user');
    else if (asked && !hello.resumed) this.#view.reset(hello.reason ?? 'other_log');
    this.#place.move(hello.cursor);
    this.#outboxLoaded = this.#outbox.load(hello.user.id);
    this.#emitter.emit('hello', hello);
  }

  #happened(name: LogEventName | SignalName, data: unknown): void {
    if (SIGNALS.has(name)) {
      const signal = { type: name, data } as Signal;
      this.#view.signal(signal);
      this.#emitter.emit(name, signal.data);
      return;
    }
    const event = { type: name, data } as LogEvent;
    if (event.data.offset <= this.#told) return;
    this.#told = event.data.offset;
    this.#view.happened(event);
    if (event.type === 'removed' && event.data.user_id === this.#me?.id) this.#present.delete(event.data.room_id);
    if (event.type === 'message' && event.data.by.id === this.#me?.id) this.#outbox.echoed(event.data);
    this.#emitter.emit(name, event.data);
    // Last: what a listener did not get to see is told again.
    this.#place.move(event.data.cursor);
  }

  #turned(change: StatusChange): void {
    if (change.status === 'live') void this.#isLive();
    if (change.status === 'waiting' || change.status === 'closed') {
      this.#outbox.pause();
      this.#view.offline();
      this.#typing.forget();
    }
    this.#emitter.emit('status', change);
    if (change.status === 'closed') this.#end(new SwitchboardError('closed', change.reason ?? 'closed'));
  }

  #end(error: SwitchboardError): void {
    this.#begun?.reject(error);
    this.#begun = undefined;
  }

  async #isLive(): Promise<void> {
    try {
      await this.#outboxLoaded;
      if (this.status === 'live') this.#outbox.resume();
      if (this.#away) await this.setPresence(false);
      await this.#view.live();
      // Not where somebody else, or we elsewhere, have ended it meanwhile.
      const there = [...this.#present].filter((roomId) => this.#view.room(roomId));
      await Promise.all(there.map((roomId) => this.#calls.inOrder(`room ${roomId}`, () => this.#calls.ask('join', { room_id: roomId }))));
    } catch (error) {
      // The next connection does all of it again.
      this.#problem(error);
    }
    if (this.status === 'live') this.#begun?.resolve();
  }

  #problem(error: unknown): void {
    this.#emitter.emit('problem', error);
  }
}
