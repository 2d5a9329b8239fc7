// How far one has read in one room, told to the server. A list that is scrolled says it many times a second: it is asked
// for only what raises the mark, one call at a time, and the next one a moment later, with all that was seen meanwhile.

/** Between two marks. */
const EVERY_MS = 250;

export class ReadMark {
  /** The last message that was seen. */
  private upTo = 0;
  /** What is asked for just now, or was a moment ago. */
  private asked: number | undefined;
  private ended = false;

  /** `read`: where the mark is. `tell`: asks the server to raise it. */
  constructor(private readonly read: () => number, private readonly tell: (offset: number) => Promise<void>) {}

  /** It was on the screen. Called at each movement, so what fails is asked for again by the next one. */
  seen(offset: number): void {
    this.upTo = Math.max(this.upTo, offset);
    if (this.asked !== undefined || this.ended || this.upTo <= this.read()) return;
    const asked = this.upTo;
    this.asked = asked;
    const pause = new Promise((resolve) => { setTimeout(resolve, EVERY_MS); });
    void Promise.all([this.tell(asked).catch(() => undefined), pause]).then(() => {
      this.asked = undefined;
      if (this.upTo > asked) this.seen(this.upTo);
    });
  }

  /** One looks elsewhere: what was seen last is told at once. */
  end(): void {
    this.ended = true;
    if (this.asked !== undefined && this.upTo > this.asked) this.tell(this.upTo).catch(() => undefined);
  }
}
