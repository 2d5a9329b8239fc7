// One room as the view keeps it: what the server last said of it, and what has happened since folded in. Pure: time comes
// in as an argument, and what has to be asked of the server is said in the answer of `fold`.

import { names } from './mention.js';
import { Stretch, read, said } from './stretch.js';
import type {
  LogEvent, MarkKind, Member, MemberEvent, MemberView, Message, MessageView, OutboxEntry, Person, ReceiptSignal, ReceiptView, Room,
  RoomView, TypingSignal, TypingView,
} from './types.js';

/** Unread messages and mentions are counted to this many, as the server does. */
export const COUNTED_MAX = 1000;
/** Somebody who said that they are typing, and nothing since, has stopped. */
const TYPING_MS = 5000;

/** What the server has to be asked, because what happened can't tell. */
export interface Wants {
  /** The room itself: counts and last message. */
  room?: boolean;
  /** The members and their marks. */
  members?: boolean;
  /** This message, as it is now. */
  message?: number;
  /** The stretch has a gap: it is thrown away. */
  reload?: boolean;
}

/** What a `RoomView` has besides plain values and messages. */
type Parts = { -readonly [Part in 'typing' | 'receipts' | 'members' | 'here']?: RoomView[Part] | undefined };

type Standing = Pick<RoomView, 'title' | 'kind' | 'role' | 'with' | 'muted' | 'made_at'>;

export class RoomState {
  readonly id: string;
  /** What it is; undefined while only events are known of it. */
  #standing: Standing | undefined;
  /** The offset up to which title, role and muting were told by events. */
  #standingAt = 0;
  #head = { offset: 0, seq: 0 };
  #changedAt = '';
  /**
   * Where what we know is unbroken: the seq of the last event, or that of the room when it was first told of. What comes next
   * has the next one, else there is a gap. What is told of the room later does not move it: events up to there may not come.
   */
  #followed: number | undefined;
  #read = 0;
  /** What the server counted, and up to where in the log. */
  #counted = { offset: 0, unread: 0, mentions: 0 };
  /** Unread messages that came after that. */
  #since: { readonly offset: number; mention: boolean }[] = [];
  /** The newest message, for as long as no stretch is loaded. */
  #newest = new Stretch();

  stretch = new Stretch();
  history: RoomView['history'] = 'none';
  hasOlder = false;
  loadingOlder = false;
  /** Wanted by the app, so loaded again after it was thrown away. */
  opened = false;
  /** Counted up whenever the stretch is thrown away: a page that was asked before that is not put in. */
  era = 0;
  /** Where events are collected while a page is on its way, to be folded into it too. */
  readonly collectors = new Set<LogEvent[]>();

  readonly #typing = new Map<string, TypingView>();
  /** Of who has left, too. */
  readonly #receipts = new Map<string, ReceiptView>();
  #members: Map<string, MemberView> | undefined;
  readonly #here = new Set<string>();
  /** Messages that were marked singly, or came with the word that somebody has got or read them. */
  readonly #ticks = new Map<string, MarkKind>();
  /** The parts that were given out, until they change. */
  #shown: Parts = {};

  constructor(id: string) {
    this.id = id;
  }

  get known(): boolean {
    return this.#standing !== undefined;
  }

  get head(): number {
    return this.#head.offset;
  }

  get directWith(): string | undefined {
    return this.#standing?.kind === 'direct' ? this.#standing.with?.id : undefined;
  }

  /** What the server says of it. It may be older or newer than the events that have come. */
  adopt(room: Room): Wants {
    const before = this.#standing;
    const older = room.head.offset < this.#standingAt;
    this.#standing = {
      title: older && before ? before.title : room.title,
      kind: room.kind,
      ...(room.role === undefined ? {} : { role: older && before?.role ? before.role : room.role }),
      ...(room.with === undefined ? {} : { with: room.with }),
      muted: older && before ? before.muted : room.muted,
      made_at: room.made_at,
    };
    this.#followed ??= room.head.seq;
    const wants: Wants = {};
    if (room.head.offset >= this.#head.offset) {
      this.#head = room.head;
      this.#changedAt = room.changed_at;
      this.#newest = new Stretch();
      if (room.last) this.#newest.put(read(room.last));
    } else if (!this.#newest.last && room.last) {
      this.#newest.put(read(room.last));
    }
    if (room.head.offset >= this.#counted.offset) {
      this.#counted = { offset: room.head.offset, unread: room.unread, mentions: room.mentions };
      this.#since = this.#since.filter(({ offset }) => offset > room.head.offset);
      // It was counted before our own mark had come there.
      if ((room.read?.offset ?? 0) < this.#read && !this.#uncount(this.#read)) wants.room = true;
    }
    if ((room.read?.offset ?? 0) > this.#read) this.#read = room.read?.offset ?? 0;
    return wants;
  }

  /** What happened, in order. `me` is us. */
  fold(event: LogEvent, me: Person | undefined): Wants {
    const { offset, seq, at, by } = event.data;
    const gap = this.#followed !== undefined && seq > this.#followed + 1;
    this.#followed = seq;
    const news = offset > this.#head.offset;
    if (news) {
      this.#head = { offset, seq };
      this.#changedAt = at;
    }
    for (const collector of this.collectors) collector.push(event);
    const wants: Wants = gap ? { reload: true, room: true } : {};
    // What it says now, before it is changed: an edit or a deletion is counted by it.
    const meant = 'of' in event.data ? this.message(event.data.of) : undefined;
    if (event.type === 'message') {
      this.#quiet(by.id);
      if (news) this.#newest = new Stretch();
      if (this.history === 'loaded' && !gap) this.stretch.fold(event);
      if (news) this.#newest.put(said(event.data));
      if (offset > this.#counted.offset && offset > this.#read && me && by.id !== me.id) {
        this.#since.push({ offset, mention: names(event.data.content, me.name) });
        // Nobody counts any further, and the list is not to grow for ever.
        if (this.#since.length >= COUNTED_MAX) wants.room = true;
      }
    } else {
      if (this.history === 'loaded' && this.stretch.fold(event) === 'unsure' && 'of' in event.data) wants.message = event.data.of;
      this.#newest.fold(event);
      if (event.type === 'deleted' && this.#newest.size === 0 && !this.stretch.last) wants.room = true;
    }
    if (event.type === 'edited' || event.type === 'deleted') this.#recount(event, meant, me, wants);
    if (event.type === 'retitled') this.#stand(offset, { title: event.data.title });
    if (event.type === 'member') this.#member(event.data, me, wants);
    if (event.type === 'removed') {
      // Their marks stay: what they have read was read.
      this.#members?.delete(event.data.user_id);
      delete this.#shown.members;
      if (this.#members) wants.members = true;
    }
    return wants;
  }

  /** What happened meanwhile is not known, and will not come. */
  forgetPlace(): void {
    this.#followed = undefined;
  }

  /** Throws the messages away, because there may be a gap between them and now. */
  throwAway(): void {
    this.era += 1;
    if (this.stretch.last && this.#newest.size === 0) this.#newest.put(this.stretch.last);
    this.stretch = new Stretch();
    this.history = 'none';
    this.hasOlder = false;
    this.loadingOlder = false;
    this.#ticks.clear();
  }

  /** The log was replaced: its offsets and ids mean nothing now. What the room is called is shown until that is told anew. */
  forgetLog(): void {
    this.forgetPlace();
    this.throwAway();
    this.#standingAt = 0;
    this.#head = { offset: 0, seq: 0 };
    this.#read = 0;
    this.#counted = { offset: 0, unread: 0, mentions: 0 };
    this.#since = [];
    this.#newest = new Stretch();
    this.#members = undefined;
    this.#receipts.clear();
    this.#shown = {};
  }

  /** The newest page, and whether there is more before it; with what happened since it was asked. */
  load(page: readonly Message[], since: readonly LogEvent[], hasOlder: boolean): number[] {
    this.stretch = new Stretch();
    this.stretch.putBefore(page.map(read));
    this.history = 'loaded';
    this.hasOlder = hasOlder;
    this.#tick(page);
    return this.#refold(since);
  }

  /** A page that lies before what is there. */
  loadBefore(page: readonly Message[], since: readonly LogEvent[], hasOlder: boolean): number[] {
    this.stretch.putBefore(page.map(read));
    this.hasOlder = hasOlder;
    this.#tick(page);
    // Messages said meanwhile are there already, or lie in no page.
    return this.#refold(since.filter(({ type }) => type !== 'message'));
  }

  /** One message as it is now; undefined when it is there no more. */
  reload(offset: number, message: Message | undefined, since: readonly LogEvent[]): number[] {
    if (!message) {
      this.stretch.remove(offset);
      return [];
    }
    this.stretch.replace(read(message));
    return this.#refold(since.filter(({ type, data }) => type !== 'message' && 'of' in data && data.of === offset));
  }

  /** Our own message, acknowledged before it has come. Where we do not belong nothing comes, so what is before it is not known. */
  acked(message: MessageView): Wants {
    if (this.history !== 'loaded') return {};
    if (this.#standing?.kind !== 'direct' && this.#standing?.role === undefined) return { reload: true };
    this.stretch.put(message);
    return {};
  }

  /** Which messages can't be folded any further without asking. */
  #refold(events: readonly LogEvent[]): number[] {
    const unsure = new Set<number>();
    for (const event of events) {
      if (this.stretch.fold(event) === 'unsure' && 'of' in event.data) unsure.add(event.data.of);
    }
    return [...unsure];
  }

  message(offset: number): MessageView | undefined {
    return this.stretch.at(offset) ?? this.#newest.at(offset);
  }

  get read(): number {
    return this.#read;
  }

  /** Our own mark is there now. */
  markRead(offset: number, me: Person | undefined): Wants {
    if (me) this.#mark(me, { read: offset });
    if (offset <= this.#read) return {};
    this.#read = offset;
    return this.#uncount(offset) ? {} : { room: true };
  }

  /** What was counted up to `offset` is read. False when the server has to count again. */
  #uncount(offset: number): boolean {
    this.#since = this.#since.filter((one) => one.offset > offset);
    if (offset < this.#counted.offset) return this.#counted.unread === 0;
    this.#counted = { ...this.#counted, unread: 0, mentions: 0 };
    return true;
  }

  #recount(event: Extract<LogEvent, { type: 'edited' | 'deleted' }>, before: MessageView | undefined, me: Person | undefined, wants: Wants): void {
    const { of, offset } = event.data;
    if (!me || of <= this.#read) return;
    const one = this.#since.find((other) => other.offset === of);
    if (one) {
      if (event.type === 'edited') one.mention = names(event.data.content, me.name);
      else this.#since.splice(this.#since.indexOf(one), 1);
      return;
    }
    // Counted by the server after this had happened, or our own.
    if (of > this.#counted.offset || offset <= this.#counted.offset || this.#counted.unread === 0 || before?.by.id === me.id) return;
    // It names us as little, or as much, as before.
    if (event.type === 'edited' && before && names(before.content, me.name) === names(event.data.content, me.name)) return;
    wants.room = true;
  }

  /** Marks that somebody else, or we elsewhere, have set. */
  receipt(signal: ReceiptSignal, me: Person | undefined): Wants {
    if (signal.offset === undefined) {
      for (const id of signal.message_ids ?? []) this.#ticked(id, signal.kind);
      return {};
    }
    this.#mark(signal.user, { [signal.kind]: signal.offset });
    return signal.user.id === me?.id && signal.kind === 'read' ? this.markRead(signal.offset, me) : {};
  }

  setMembers(members: readonly Member[]): void {
    this.#members = new Map(members.map(({ user, role, status, muted }) => [user.id, { user, role, status, muted }]));
    for (const { user, read: seen, delivered } of members) {
      if (seen || delivered) this.#mark(user, { read: seen?.offset ?? 0, delivered: delivered?.offset ?? 0 });
    }
    this.#shown = {};
  }

  #mark(user: Person, raised: { readonly read?: number; readonly delivered?: number }): void {
    const before = this.#receipts.get(user.id);
    const seen = Math.max(before?.read ?? 0, raised.read ?? 0);
    // Who has read has got.
    const delivered = Math.max(before?.delivered ?? 0, raised.delivered ?? 0, seen);
    if (before && before.read === seen && before.delivered === delivered) return;
    this.#receipts.set(user.id, { user, read: seen, delivered });
    delete this.#shown.receipts;
  }

  #tick(page: readonly Message[]): void {
    for (const { message_id, delivered, read: seen } of page) {
      if (seen) this.#ticked(message_id, 'read');
      else if (delivered) this.#ticked(message_id, 'delivered');
    }
  }

  #ticked(messageId: string, kind: MarkKind): void {
    if (this.#ticks.get(messageId) !== 'read') this.#ticks.set(messageId, kind);
  }

  /** How far a message has got with anybody but its author. */
  tick(offset: number): MarkKind | undefined {
    const message = this.message(offset);
    if (!message) return undefined;
    let best = this.#ticks.get(message.message_id);
    for (const { user, read: seen, delivered } of this.#receipts.values()) {
      if (user.id === message.by.id) continue;
      if (seen >= offset) return 'read';
      if (delivered >= offset) best ??= 'delivered';
    }
    return best;
  }

  #member(event: MemberEvent, me: Person | undefined, wants: Wants): void {
    if (event.user_id === me?.id) this.#stand(event.offset, { role: event.role, muted: event.muted });
    if (!this.#members) return;
    const member = this.#members.get(event.user_id);
    // The event has no name, and the marks of someone who comes back are known to the server only.
    if (!member) wants.members = true;
    else this.#members.set(event.user_id, { user: member.user, role: event.role, status: event.status, muted: event.muted });
    delete this.#shown.members;
  }

  #stand(offset: number, changed: Partial<Standing>): void {
    this.#standingAt = Math.max(this.#standingAt, offset);
    if (this.#standing) this.#standing = { ...this.#standing, ...changed };
  }

  typing({ user, on }: TypingSignal, now: number): void {
    if (on) this.#typing.set(user.id, { user, until: now + TYPING_MS });
    else this.#typing.delete(user.id);
    delete this.#shown.typing;
  }

  /** When the next of them stops; undefined when nobody types. */
  get typingUntil(): number | undefined {
    return this.#typing.size === 0 ? undefined : Math.min(...[...this.#typing.values()].map(({ until }) => until));
  }

  /** Whether anybody has stopped. */
  expire(now: number): boolean {
    const before = this.#typing.size;
    for (const [id, { until }] of this.#typing) if (until <= now) this.#quiet(id);
    return this.#typing.size !== before;
  }

  #quiet(userId: string): void {
    if (this.#typing.delete(userId)) delete this.#shown.typing;
  }

  here(userId: string, is: boolean): void {
    if (is) this.#here.add(userId);
    else this.#here.delete(userId);
    delete this.#shown.here;
  }

  /** The connection has ended: what is true only while it lasts is not known any more. */
  offline(): void {
    this.#typing.clear();
    this.#here.clear();
    delete this.#shown.typing;
    delete this.#shown.here;
  }

  /** As it is shown; undefined while only events are known of it. */
  show(pending: readonly OutboxEntry[]): RoomView | undefined {
    if (!this.#standing) return undefined;
    const mentions = this.#since.reduce((count, { mention }) => count + Number(mention), this.#counted.mentions);
    // While a stretch is loaded, its end is the newest there is; it knows of deletions what a single message can't.
    const last = this.history === 'loaded' && this.stretch.last ? this.stretch.last : this.#newest.last;
    this.#shown.typing ??= [...this.#typing.values()];
    this.#shown.receipts ??= new Map(this.#receipts);
    this.#shown.here ??= new Set(this.#here);
    this.#shown.members ??= this.#members && new Map(this.#members);
    const { typing, receipts, here, members } = this.#shown;
    return {
      id: this.id,
      ...this.#standing,
      changed_at: this.#changedAt,
      head: this.#head,
      read: this.#read,
      unread: Math.min(this.#counted.unread + this.#since.length, COUNTED_MAX),
      mentions: Math.min(mentions, COUNTED_MAX),
      ...(last === undefined ? {} : { last }),
      messages: this.stretch.messages,
      history: this.history,
      hasOlder: this.hasOlder,
      loadingOlder: this.loadingOlder,
      pending,
      typing,
      receipts,
      here,
      ...(members === undefined ? {} : { members }),
    };
  }
}
