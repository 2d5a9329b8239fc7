// Whose the last connection was and up to where in the log everything was told: the cursor, in memory and in storage.

import type { Clock, Storage } from './types.js';

/** So often it is written: what is a second old is told once more after a restart, which is better than never. */
const WRITE_MS = 1000;
const KEY = 'place';

export class Place {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #keep: boolean;
  readonly #problem: (error: unknown) => void;
  #user: string | undefined;
  #cursor: string | undefined;
  #timer: unknown;
  #loaded: Promise<void> | undefined;
  #writes: Promise<void> = Promise.resolve();

  constructor(storage: Storage, clock: Clock, keep: boolean, problem: (error: unknown) => void) {
    this.#storage = storage;
    this.#clock = clock;
    this.#keep = keep;
    this.#problem = problem;
  }

  get user(): string | undefined {
    return this.#user;
  }

  get cursor(): string | undefined {
    return this.#cursor;
  }

  load(): Promise<void> {
    this.#loaded ??= this.#read();
    return this.#loaded;
  }

  /** Everything up to here has been told. */
  move(cursor: string): void {
    this.#cursor = cursor;
    this.#timer ??= this.#clock.setTimeout(() => void this.write(), WRITE_MS);
  }

  belongsTo(user: string): void {
    if (this.#user === user) return;
    this.#user = user;
    void this.write();
  }

  write(): Promise<void> {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const kept: Kept = { ...(this.#user === undefined ? {} : { user: this.#user }), ...(this.#keep && this.#cursor !== undefined ? { cursor: this.#cursor } : {}) };
    this.#writes = this.#writes.then(() => this.#storage.set(KEY, JSON.stringify(kept))).catch(this.#problem);
    return this.#writes;
  }

  async #read(): Promise<void> {
    try {
      const text = await this.#storage.get(KEY);
      if (text === null) return;
      const { user, cursor } = JSON.parse(text) as Kept;
      if (typeof user === 'string') this.#user = user;
      if (this.#keep && typeof cursor === 'string') this.#cursor = cursor;
    } catch (error) {
      // As if nothing had been kept: everything is loaded anew.
      this.#problem(error);
    }
  }
}

interface Kept {
  readonly user?: string;
  readonly cursor?: string;
}
