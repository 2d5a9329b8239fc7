// What is typed and not sent, by room: there again when one comes back to it, or when it had to be loaded anew meanwhile.
// A conversation of two goes by the other one, so that what was typed before there was any is in it when there is.

import type { MessageView, RoomView } from 'switchboard-client';

/** The message that what is typed answers, or takes the place of. */
export interface Target {
  readonly how: 'reply' | 'edit';
  readonly message: MessageView;
}

export interface Draft {
  /** Of a message. */
  text: string;
  target: Target | undefined;
  /** Of edits, by message, beside the message that was begun before them. */
  readonly edits: Map<string, string>;
}

const DRAFTS = new Map<string, Draft>();

/** Of this user: another one in the same tab has their own. */
export function draftOf(me: string, where: RoomView | { readonly userId: string }): Draft {
  const other = 'userId' in where ? where.userId : where.with?.id;
  const key = JSON.stringify(other === undefined && 'id' in where ? [me, 'room', where.id] : [me, 'user', other]);
  const draft = DRAFTS.get(key) ?? { text: '', target: undefined, edits: new Map() };
  DRAFTS.set(key, draft);
  return draft;
}
