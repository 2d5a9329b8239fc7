// Tells of changes to the view: many at once, and at most every so often, so that ten thousand messages that are caught up
// with cost a UI a few renderings.

import type { Change, Clock, Listener, RoomView } from './types.js';

export class Notifier {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #room: (roomId: string) => RoomView | undefined;
  readonly #thrown: (error: unknown) => void;
  readonly #all = new Set<Listener<Change>>();
  readonly #single = new Map<string, Set<Listener<RoomView | undefined>>>();
  #rooms = new Set<string>();
  #list = false;
  #online = false;
  #timer: unknown;
  #toldAt = -Infinity;

  constructor(clock: Clock, everyMs: number, room: (roomId: string) => RoomView | undefined, thrown: (error: unknown) => void) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#room = room;
    this.#thrown = thrown;
  }

  subscribe(listener: Listener<Change>): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  subscribeRoom(roomId: string, listener: Listener<RoomView | undefined>): () => void {
    const listeners = this.#single.get(roomId) ?? new Set();
    this.#single.set(roomId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#single.get(roomId) === listeners) this.#single.delete(roomId);
    };
  }

  touch({ room, list = false, online = false }: { readonly room?: string; readonly list?: boolean; readonly online?: boolean }): void {
    if (room !== undefined) this.#rooms.add(room);
    this.#list ||= list;
    this.#online ||= online;
    this.#timer ??= this.#clock.setTimeout(() => this.#tell(), Math.max(0, this.#toldAt + this.#everyMs - this.#clock.now()));
  }

  #tell(): void {
    const change: Change = { rooms: this.#rooms, list: this.#list, online: this.#online };
    this.#timer = undefined;
    this.#toldAt = this.#clock.now();
    this.#rooms = new Set();
    this.#list = false;
    this.#online = false;
    for (const roomId of change.rooms) {
      for (const listener of [...(this.#single.get(roomId) ?? [])]) this.#call(listener, this.#room(roomId));
    }
    for (const listener of [...this.#all]) this.#call(listener, change);
  }

  #call<Payload>(listener: Listener<Payload>, payload: Payload): void {
    try {
      listener(payload);
    } catch (error) {
      this.#thrown(error);
    }
  }
}
