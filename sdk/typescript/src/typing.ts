// How often one says that one types: it may be called at each keystroke.

/** It is said again so often while it goes on; the server ends it after 5 s. */
const EVERY_MS = 3000;

export class Typing {
  readonly #say: (roomId: string, on: boolean) => void;
  /** When it was last said, by room; no more once its end was. */
  readonly #saidAt = new Map<string, number>();

  constructor(say: (roomId: string, on: boolean) => void) {
    this.#say = say;
  }

  is(roomId: string, on: boolean, now: number): void {
    const said = this.#saidAt.get(roomId);
    if (on && said !== undefined && now - said < EVERY_MS) return;
    if (on) this.#saidAt.set(roomId, now);
    else if (!this.#saidAt.delete(roomId)) return;
    this.#say(roomId, on);
  }

  /** A message ends it without a word. */
  ended(roomId: string): void {
    this.#saidAt.delete(roomId);
  }

  /** The connection has ended, and with it whatever was said. */
  forget(): void {
    this.#saidAt.clear();
  }
}
