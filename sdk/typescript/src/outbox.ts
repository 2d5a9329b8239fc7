// What was said and is not acknowledged. Each message gets its `client_id` and is kept in storage before it is sent, and is
// sent with the same id until there is an answer that settles it: the server stores it once however often it comes.
//
// In order per room: one of a room's messages is on its way at a time, the next when that is settled. With several, a
// refusal that comes for the first would let the second overtake it.
//
//   add --> sending --ack, or its echo--> gone
//              ^  |---lost, "try again"---> sending, again after a wait
//              |  `---any other refusal---> failed --discard--> gone
//              `------------retry-------------'

import { waitMs } from './backoff.js';
import { drawn } from './drawn.js';
import { SwitchboardError } from './error.js';
import type { Ack, Backoff, Clock, MessageEvent, OutboxChange, OutboxEntry, SendOptions, Storage, Target } from './types.js';

export interface OutboxOwner {
  /** One attempt. Rejects with a `SwitchboardError`. */
  send(entry: OutboxEntry): Promise<Ack>;
  /** The room of the conversation with this user, when there is one that is known. */
  directWith(userId: string): string | undefined;
  /** Told when it is done: the entry is there, or is there no more. */
  changed(change: OutboxChange): void;
  acked(entry: OutboxEntry, ack: Ack): void;
  problem(error: unknown): void;
}

interface Waiting {
  entry: OutboxEntry;
  /** Whose it is; empty while nobody knows. Another user of the same storage never sends it. */
  user: string;
  /** Ascending in the order in which they were said, over restarts too. */
  order: number;
  flying: boolean;
  kept: Promise<void>;
  resolve: (ack: Ack) => void;
  reject: (error: SwitchboardError) => void;
}

const PREFIX = 'outbox/';
const NONE: readonly OutboxEntry[] = [];

export class Outbox {
  readonly #storage: Storage;
  readonly #owner: OutboxOwner;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #random: () => number;
  #user = '';
  #waiting: Waiting[] = [];
  #shown: readonly OutboxEntry[] | undefined;
  /** What was given out of each room and conversation. */
  readonly #given = new Map<string, readonly OutboxEntry[]>();
  #open = false;
  /** Nothing is sent before this: the server asked for patience. */
  #pausedUntil = 0;
  #failures = 0;
  #timer: unknown;
  #order = 0;
  /** Writes happen one after the other, in the order in which they were wanted, whatever the storage does. */
  #writes: Promise<void> = Promise.resolve();

  constructor(storage: Storage, owner: OutboxOwner, clock: Clock, backoff: Backoff, random: () => number) {
    this.#storage = storage;
    this.#owner = owner;
    this.#clock = clock;
    this.#backoff = backoff;
    this.#random = random;
  }

  /** In the order in which they were said. The same array until something changes. */
  get entries(): readonly OutboxEntry[] {
    return (this.#shown ??= this.#waiting.map(({ entry }) => entry));
  }

  /** Those of this room or conversation. The same array until something in it changes. */
  of(target: Target): readonly OutboxEntry[] {
    const key = this.#lane(target);
    const entries = this.entries.filter((entry) => this.#lane(entry) === key);
    // Which room a conversation is may become known at any time, so what was given is compared, and not forgotten by a change.
    const given = this.#given.get(key) ?? NONE;
    if (entries.length === given.length && entries.every((entry, index) => entry === given[index])) return given;
    if (entries.length === 0) this.#given.delete(key);
    else this.#given.set(key, entries);
    return entries.length === 0 ? NONE : entries;
  }

  add(target: Target, content: string, options: SendOptions = {}): Promise<Ack> {
    const entry: OutboxEntry = {
      client_id: drawn(),
      ...target,
      content,
      ...(options.replyTo === undefined ? {} : { reply_to: options.replyTo }),
      ...(options.kind === undefined ? {} : { kind: options.kind }),
      at: new Date(this.#clock.now()).toISOString(),
      state: 'sending',
    };
    return this.#queue(entry);
  }

  /** A failed one once more, behind those that wait. */
  retry(clientId: string): void {
    const waiting = this.#find(clientId);
    if (waiting?.entry.state !== 'failed') return;
    const { code, ...entry } = waiting.entry;
    // Under the old id the server has other content for good.
    const client_id = code === 'client_id_reused' ? drawn() : entry.client_id;
    if (client_id !== entry.client_id) this.#unkeep(entry.client_id);
    waiting.entry = { ...entry, client_id, state: 'sending' };
    waiting.order = this.#nextOrder();
    this.#waiting = [...this.#waiting.filter((other) => other !== waiting), waiting];
    waiting.kept = this.#keep(waiting);
    this.#changed('waiting', waiting.entry);
    this.#pump();
  }

  discard(clientId: string): void {
    const waiting = this.#find(clientId);
    if (!waiting) return;
    this.#drop(waiting);
    this.#changed('gone', waiting.entry);
    waiting.reject(new SwitchboardError('discarded', 'the message was discarded'));
    this.#pump();
  }

  /** The user is known: what they left in storage is theirs to send, what somebody else left is not. */
  async load(user: string): Promise<void> {
    const before = this.#user;
    this.#user = user;
    for (const waiting of [...this.#waiting]) {
      if (waiting.user === '') {
        waiting.user = user;
        waiting.kept = this.#keep(waiting);
      } else if (waiting.user !== user) {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        this.#changed('gone', waiting.entry);
        waiting.reject(new SwitchboardError('closed', 'another user has come'));
      }
    }
    if (before === user) return;
    await this.#writes;
    const found = await this.#left(user);
    // Another one has come meanwhile, and this one may have come back.
    if (this.#user !== user) return;
    const left = found.filter(({ entry }) => !this.#find(entry.client_id));
    this.#waiting = [...this.#waiting, ...left].sort((one, other) => one.order - other.order);
    for (const { entry } of left) this.#changed('waiting', entry);
    this.#pump();
  }

  /** What this user left in storage. */
  async #left(user: string): Promise<Waiting[]> {
    const left: Waiting[] = [];
    try {
      for (const key of await this.#storage.keys(PREFIX)) {
        const found = parsed(await this.#storage.get(key));
        if (!found || (found.user !== user && found.user !== '') || this.#find(found.entry.client_id)) continue;
        this.#order = Math.max(this.#order, found.order);
        left.push({ ...found, user, flying: false, kept: Promise.resolve(), resolve: () => {}, reject: () => {} });
      }
    } catch (error) {
      this.#owner.problem(error);
    }
    return left;
  }

  /** There is a connection that is live. */
  resume(): void {
    this.#open = true;
    this.#pump();
  }

  /** There is none. What was on its way comes back as `disconnected`. */
  pause(): void {
    this.#open = false;
  }

  /** Our own message has come: that is as good as its acknowledgement, which may have been lost. */
  echoed(event: MessageEvent): void {
    if (event.client_id === undefined) return;
    const waiting = this.#find(event.client_id);
    if (!waiting) return;
    const { client_id, room_id, message_id, offset, seq, cursor, at } = event;
    this.#settled(waiting, { client_id, room_id, message_id, offset, seq, cursor, at, repeat: false });
  }

  /** Resolves when everything wanted is in storage. */
  written(): Promise<void> {
    return this.#writes;
  }

  #queue(entry: OutboxEntry): Promise<Ack> {
    const promise = new Promise<Ack>((resolve, reject) => {
      const waiting: Waiting = { entry, user: this.#user, order: this.#nextOrder(), flying: false, kept: Promise.resolve(), resolve, reject };
      this.#waiting.push(waiting);
      waiting.kept = this.#keep(waiting);
    });
    // Whoever looks at the outbox need not look at the promise.
    promise.catch(() => {});
    this.#changed('waiting', entry);
    this.#pump();
    return promise;
  }

  #pump(): void {
    if (!this.#open) return;
    const left = this.#pausedUntil - this.#clock.now();
    if (left > 0) {
      this.#clock.clearTimeout(this.#timer);
      this.#timer = this.#clock.setTimeout(() => this.#pump(), left);
      return;
    }
    const busy = new Set<string>();
    for (const waiting of this.#waiting) {
      if (waiting.entry.state === 'failed') continue;
      const lane = this.#lane(waiting.entry);
      if (busy.has(lane)) continue;
      busy.add(lane);
      if (!waiting.flying) void this.#fly(waiting);
    }
  }

  async #fly(waiting: Waiting): Promise<void> {
    waiting.flying = true;
    try {
      await waiting.kept;
      if (!this.#open || !this.#waiting.includes(waiting)) return;
      const ack = await this.#owner.send(waiting.entry);
      this.#failures = 0;
      if (this.#waiting.includes(waiting)) this.#settled(waiting, ack);
    } catch (error) {
      this.#refused(waiting, error instanceof SwitchboardError ? error : new SwitchboardError('invalid', String(error)));
    } finally {
      waiting.flying = false;
      this.#pump();
    }
  }

  #refused(waiting: Waiting, error: SwitchboardError): void {
    if (!this.#waiting.includes(waiting)) return;
    if (error.code === 'disconnected' || error.code === 'timeout' || error.code === 'closed') return;
    if (error.retryable) {
      const wait = error.retryAfterMs ?? waitMs(this.#backoff, this.#failures, this.#random());
      this.#failures += 1;
      this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + wait);
      return;
    }
    waiting.entry = { ...waiting.entry, state: 'failed', code: error.code };
    waiting.kept = this.#keep(waiting);
    this.#changed('failed', waiting.entry);
    waiting.reject(error);
  }

  #settled(waiting: Waiting, ack: Ack): void {
    this.#drop(waiting);
    this.#owner.acked(waiting.entry, ack);
    // Only now the room of a conversation that was made by it is known.
    this.#changed('sent', waiting.entry);
    waiting.resolve(ack);
    this.#pump();
  }

  #drop(waiting: Waiting): void {
    this.#waiting = this.#waiting.filter((other) => other !== waiting);
    this.#shown = undefined;
    this.#unkeep(waiting.entry.client_id);
  }

  #find(clientId: string): Waiting | undefined {
    return this.#waiting.find(({ entry }) => entry.client_id === clientId);
  }

  #lane(target: Addressed): string {
    const room = this.#roomOf(target);
    return room === undefined ? `to:${target.to}` : `room:${room}`;
  }

  #roomOf({ room_id, to }: Addressed): string | undefined {
    return room_id ?? (to === undefined ? undefined : this.#owner.directWith(to));
  }

  #changed(what: OutboxChange['what'], entry: OutboxEntry): void {
    this.#shown = undefined;
    const roomId = this.#roomOf(entry);
    this.#owner.changed({ what, entry, ...(roomId === undefined ? {} : { room_id: roomId }) });
  }

  #nextOrder(): number {
    // The clock keeps it ascending over restarts that found nothing in storage to go on from.
    this.#order = Math.max(this.#order + 1, this.#clock.now() * 1000);
    return this.#order;
  }

  #keep({ entry, user, order }: Waiting): Promise<void> {
    const kept: Kept = { entry, user, order };
    return this.#write(() => this.#storage.set(PREFIX + entry.client_id, JSON.stringify(kept)));
  }

  #unkeep(clientId: string): void {
    void this.#write(() => this.#storage.remove(PREFIX + clientId));
  }

  /** A storage that is full or forbidden is told of, and does not keep a message from being sent. */
  #write(write: () => void | Promise<void>): Promise<void> {
    this.#writes = this.#writes.then(write).catch((error: unknown) => this.#owner.problem(error));
    return this.#writes;
  }
}

/** A target, or what has one. */
type Addressed = Pick<OutboxEntry, 'room_id' | 'to'>;

interface Kept {
  readonly entry: OutboxEntry;
  readonly user: string;
  readonly order: number;
}

/** What was kept; undefined for what an other version, or somebody else, has left there. */
function parsed(text: string | null): Kept | undefined {
  if (text === null) return undefined;
  try {
    const kept = JSON.parse(text) as Kept;
    const { entry } = kept;
    const addressed = typeof (entry.room_id ?? entry.to) === 'string';
    return addressed && typeof entry.client_id === 'string' && typeof entry.content === 'string' ? kept : undefined;
  } catch {
    return undefined;
  }
}
