// What goes over the wire, field for field and in the wire's own words (snake_case). Keys that are not named here may come
// too: the protocol says to expect new ones.

export interface Person {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly email?: string;
}

export interface Mark {
  readonly offset: number;
  readonly at: string;
}

export type RoomKind = 'public' | 'private' | 'guild' | 'direct';
export type Role = 'owner' | 'moderator' | 'member';
export type MessageKind = 'text' | 'system' | 'broadcast';
export type MemberStatus = 'active' | 'inactive' | 'blocked';
export type MarkKind = 'read' | 'delivered';

export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** The `number`s of the first 100 who gave it. */
  readonly users: readonly number[];
}

export interface Message {
  readonly message_id: string;
  readonly room_id: string;
  readonly offset: number;
  readonly seq: number;
  readonly cursor?: string;
  readonly at: string;
  readonly by: Person;
  readonly kind: MessageKind;
  readonly content: string;
  readonly reply_to?: string;
  readonly edited_at?: string;
  readonly reactions?: readonly Reaction[];
  readonly delivered?: boolean;
  readonly read?: boolean;
  /** On one's own connections only. */
  readonly client_id?: string;
}

export interface Room {
  readonly id: string;
  readonly title: string;
  readonly kind: RoomKind;
  /** Absent in conversations of two. */
  readonly role?: Role;
  /** The other one of a conversation of two. */
  readonly with?: Person;
  readonly muted: boolean;
  readonly max_users?: number;
  readonly head: { readonly offset: number; readonly seq: number };
  readonly read?: Mark;
  readonly delivered?: Mark;
  readonly unread: number;
  readonly mentions: number;
  readonly made_at: string;
  readonly changed_at: string;
  readonly last?: Message;
}

export interface PublicRoom {
  readonly id: string;
  readonly title: string;
  readonly kind: RoomKind;
  readonly max_users?: number;
  readonly present: number;
  readonly made_at: string;
  readonly changed_at: string;
}

export interface Member {
  readonly user: Person;
  readonly role: Role;
  readonly status: MemberStatus;
  readonly muted: boolean;
  readonly online: boolean;
  readonly read?: Mark;
  readonly delivered?: Mark;
}

export interface Ack {
  readonly client_id?: string;
  readonly room_id: string;
  readonly message_id: string;
  readonly offset: number;
  readonly seq: number;
  readonly cursor: string;
  readonly at: string;
  /** It had been stored before: this is the first result again. */
  readonly repeat: boolean;
}

export interface Changed {
  readonly message_id: string;
  readonly room_id: string;
  readonly offset: number;
  readonly seq: number;
  readonly cursor: string;
  readonly at: string;
}

export interface History {
  readonly room_id: string;
  readonly messages: readonly Message[];
  readonly total: number;
}

export interface Joined {
  readonly room_id: string;
  readonly messages: readonly Message[];
}

export interface Limits {
  readonly content_bytes: number;
  readonly history: number;
  readonly heartbeat_ms: number;
}

export type ResumeRefusal = 'malformed' | 'ahead' | 'other_log' | 'expired';

export interface Hello {
  readonly version: number;
  readonly features: readonly string[];
  readonly user: Person;
  readonly limits: Limits;
  readonly cursor: string;
  readonly resumed: boolean;
  readonly reason?: ResumeRefusal;
}

// ---- What happens -------------------------------------------------------------------------------------------------

/** What every event has: its place in the log and in its room, and who did it. */
export interface Happened {
  readonly room_id: string;
  readonly offset: number;
  readonly seq: number;
  readonly cursor: string;
  readonly at: string;
  readonly by: Person;
}

export interface MessageEvent extends Happened {
  readonly message_id: string;
  readonly kind: MessageKind;
  readonly content: string;
  readonly reply_to?: string;
  readonly client_id?: string;
}

export interface EditedEvent extends Happened {
  readonly message_id: string;
  /** The offset of the message meant. */
  readonly of: number;
  readonly content: string;
}

export interface DeletedEvent extends Happened {
  readonly message_id: string;
  readonly of: number;
}

export interface ReactionEvent extends Happened {
  readonly message_id: string;
  readonly of: number;
  readonly emoji: string;
  readonly on: boolean;
}

export interface RoomMadeEvent extends Happened {
  readonly title: string;
  readonly kind: RoomKind;
}

export interface RetitledEvent extends Happened {
  readonly title: string;
}

export interface MemberEvent extends Happened {
  readonly user_id: string;
  readonly role: Role;
  readonly status: MemberStatus;
  readonly muted: boolean;
}

export interface RemovedEvent extends Happened {
  readonly user_id: string;
  readonly barred: boolean;
}

export interface TypingSignal {
  readonly room_id: string;
  readonly user: Person;
  readonly on: boolean;
  readonly at: string;
}

export interface HereSignal {
  readonly room_id: string;
  readonly user: Person;
  readonly here: boolean;
  readonly at: string;
}

export interface PresenceSignal {
  readonly user: Person;
  readonly online: boolean;
  readonly at: string;
}

export interface ReceiptSignal {
  readonly room_id: string;
  readonly user: Person;
  readonly kind: MarkKind;
  readonly offset?: number;
  readonly message_ids?: readonly string[];
  readonly at: string;
}

/** Kept in the log, in ascending offset, each once. */
export interface LogEvents {
  message: MessageEvent;
  edited: EditedEvent;
  deleted: DeletedEvent;
  reaction: ReactionEvent;
  room_made: RoomMadeEvent;
  retitled: RetitledEvent;
  member: MemberEvent;
  removed: RemovedEvent;
  /** Something that another door keeps for itself. */
  notice: Happened;
}

/** True only now, and not repeated after a reconnect. */
export interface Signals {
  typing: TypingSignal;
  here: HereSignal;
  presence: PresenceSignal;
  receipt: ReceiptSignal;
}

export type LogEventName = keyof LogEvents;
export type SignalName = keyof Signals;

/** One event with its name, as the fold takes it. */
export type LogEvent = { [Name in LogEventName]: { readonly type: Name; readonly data: LogEvents[Name] } }[LogEventName];
export type Signal = { [Name in SignalName]: { readonly type: Name; readonly data: Signals[Name] } }[SignalName];
