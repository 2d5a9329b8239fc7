// The socket: comes back, says hello, watches for signs of life, matches answers with what was asked. Knows frames, and
// nothing of what they mean; that is the client's.
//
//   closed --open--> connecting --hello answered--> catching-up --live--> live
//                        ^  \________________________|___________________/
//                        |                  #lost | a 60 s silence
//                        `------ waiting <--------'          anything --close--> closed

import { waitMs } from './backoff.js';
import { SwitchboardError } from './error.js';
import { address, endsAt } from './token.js';
import type { Backoff, Clock, Hello, LogEventName, SignalName, Socket, SocketConstructor, Status, StatusChange } from './types.js';

/** Calls in flight at once. More wait here: the server closes on whoever asks too much at once. */
const IN_FLIGHT_MAX = 32;
/** A token is renewed so long before it ends, or at half of its time when it is that short. */
const RENEW_BEFORE_MS = 60_000;
/** What a timer takes; longer ones would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface ConnectionOptions {
  readonly url: string;
  readonly token: string | (() => string | Promise<string>);
  readonly WebSocket: SocketConstructor;
  readonly backoff: Backoff;
  readonly silenceMs: number;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Whom the connection tells. */
export interface ConnectionOwner {
  /** The cursor to resume from. */
  cursor(): string | undefined;
  /** `asked`: with a cursor. */
  hello(hello: Hello, asked: boolean): void;
  live(cursor: string): void;
  heartbeat(cursor: string): void;
  happened(name: LogEventName | SignalName, data: unknown): void;
  status(change: StatusChange): void;
  problem(error: unknown): void;
}

interface Call {
  readonly type: string;
  readonly data: object | undefined;
  /** Asked again on the next connection when this one ends before the answer. */
  readonly again: boolean;
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: SwitchboardError) => void;
  readonly timer: unknown;
}

const HAPPENINGS: ReadonlySet<string> = new Set<LogEventName | SignalName>([
  'message', 'edited', 'deleted', 'reaction', 'room_made', 'retitled', 'member', 'removed', 'notice', 'typing', 'here', 'presence', 'receipt',
]);

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #owner: ConnectionOwner;
  #status: Status = 'closed';
  #socket: Socket | undefined;
  /** Counted up whenever a socket is given up: what still comes from an old one is not listened to. */
  #era = 0;
  #token: string | (() => string | Promise<string>);
  #failures = 0;
  #liveSince: number | undefined;
  #heardAt = 0;
  #watch: unknown;
  #retry: unknown;
  #renewal: unknown;
  #nextId = 1;
  #helloId = '';
  #resuming = false;
  readonly #flying = new Map<string, Call>();
  #waiting: Call[] = [];

  constructor(options: ConnectionOptions, owner: ConnectionOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#token = options.token;
  }

  get status(): Status {
    return this.#status;
  }

  /** Connects; when it is waiting to, at once. */
  open(): void {
    if (this.#status !== 'closed' && this.#status !== 'waiting') return;
    this.#options.clock.clearTimeout(this.#retry);
    if (this.#status === 'closed') this.#failures = 0;
    void this.#connect();
  }

  close(reason = 'closed by us', closeCode?: number): void {
    if (this.#status === 'closed') return;
    this.#options.clock.clearTimeout(this.#retry);
    this.#drop(1000);
    this.#turn({ status: 'closed', reason, ...(closeCode === undefined ? {} : { closeCode }) });
    const calls = [...this.#flying.values(), ...this.#waiting];
    this.#flying.clear();
    this.#waiting = [];
    for (const call of calls) this.#fail(call, new SwitchboardError('closed', reason));
  }

  /** Asks once it is connected. With `again` also on the next connection when this one ends before the answer. */
  ask(type: string, data: object | undefined, again: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#status === 'closed') {
        reject(new SwitchboardError('closed', `not connected: ${type}`));
        return;
      }
      const timer = this.#options.clock.setTimeout(() => {
        this.#forget(call);
        reject(new SwitchboardError('timeout', `no answer in time: ${type}`));
      }, this.#options.requestTimeoutMs);
      const call: Call = { type, data, again, resolve, reject, timer };
      this.#waiting.push(call);
      this.#flush();
    });
  }

  /** Says what has no answer, now or never. */
  say(type: string, data: object): void {
    if (this.#ready) this.#write({ type, data });
  }

  /** What waits to be asked, or asked again, and means something else by now. */
  giveUp(type: string): void {
    const calls = this.#waiting.filter((call) => call.type === type);
    this.#waiting = this.#waiting.filter((call) => call.type !== type);
    for (const call of calls) this.#fail(call, new SwitchboardError('disconnected', `it was of a log that was replaced: ${type}`));
  }

  /** A token to use from now on, on the next connection too. */
  replaceToken(token: string): void {
    if (typeof this.#token === 'string') this.#token = token;
    this.#renewBefore(token);
  }

  get #ready(): boolean {
    return this.#status === 'catching-up' || this.#status === 'live';
  }

  #turn(change: StatusChange): void {
    this.#status = change.status;
    this.#owner.status(change);
  }

  async #connect(): Promise<void> {
    const era = ++this.#era;
    this.#turn({ status: 'connecting' });
    if (this.#gone(era)) return; // A listener has closed it.
    this.#heardAt = this.#options.clock.now();
    this.#watchFor(era);
    try {
      const token = typeof this.#token === 'string' ? this.#token : await this.#token();
      if (this.#gone(era)) return;
      const { url, protocols } = address(this.#options.url, token);
      const socket = new this.#options.WebSocket(url, protocols);
      this.#socket = socket;
      let trouble = '';
      socket.onopen = () => { if (!this.#gone(era)) this.#hello(token); };
      socket.onmessage = (event: { readonly data: unknown }) => { if (!this.#gone(era)) this.#heard(event.data); };
      socket.onerror = (event: { readonly message?: unknown }) => { trouble = String(event.message ?? ''); };
      socket.onclose = (event: { readonly code: number; readonly reason: string }) => {
        if (!this.#gone(era)) this.#lost(event.reason || trouble || `closed with ${event.code}`, event.code);
      };
    } catch (error) {
      // No token, or an address that is none: a token server may be down for a while, so this is tried again too.
      this.#owner.problem(error);
      if (!this.#gone(era)) this.#lost(String(error));
    }
  }

  #gone(era: number): boolean {
    return era !== this.#era;
  }

  #hello(token: string): void {
    const cursor = this.#owner.cursor();
    this.#resuming = cursor !== undefined;
    this.#helloId = String(this.#nextId++);
    this.#write({ type: 'hello', id: this.#helloId, data: { version: 1, ...(cursor === undefined ? {} : { resume: cursor }) } });
    this.#renewBefore(token);
  }

  /** Gives the socket up, whatever it still says. */
  #drop(code: number): void {
    this.#era += 1;
    const { clock } = this.#options;
    clock.clearTimeout(this.#watch);
    clock.clearTimeout(this.#renewal);
    try {
      this.#socket?.close(code);
    } catch {
      // A socket that can't be closed is gone all the same.
    }
    this.#socket = undefined;
  }

  /** The connection has ended, or is taken for ended: what may be asked again is, the rest fails, and we come back. */
  #lost(reason: string, closeCode?: number): void {
    const { backoff, clock, random } = this.#options;
    this.#drop(closeCode === undefined ? 4000 : 1000);
    const ended = closeCode === 4401 && typeof this.#token === 'string';
    if (ended) return this.close('the token has ended', closeCode);
    // A server that lets us in only to close again is not asked every half second.
    const wait = waitMs(backoff, this.#failures, random());
    const held = this.#liveSince !== undefined && clock.now() - this.#liveSince > wait;
    this.#failures = held ? 0 : this.#failures + 1;
    this.#liveSince = undefined;
    const retryInMs = held ? waitMs(backoff, 0, random()) : wait;
    const calls = [...this.#flying.values()];
    this.#flying.clear();
    this.#waiting = [...calls.filter((call) => call.again), ...this.#waiting];
    this.#retry = clock.setTimeout(() => { void this.#connect(); }, retryInMs);
    this.#turn({ status: 'waiting', retryInMs, reason, ...(closeCode === undefined ? {} : { closeCode }) });
    for (const call of calls) {
      if (!call.again) this.#fail(call, new SwitchboardError('disconnected', `the connection ended before the answer: ${call.type}`));
    }
  }

  /** One timer, set again only when it fires: frames are many, silences few. */
  #watchFor(era: number): void {
    const { clock, silenceMs } = this.#options;
    const left = this.#heardAt + silenceMs - clock.now();
    this.#watch = clock.setTimeout(() => {
      if (this.#gone(era)) return;
      if (clock.now() - this.#heardAt >= silenceMs) this.#lost('no sign of life');
      else this.#watchFor(era);
    }, Math.max(left, 0));
  }

  #heard(text: unknown): void {
    this.#heardAt = this.#options.clock.now();
    let frame: { readonly type?: unknown; readonly id?: unknown; readonly data?: unknown };
    try {
      frame = JSON.parse(String(text)) as typeof frame;
      if (typeof frame !== 'object' || frame === null) throw new SyntaxError('no object');
    } catch (error) {
      // What it was can't be known, so it may have been an event: the cursor brings it again.
      this.#owner.problem(error);
      this.#lost('a frame that is no JSON');
      return;
    }
    const type = String(frame.type);
    if (frame.id !== undefined) this.#answered(String(frame.id), type, frame.data);
    else if (HAPPENINGS.has(type)) this.#owner.happened(type as LogEventName | SignalName, frame.data);
    else if (type === 'heartbeat') this.#owner.heartbeat((frame.data as { cursor: string }).cursor);
    else if (type === 'live') this.#isLive((frame.data as { cursor: string }).cursor);
    else if (type === 'error') this.#owner.problem(refusal(frame.data));
    // Anything else is newer than we are.
  }

  #isLive(cursor: string): void {
    this.#owner.live(cursor);
    // Said again when we had fallen behind and have caught up.
    if (this.#status === 'live') return;
    this.#liveSince = this.#options.clock.now();
    this.#turn({ status: 'live' });
  }

  #answered(id: string, type: string, data: unknown): void {
    if (id === this.#helloId) {
      this.#helloId = '';
      if (type === 'error') this.#unwelcome(refusal(data));
      else this.#welcome(data as Hello);
      return;
    }
    const call = this.#flying.get(id);
    if (!call) return; // Its time was over.
    this.#flying.delete(id);
    this.#options.clock.clearTimeout(call.timer);
    if (type === 'error') call.reject(refusal(data));
    else call.resolve(data);
    this.#flush();
  }

  #welcome(hello: Hello): void {
    this.#owner.hello(hello, this.#resuming);
    this.#turn({ status: 'catching-up' });
    this.#flush();
  }

  #unwelcome(error: SwitchboardError): void {
    // "try again" is for later; anything else would be said again.
    if (error.retryable) this.#lost(`${error.code}: ${error.message}`);
    else this.close(`${error.code}: ${error.message}`);
  }

  #flush(): void {
    while (this.#ready && this.#flying.size < IN_FLIGHT_MAX) {
      const call = this.#waiting.shift();
      if (!call) return;
      const id = String(this.#nextId++);
      this.#flying.set(id, call);
      this.#write({ type: call.type, id, ...(call.data === undefined ? {} : { data: call.data }) });
    }
  }

  #write(frame: object): void {
    try {
      this.#socket?.send(JSON.stringify(frame));
    } catch (error) {
      // The socket is closing; its `onclose` is about to say so.
      this.#owner.problem(error);
    }
  }

  #forget(call: Call): void {
    this.#waiting = this.#waiting.filter((other) => other !== call);
    for (const [id, other] of this.#flying) if (other === call) this.#flying.delete(id);
    this.#flush();
  }

  #fail(call: Call, error: SwitchboardError): void {
    this.#options.clock.clearTimeout(call.timer);
    call.reject(error);
  }

  /** Gets a new token before this one ends; when that fails, 4401 does it the hard way. */
  #renewBefore(token: string): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#renewal);
    const source = this.#token;
    const ends = endsAt(token);
    if (typeof source === 'string' || ends === undefined) return;
    const left = ends - clock.now();
    if (left <= 0) return;
    const era = this.#era;
    this.#renewal = clock.setTimeout(() => {
      const renew = async () => {
        const fresh = await source();
        if (this.#gone(era) || endsAt(fresh) === ends) return;
        await this.ask('auth', { token: fresh }, false);
        if (!this.#gone(era)) this.#renewBefore(fresh);
      };
      renew().catch((error: unknown) => this.#owner.problem(error));
    }, Math.min(left - Math.min(RENEW_BEFORE_MS, left / 2), TIMER_MAX_MS));
  }
}

function refusal(data: unknown): SwitchboardError {
  const { code, message, retry_after_ms: after } = (data ?? {}) as { code?: unknown; message?: unknown; retry_after_ms?: unknown };
  return new SwitchboardError(String(code), String(message ?? code), typeof after === 'number' ? after : undefined);
}
