// Pages of history, put into a room's stretch together with what happened while they were on their way: an answer may have it
// or not, and folding it twice does no harm.

import type { RoomState } from './room.js';
import type { History, HistoryOptions, LogEvent, Person } from './types.js';

/** Messages of a page. */
export const PAGE = 50;

export interface PagesOwner {
  history(roomId: string, options: HistoryOptions): Promise<History>;
  /** Whether this is still what the view has of the room. */
  isOurs(state: RoomState): boolean;
  meet(person: Person): void;
  touch(roomId: string, list?: boolean): void;
  /** Does it a little later, once however often it is wanted. */
  soon(key: string, what: () => Promise<void>): void;
}

export class Pages {
  readonly #owner: PagesOwner;
  readonly #newest = new Map<RoomState, Promise<void>>();
  readonly #older = new Map<RoomState, Promise<boolean>>();

  constructor(owner: PagesOwner) {
    this.#owner = owner;
  }

  /** Loads the newest page, when nothing is loaded. */
  newest(state: RoomState): Promise<void> {
    if (state.history === 'loaded') return Promise.resolve();
    let loading = this.#newest.get(state);
    if (!loading) {
      loading = this.#loadNewest(state).finally(() => this.#newest.delete(state));
      this.#newest.set(state, loading);
    }
    return loading;
  }

  /** Puts a page in front. Resolves to whether there are still older ones. */
  older(state: RoomState, limit: number): Promise<boolean> {
    const { first } = state.stretch;
    if (!state.hasOlder || !first) return Promise.resolve(false);
    let loading = this.#older.get(state);
    if (!loading) {
      loading = this.#loadBefore(state, first.offset, limit).finally(() => this.#older.delete(state));
      this.#older.set(state, loading);
    }
    return loading;
  }

  /** Asks for these messages as they are now. */
  again(state: RoomState, offsets: readonly number[]): void {
    for (const offset of offsets) this.#owner.soon(`message ${state.id} ${offset}`, () => this.#reload(state, offset));
  }

  async #loadNewest(state: RoomState): Promise<void> {
    while (this.#owner.isOurs(state) && state.opened) {
      const { era } = state;
      state.history = 'loading';
      this.#owner.touch(state.id);
      const page = await this.#collected(state, () => this.#owner.history(state.id, { limit: PAGE })).catch((error: unknown) => {
        if (state.era !== era) return undefined; // Refused to who was out then, and is in again.
        state.history = 'none';
        this.#owner.touch(state.id);
        throw error;
      });
      if (!page || state.era !== era) continue; // It was thrown away meanwhile.
      const { answer, since } = page;
      this.#met(answer);
      this.again(state, state.load(answer.messages, since, answer.messages.length > 0 && answer.messages.length < answer.total));
      this.#owner.touch(state.id, true);
      return;
    }
  }

  async #loadBefore(state: RoomState, before: number, limit: number): Promise<boolean> {
    const { era } = state;
    state.loadingOlder = true;
    this.#owner.touch(state.id);
    try {
      const { answer, since } = await this.#collected(state, () => this.#owner.history(state.id, { before, limit }));
      if (state.era !== era) return state.hasOlder;
      this.#met(answer);
      const more = answer.messages.length > 0 && state.stretch.size + answer.messages.length < answer.total;
      this.again(state, state.loadBefore(answer.messages, since, more));
      return more;
    } finally {
      if (state.era === era) state.loadingOlder = false;
      this.#owner.touch(state.id);
    }
  }

  async #reload(state: RoomState, offset: number): Promise<void> {
    const { era } = state;
    const { answer, since } = await this.#collected(state, () => this.#owner.history(state.id, { after: offset - 1, limit: 1 }));
    if (state.era !== era) return;
    const [message] = answer.messages;
    this.again(state, state.reload(offset, message?.offset === offset ? message : undefined, since));
    this.#owner.touch(state.id, true);
  }

  /** An answer, and what happened in the room while it was on its way: it may be in the answer or not. */
  async #collected(state: RoomState, ask: () => Promise<History>): Promise<{ readonly answer: History; readonly since: readonly LogEvent[] }> {
    const since: LogEvent[] = [];
    state.collectors.add(since);
    try {
      return { answer: await ask(), since };
    } finally {
      state.collectors.delete(since);
    }
  }

  #met(history: History): void {
    for (const { by } of history.messages) this.#owner.meet(by);
  }
}
