// A clock whose hands the test turns, and a WebSocket with a server that does what the test says: for what a real server
// cannot be made to do at a given moment, such as losing an acknowledgement.

import type { Clock, Hello, Socket } from '../src/index.js';

export class HandClock implements Clock {
  #now = Date.UTC(2026, 10, 20);
  #next = 1;
  readonly #timers = new Map<number, { readonly at: number; readonly run: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, ms: number): unknown {
    const timer = this.#next++;
    this.#timers.set(timer, { at: this.#now + ms, run });
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  /** Timers fire in their order, each at its time, and what they cause is waited for. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at)[0];
      if (!due) break;
      this.#now = Math.max(this.#now, due[1].at);
      this.#timers.delete(due[0]);
      due[1].run();
    }
    this.#now = end;
    await settled();
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly data?: Record<string, unknown>;
}

export class DoubleSocket implements Socket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly url: string;
  readonly protocols: readonly string[];
  readonly heard: Frame[] = [];
  /** The code with which the client closed it. */
  closed: number | undefined;
  /** What answers; nothing is answered without one. */
  answer: ((frame: Frame, socket: DoubleSocket) => void) | undefined;

  constructor(url: string, protocols: readonly string[] = []) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string): void {
    const frame = JSON.parse(text) as Frame;
    this.heard.push(frame);
    this.answer?.(frame, this);
  }

  close(code?: number): void {
    this.closed = code ?? 1005;
  }

  open(): void {
    this.#tell(this.onopen, {});
  }

  say(frame: object): void {
    this.#tell(this.onmessage, { data: JSON.stringify(frame) });
  }

  sayText(data: string): void {
    this.#tell(this.onmessage, { data });
  }

  drop(code = 1006): void {
    this.#tell(this.onclose, { code, reason: '' });
  }

  of(type: string): readonly Frame[] {
    return this.heard.filter((frame) => frame.type === type);
  }

  #tell(listener: ((event: never) => void) | null, event: object): void {
    (listener as ((event: object) => void) | null)?.(event);
  }
}

/** Makes the sockets and keeps them. */
export function line(): { readonly WebSocket: new (url: string, protocols?: string[]) => Socket; readonly sockets: DoubleSocket[]; last(): DoubleSocket } {
  const sockets: DoubleSocket[] = [];
  class Kept extends DoubleSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  }
  return {
    WebSocket: Kept,
    sockets,
    last: () => {
      const last = sockets.at(-1);
      if (!last) throw new Error('nobody has connected');
      return last;
    },
  };
}

export const ALICE = { id: 'alice', number: 1, name: 'alice' };
export const BOB = { id: 'bob', number: 2, name: 'bob' };
export const LIFE = '00000000000000ab';

export function helloAnswer(id: string | undefined, more: Partial<Hello> = {}): object {
  const limits = { content_bytes: 65536, history: 200, heartbeat_ms: 25000 };
  return { type: 'hello', id, data: { version: 1, features: [], user: ALICE, limits, cursor: `${LIFE}.0`, resumed: false, ...more } };
}
