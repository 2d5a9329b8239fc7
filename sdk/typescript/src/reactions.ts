// What is put under a message: a set, in the order in which it was given, as the server folds it. Pure.
//
// The server shows emoji in the order of the oldest giver that each still has. A message that came with reactions doesn't
// say when each was given, only their order; where that is not enough to go on, `follow` says so and the message has to be
// asked for anew. What is heard as events has its offset, so that does not happen to messages heard from their beginning.

import type { Reaction, ReactionEvent } from './types.js';

/** So many emoji are shown under a message, and so many users with each, by the server. */
const REACTIONS_SHOWN_MAX = 50;
const REACTORS_SHOWN_MAX = 100;

interface Given {
  readonly user: number;
  /** Where it was given; undefined when it came with the message, which makes it older than all that have it. */
  readonly at: number | undefined;
  /** Its place among the oldest givers that came with the message; undefined for all but these. */
  rank: number | undefined;
}

interface Emoji {
  readonly emoji: string;
  readonly givers: Given[];
}

export class Reactions {
  /** In the order in which they are shown. */
  #emoji: Emoji[];
  /** There are more than are shown. */
  #cut: boolean;

  constructor(shown: readonly Reaction[]) {
    this.#emoji = shown.map(({ emoji, users }, rank) => ({
      emoji,
      givers: users.map((user, index) => ({ user, at: undefined, rank: index === 0 ? rank : undefined })),
    }));
    this.#cut = shown.length >= REACTIONS_SHOWN_MAX || shown.some(({ count, users }) => count > users.length);
  }

  /** False when it can't be told from here what is shown now. */
  follow({ emoji, on, by, offset }: Pick<ReactionEvent, 'emoji' | 'on' | 'by' | 'offset'>): boolean {
    if (this.#cut) return false;
    const one = this.#emoji.find((other) => other.emoji === emoji);
    const had = one?.givers.find(({ user }) => user === by.number);
    if (on) {
      if (had) {
        // Given once more, which changes nothing; or the very giving that the message came with, and this is its place.
        if (had.at === undefined && this.#emoji.reduce((count, { givers }) => count + givers.length, 0) > 1) return false;
      } else if (one) one.givers.push({ user: by.number, at: offset, rank: undefined });
      else this.#emoji.push({ emoji, givers: [{ user: by.number, at: offset, rank: undefined }] });
    } else if (one && had) {
      one.givers.splice(one.givers.indexOf(had), 1);
      if (one.givers.length === 0) this.#emoji.splice(this.#emoji.indexOf(one), 1);
    }
    if (one && !this.#ranked(one, had?.rank)) return false;
    this.#emoji.sort((first, second) => key(first) - key(second));
    return true;
  }

  /** Sees to it that the oldest giver has a place, which was `before`'s. False when there is no telling. */
  #ranked(one: Emoji, before: number | undefined): boolean {
    const oldest = one.givers[0];
    if (!oldest || oldest.at !== undefined || oldest.rank !== undefined) return true;
    const rank = before ?? -1;
    const behind = ({ givers: [other] }: Emoji) => other?.at === undefined && (other?.rank ?? Infinity) > rank;
    if (before === undefined || this.#emoji.some((other) => other !== one && behind(other))) return false;
    oldest.rank = before;
    return true;
  }

  get shown(): readonly Reaction[] {
    return this.#emoji.slice(0, REACTIONS_SHOWN_MAX).map(({ emoji, givers }) => ({
      emoji,
      count: givers.length,
      users: givers.slice(0, REACTORS_SHOWN_MAX).map(({ user }) => user),
    }));
  }
}

/** Ranks are few, offsets begin at 1: what came with the message stands before what was heard since. */
function key({ givers: [oldest] }: Emoji): number {
  return oldest?.at ?? (oldest?.rank ?? 0) - REACTIONS_SHOWN_MAX;
}
