// What a UI shows: rooms, messages, receipts, who types and who is online, kept up to date by itself. Events are folded in
// as they come; what they can't tell is asked.
//
// A room's messages are a contiguous stretch up to now. Whatever may have left a gap in it (a resume that was refused, a
// `seq` left out, a time in which the room was not ours) throws it away, and what the app has open is loaded anew.

import { SwitchboardError } from './error.js';
import { PAGE, Pages } from './pages.js';
import { Notifier } from './notifier.js';
import { RoomState } from './room.js';
import type { Wants } from './room.js';
import type {
  Ack, Change, Clock, History, HistoryOptions, Listener, LogEvent, MarkKind, Member, MessageView, OutboxEntry, Person, ResetReason,
  Room, RoomView, Signal, View,
} from './types.js';

/** What the view asks the server. All of it may be asked twice. */
export interface Asks {
  rooms(): Promise<readonly Room[]>;
  room(roomId: string): Promise<Room>;
  history(roomId: string, options: HistoryOptions): Promise<History>;
  members(roomId: string): Promise<readonly Member[]>;
  online(): Promise<readonly Person[]>;
}

export interface ViewOwner {
  readonly me: Person | undefined;
  pending(roomId: string): readonly OutboxEntry[];
  reset(reason: ResetReason, roomId?: string): void;
  /** The list of rooms is known, or another one. */
  rooms(rooms: readonly RoomView[]): void;
  problem(error: unknown): void;
}

/** What the server is asked because of what happened, it is asked at most so often. */
const REFRESH_MS = 100;
/** So many rooms are in one answer; with so many, those that are not in it may be ours nevertheless. */
const ROOMS_LISTED_MAX = 1000;

export class LiveView implements View {
  readonly #asks: Asks;
  readonly #owner: ViewOwner;
  readonly #clock: Clock;
  readonly #notifier: Notifier;
  readonly #states = new Map<string, RoomState>();
  readonly #shown = new Map<string, RoomView | undefined>();
  #rooms: readonly RoomView[] | undefined;
  readonly #people = new Map<number | string, Person>();
  #online: ReadonlyMap<string, Person> = new Map();
  /** Presence heard while `online` was asked. */
  readonly #presence = new Set<Map<string, Person | undefined>>();
  /** Rooms by the user of the conversation, as acknowledgements say. */
  readonly #directs = new Map<string, string>();
  /** Whether `rooms` was answered since the last reset. */
  #listed = false;
  /** Counts one's own comings and goings, so that an answer is not believed about a room that has changed since it was asked. */
  #turn = 0;
  readonly #turned = new Map<string, number>();
  readonly #refreshing = new Map<string, { again: boolean }>();
  readonly #pages: Pages;
  #typingTimer: unknown;
  /** Rooms that the app shows. One that we lose and get back is still shown. */
  readonly #opened = new Set<string>();

  constructor(asks: Asks, owner: ViewOwner, clock: Clock, changeEveryMs: number) {
    this.#asks = asks;
    this.#owner = owner;
    this.#clock = clock;
    this.#pages = new Pages({
      history: (roomId, options) => this.#asks.history(roomId, options),
      isOurs: (state) => this.#states.get(state.id) === state,
      meet: (person) => this.#meet(person),
      touch: (roomId, list) => this.#touch(roomId, list),
      soon: (key, what) => this.#soon(key, what),
    });
    this.#notifier = new Notifier(clock, changeEveryMs, (roomId) => this.room(roomId), (error) => owner.problem(error));
  }

  // ---- Looking ----------------------------------------------------------------------------------------------------

  get rooms(): readonly RoomView[] {
    this.#rooms ??= [...this.#states.keys()]
      .map((roomId) => this.room(roomId))
      .filter((room) => room !== undefined)
      .sort((one, other) => other.head.offset - one.head.offset);
    return this.#rooms;
  }

  room(roomId: string): RoomView | undefined {
    if (!this.#shown.has(roomId)) this.#shown.set(roomId, this.#states.get(roomId)?.show(this.#owner.pending(roomId)));
    return this.#shown.get(roomId);
  }

  direct(userId: string): RoomView | undefined {
    const roomId = this.directWith(userId);
    return roomId === undefined ? undefined : this.room(roomId);
  }

  directWith(userId: string): string | undefined {
    const known = this.#directs.get(userId);
    if (known !== undefined) return known;
    for (const state of this.#states.values()) if (state.directWith === userId) return state.id;
    return undefined;
  }

  message(roomId: string, offset: number): MessageView | undefined {
    return this.#states.get(roomId)?.message(offset);
  }

  tick(roomId: string, offset: number): MarkKind | undefined {
    return this.#states.get(roomId)?.tick(offset);
  }

  person(by: number | string): Person | undefined {
    return this.#people.get(by);
  }

  get online(): ReadonlyMap<string, Person> {
    return this.#online;
  }

  subscribe(listener: Listener<Change>): () => void;
  subscribe(roomId: string, listener: Listener<RoomView | undefined>): () => void;
  subscribe(first: string | Listener<Change>, listener?: Listener<RoomView | undefined>): () => void {
    if (typeof first !== 'string') return this.#notifier.subscribe(first);
    return this.#notifier.subscribeRoom(first, listener ?? (() => {}));
  }

  // ---- Loading ----------------------------------------------------------------------------------------------------

  async open(roomId: string): Promise<RoomView> {
    if (!this.#states.get(roomId)?.known) this.#adopt(await this.#asks.room(roomId));
    const state = this.#state(roomId);
    const members = state.opened ? Promise.resolve() : this.#loadMembers(roomId);
    state.opened = true;
    this.#opened.add(roomId);
    await Promise.all([this.#pages.newest(state), members]);
    const room = this.room(roomId);
    if (!room) throw new SwitchboardError('not_present', 'the room is not ours any more');
    return room;
  }

  shut(roomId: string): void {
    this.#opened.delete(roomId);
    const state = this.#states.get(roomId);
    if (!state) return;
    state.opened = false;
    state.throwAway();
    this.#touch(roomId, true);
  }

  loadOlder(roomId: string, limit = PAGE): Promise<boolean> {
    const state = this.#states.get(roomId);
    return state ? this.#pages.older(state, limit) : Promise.resolve(false);
  }

  async #loadMembers(roomId: string): Promise<void> {
    const members = await this.#asks.members(roomId);
    for (const { user } of members) this.#meet(user);
    this.#states.get(roomId)?.setMembers(members);
    this.#touch(roomId);
  }

  /** Once, a little later, however often it is wanted until then; and once more when it was wanted meanwhile. */
  #soon(key: string, what: () => Promise<void>): void {
    const running = this.#refreshing.get(key);
    if (running) {
      running.again = true;
      return;
    }
    const state = { again: false };
    this.#refreshing.set(key, state);
    this.#clock.setTimeout(() => {
      state.again = false;
      what().catch((error: unknown) => this.#owner.problem(error)).finally(() => {
        this.#refreshing.delete(key);
        if (state.again) this.#soon(key, what);
      });
    }, REFRESH_MS);
  }

  // ---- What the client tells --------------------------------------------------------------------------------------

  /** Something happened; each is told once, in order. */
  happened(event: LogEvent): void {
    const { room_id: roomId, by } = event.data;
    this.#meet(by);
    const { me } = this.#owner;
    // A conversation is ours from its beginning, without a word about us.
    if (event.type === 'room_made') this.#turned.set(roomId, (this.#turn += 1));
    if ('user_id' in event.data && event.data.user_id === me?.id) {
      this.#turned.set(roomId, (this.#turn += 1));
      if (event.type === 'removed' || (event.type === 'member' && event.data.status !== 'active')) return this.#drop(roomId);
    }
    const state = this.#state(roomId);
    this.#want(state, state.fold(event, me));
    // Before the list has come everything is unknown, and about to be told.
    if (!state.known && this.#listed) this.#refresh(roomId);
    this.#touch(roomId, true);
  }

  signal(signal: Signal): void {
    if (signal.type === 'presence') return this.#isOnline(signal.data.user, signal.data.online);
    this.#meet(signal.data.user);
    const state = this.#states.get(signal.data.room_id);
    if (!state) return;
    if (signal.type === 'typing') {
      state.typing(signal.data, this.#clock.now());
      this.#expireTyping();
    } else if (signal.type === 'here') state.here(signal.data.user.id, signal.data.here);
    else this.#want(state, state.receipt(signal.data, this.#owner.me));
    this.#touch(state.id, signal.type === 'receipt' && signal.data.user.id === this.#owner.me?.id);
  }

  /** Everything may be different: loaded anew after the next `live`. */
  reset(reason: ResetReason): void {
    this.#listed = false;
    const otherLog = reason === 'other_log' || reason === 'ahead' || reason === 'malformed';
    for (const state of this.#states.values()) {
      if (otherLog) state.forgetLog();
      this.#throwAway(state);
    }
    if (reason === 'other_user') for (const roomId of [...this.#states.keys()]) this.#drop(roomId);
    if (reason === 'other_user' || otherLog) {
      this.#directs.clear();
      this.#people.clear();
    }
    this.#owner.reset(reason);
  }

  offline(): void {
    for (const state of this.#states.values()) {
      state.offline();
      this.#touch(state.id);
    }
  }

  /** Everything that was missed has come: asks for what events don't tell. */
  async live(): Promise<void> {
    await this.#list();
    const opened = [...this.#states.values()].filter((state) => state.opened);
    for (const done of await Promise.allSettled([this.#askOnline(), ...opened.map((state) => this.#reopen(state))])) {
      if (done.status === 'rejected') this.#owner.problem(done.reason);
    }
  }

  /** We had fallen behind: events have come, but who typed, came and went or read meanwhile was not told. */
  caughtUp(): void {
    this.#soon('live', () => this.live());
  }

  /** One's own room, made or joined just now. */
  entered(room: Room): void {
    this.#turned.set(room.id, (this.#turn += 1));
    this.#adopt(room);
  }

  left(roomId: string): void {
    this.#turned.set(roomId, (this.#turn += 1));
    this.#drop(roomId);
  }

  /** Where a mark can be set: the server leaves none beyond what there is in the room. */
  markable(roomId: string, offset: number): number {
    const state = this.#states.get(roomId);
    return state?.known ? Math.min(offset, state.head) : offset;
  }

  markedRead(roomId: string, offset: number): void {
    const state = this.#states.get(roomId);
    if (!state) return;
    this.#want(state, state.markRead(offset, this.#owner.me));
    this.#touch(roomId, true);
  }

  acked(entry: OutboxEntry, ack: Ack): void {
    const by = this.#owner.me;
    if (entry.to !== undefined) this.#directs.set(entry.to, ack.room_id);
    const { content, kind = 'text', reply_to: replyTo } = entry;
    const { room_id, message_id, offset, seq, at } = ack;
    // A repeat may have been edited or deleted since; its events come, or have come, by themselves.
    if (!ack.repeat && by) {
      const message = { room_id, message_id, offset, seq, at, by, kind, content, ...(replyTo === undefined ? {} : { reply_to: replyTo }), reactions: [] };
      const state = this.#states.get(room_id);
      if (state) this.#want(state, state.acked(message));
    }
    this.#touch(room_id, true);
  }

  pendingChanged(roomId: string): void {
    this.#touch(roomId);
  }

  // ---- Within -----------------------------------------------------------------------------------------------------

  #state(roomId: string): RoomState {
    let state = this.#states.get(roomId);
    if (!state) this.#states.set(roomId, (state = new RoomState(roomId)));
    state.opened = this.#opened.has(roomId);
    return state;
  }

  async #list(): Promise<void> {
    const asked = this.#turn;
    const rooms = await this.#asks.rooms();
    const changedSince = (roomId: string) => (this.#turned.get(roomId) ?? 0) > asked;
    const named = new Set<string>();
    for (const room of rooms) {
      named.add(room.id);
      if (!changedSince(room.id) || this.#states.has(room.id)) this.#adopt(room);
    }
    this.#listed = true;
    for (const state of [...this.#states.values()]) {
      if (named.has(state.id)) continue;
      if (changedSince(state.id) || rooms.length >= ROOMS_LISTED_MAX) this.#refresh(state.id);
      else this.#drop(state.id);
    }
    this.#owner.rooms(this.rooms);
  }

  #adopt(room: Room): void {
    const state = this.#state(room.id);
    const isNew = !state.known;
    if (room.with) this.#meet(room.with);
    if (room.last) this.#meet(room.last.by);
    this.#want(state, state.adopt(room));
    this.#touch(room.id, true);
    if (!isNew || !this.#listed) return;
    this.#owner.rooms(this.rooms);
    if (state.opened) this.#reopen(state).catch((error: unknown) => this.#owner.problem(error));
  }

  async #reopen(state: RoomState): Promise<void> {
    await Promise.all([this.#pages.newest(state), this.#loadMembers(state.id)]);
  }

  #refresh(roomId: string): void {
    this.#soon(`room ${roomId}`, async () => {
      if (!this.#states.has(roomId)) return;
      const asked = this.#turn;
      try {
        const room = await this.#asks.room(roomId);
        if (this.#states.has(roomId)) this.#adopt(room);
      } catch (error) {
        const gone = error instanceof SwitchboardError && ['forbidden', 'room_not_found', 'not_present'].includes(error.code);
        if (!gone) throw error;
        if ((this.#turned.get(roomId) ?? 0) <= asked) this.#drop(roomId);
      }
    });
  }

  #want(state: RoomState, wants: Wants): void {
    if (wants.reload) {
      this.#throwAway(state);
      this.#owner.reset('gap', state.id);
      if (state.opened) this.#pages.newest(state).catch((error: unknown) => this.#owner.problem(error));
    }
    if (wants.room) this.#refresh(state.id);
    if (wants.members && state.opened) this.#soon(`members ${state.id}`, () => this.#loadMembers(state.id));
    if (wants.message !== undefined) this.#pages.again(state, [wants.message]);
  }

  #throwAway(state: RoomState): void {
    state.forgetPlace();
    state.throwAway();
    this.#touch(state.id, true);
  }

  #drop(roomId: string): void {
    const state = this.#states.get(roomId);
    if (!state) return;
    this.#states.delete(roomId);
    this.#touch(roomId, true);
    if (state.known && this.#listed) this.#owner.rooms(this.rooms);
  }

  #touch(roomId: string, list = false): void {
    this.#shown.delete(roomId);
    this.#rooms = undefined;
    this.#notifier.touch({ room: roomId, list });
  }

  #meet(person: Person): void {
    if (this.#people.get(person.id) === person) return;
    this.#people.set(person.id, person);
    this.#people.set(person.number, person);
  }

  async #askOnline(): Promise<void> {
    const heard = new Map<string, Person | undefined>();
    this.#presence.add(heard);
    try {
      const online = new Map((await this.#asks.online()).map((person) => [person.id, person]));
      for (const [id, person] of heard) {
        if (person) online.set(id, person);
        else online.delete(id);
      }
      for (const person of online.values()) this.#meet(person);
      this.#online = online;
      this.#notifier.touch({ online: true });
    } finally {
      this.#presence.delete(heard);
    }
  }

  #isOnline(person: Person, is: boolean): void {
    this.#meet(person);
    for (const heard of this.#presence) heard.set(person.id, is ? person : undefined);
    const online = new Map(this.#online);
    if (is) online.set(person.id, person);
    else online.delete(person.id);
    this.#online = online;
    this.#notifier.touch({ online: true });
  }

  /** One timer for whoever stops next, in whatever room. */
  #expireTyping(): void {
    this.#clock.clearTimeout(this.#typingTimer);
    const next = Math.min(...[...this.#states.values()].map(({ typingUntil }) => typingUntil ?? Infinity));
    if (next === Infinity) return;
    this.#typingTimer = this.#clock.setTimeout(() => {
      for (const state of this.#states.values()) if (state.expire(this.#clock.now())) this.#touch(state.id);
      this.#expireTyping();
    }, Math.max(0, next - this.#clock.now()));
  }
}
