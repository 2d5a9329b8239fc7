// Calls: asked until there is an answer that settles them, and one after the other where order matters.

import { waitMs } from './backoff.js';
import type { Connection } from './connection.js';
import { SwitchboardError } from './error.js';
import type { Backoff, Clock } from './types.js';

export interface CallsOptions {
  readonly clock: Clock;
  readonly backoff: Backoff;
  readonly random: () => number;
  /** How long a call may be tried. */
  readonly timeoutMs: number;
}

export class Calls {
  readonly #connection: Connection;
  readonly #options: CallsOptions;
  /** The last of the calls that have to happen one after the other, by what they are about. */
  readonly #lanes = new Map<string, Promise<unknown>>();

  constructor(connection: Connection, options: CallsOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Asks until there is an answer that settles it, within the time that a call has: doing any of it twice does no harm. */
  async ask<Answer>(type: string, data?: object): Promise<Answer> {
    const { clock, backoff, random, timeoutMs } = this.#options;
    const deadline = clock.now() + timeoutMs;
    for (let failures = 0; ; failures += 1) {
      try {
        return (await this.#connection.ask(type, data, true)) as Answer;
      } catch (error) {
        if (!(error instanceof SwitchboardError) || !error.retryable) throw error;
        const wait = error.retryAfterMs ?? waitMs(backoff, failures, random());
        if (clock.now() + wait > deadline) throw error;
        await new Promise<void>((resolve) => { clock.setTimeout(resolve, wait); });
      }
    }
  }

  /** One after the other where order matters: a call that is asked again must not come behind what was wanted after it. */
  inOrder<Answer>(lane: string, call: () => Promise<Answer>): Promise<Answer> {
    const before = this.#lanes.get(lane);
    const run = before ? before.then(call, call) : call();
    this.#lanes.set(lane, run);
    const done = () => { if (this.#lanes.get(lane) === run) this.#lanes.delete(lane); };
    run.then(done, done);
    return run;
  }
}
