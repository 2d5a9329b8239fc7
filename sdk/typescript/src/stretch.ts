// A contiguous stretch of a room's messages, sorted by offset, into which events are folded. Pure: no clock, no server.
//
// Messages are never changed in place: whatever changes is a new object, so that a UI compares with `===`.

import { Reactions } from './reactions.js';
import type { LogEvent, Message, MessageEvent, MessageView, Reaction, ReactionEvent } from './types.js';

/** What a fold did. `unsure`: which reactions the message shows now has to be asked (see reactions.ts). */
export type Folded = 'nothing' | 'changed' | 'unsure';

const NONE: readonly Reaction[] = [];

export class Stretch {
  #messages: MessageView[] = [];
  #shown: readonly MessageView[] | undefined;
  /** Of those messages whose reactions have changed since they came. */
  readonly #reactions = new Map<number, Reactions>();

  /** Oldest first. The same array until something changes; never changed after it was given out. */
  get messages(): readonly MessageView[] {
    return (this.#shown ??= this.#messages.slice());
  }

  get size(): number {
    return this.#messages.length;
  }

  get first(): MessageView | undefined {
    return this.#messages[0];
  }

  get last(): MessageView | undefined {
    return this.#messages.at(-1);
  }

  at(offset: number): MessageView | undefined {
    const message = this.#messages[this.#place(offset)];
    return message?.offset === offset ? message : undefined;
  }

  /** How many there are above `offset` that count. */
  countAbove(offset: number, counts: (message: MessageView) => boolean): number {
    let count = 0;
    for (let index = this.#place(offset + 1); index < this.#messages.length; index += 1) {
      if (counts(this.#messages[index] as MessageView)) count += 1;
    }
    return count;
  }

  /** Puts a message in its place. One that is there already stays as it is: it may have been edited since. */
  put(message: MessageView): boolean {
    const place = this.#place(message.offset);
    if (this.#messages[place]?.offset === message.offset) return false;
    if (place === this.#messages.length) this.#messages.push(message);
    else this.#messages.splice(place, 0, message);
    this.#shown = undefined;
    return true;
  }

  /** A page that lies before everything that is here; what of it is here already stays as it is. */
  putBefore(page: readonly MessageView[]): void {
    const first = this.first?.offset ?? Infinity;
    this.#messages = [...page.filter((message) => message.offset < first), ...this.#messages];
    this.#shown = undefined;
  }

  /** A message as the server has it now, in place of what is here. */
  replace(message: MessageView): void {
    this.#reactions.delete(message.offset);
    this.#set(message);
  }

  #set(message: MessageView): void {
    const place = this.#place(message.offset);
    if (this.#messages[place]?.offset !== message.offset) return;
    this.#messages[place] = message;
    this.#shown = undefined;
  }

  remove(offset: number): boolean {
    const place = this.#place(offset);
    if (this.#messages[place]?.offset !== offset) return false;
    this.#messages.splice(place, 1);
    this.#reactions.delete(offset);
    this.#shown = undefined;
    return true;
  }

  /** Folds what happened to a message that is here; what happened to others is nothing. */
  fold(event: LogEvent): Folded {
    switch (event.type) {
      case 'message':
        return this.put(said(event.data)) ? 'changed' : 'nothing';
      case 'edited':
        return this.#change(event.data.of, (message) => ({ ...message, content: event.data.content, edited_at: event.data.at }));
      case 'deleted':
        return this.remove(event.data.of) ? 'changed' : 'nothing';
      case 'reaction':
        return this.#react(event.data);
      case 'room_made':
      case 'retitled':
      case 'member':
      case 'removed':
      case 'notice':
        return 'nothing';
    }
  }

  #react(event: ReactionEvent): Folded {
    const message = this.at(event.of);
    if (!message) return 'nothing';
    let reactions = this.#reactions.get(event.of);
    if (!reactions) this.#reactions.set(event.of, (reactions = new Reactions(message.reactions)));
    if (!reactions.follow(event)) return 'unsure';
    const { shown } = reactions;
    return this.#change(event.of, (before) => ({ ...before, reactions: shown }));
  }

  #change(offset: number, change: (message: MessageView) => MessageView): Folded {
    const before = this.at(offset);
    if (!before) return 'nothing';
    this.#set(change(before));
    return 'changed';
  }

  /** Where `offset` is, or would be. New messages come at the end, so that is looked at first. */
  #place(offset: number): number {
    const last = this.#messages.at(-1);
    if (!last || last.offset < offset) return this.#messages.length;
    let low = 0;
    let high = this.#messages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#messages[middle] as MessageView).offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A message as an event says it. */
export function said(event: MessageEvent): MessageView {
  return {
    message_id: event.message_id,
    room_id: event.room_id,
    offset: event.offset,
    seq: event.seq,
    at: event.at,
    by: event.by,
    kind: event.kind,
    content: event.content,
    ...(event.reply_to === undefined ? {} : { reply_to: event.reply_to }),
    reactions: NONE,
  };
}

/** A message as the server has it now. */
export function read(message: Message): MessageView {
  return {
    ...said({ ...message, cursor: message.cursor ?? '' }),
    ...(message.edited_at === undefined ? {} : { edited_at: message.edited_at }),
    reactions: message.reactions ?? NONE,
  };
}
