// What a UI shows. Signatures first; the bodies follow.

import type { Change, Listener, MessageView, Person, RoomView } from './types.js';

export interface View {
  /** One's own rooms, the most recently active first. The same array until the list changes. */
  readonly rooms: readonly RoomView[];
  room(roomId: string): RoomView | undefined;
  /** The conversation with this user, once there is one. */
  direct(userId: string): RoomView | undefined;
  message(roomId: string, offset: number): MessageView | undefined;
  /** Everybody heard of, by number (reactions name people by it) or by id. */
  person(by: number | string): Person | undefined;
  /** By id. */
  readonly online: ReadonlyMap<string, Person>;

  /** Loads newest messages, members and receipts, and keeps them up to date from then on, over reconnects too. */
  open(roomId: string): Promise<RoomView>;
  /** Forgets the room's messages, to save memory. */
  shut(roomId: string): void;
  /** Puts up to `limit` (50) older messages in front. Resolves to whether there are still older ones. */
  loadOlder(roomId: string, limit?: number): Promise<boolean>;

  /** For `useSyncExternalStore` and the like: told when this room, or anything, has changed. Returns what ends it. */
  subscribe(listener: Listener<Change>): () => void;
  subscribe(roomId: string, listener: Listener<RoomView | undefined>): () => void;
}
