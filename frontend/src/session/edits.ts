// Edits that the server has not taken yet: kept on disk and asked for again after each reconnect, as the outbox does with
// messages. Saying the same edit twice does no harm as long as nothing was said in between: one that was not put just now on
// this connection is saved only if its message still is as its author knew it.
//
//   put --> saving --saved, or found there--> gone
//             ^ |---lost, "try again"-------> saving, again when there is a connection
//             | `---changed elsewhere, any other refusal---> failed --drop--> gone
//             `------------------again------------------------'

import { type MessageView, type Storage, type Switchboard, SwitchboardError } from 'switchboard-client';
import { passes } from '../lib/words';

/** The message that is edited, as its author knew it. */
type Known = Pick<MessageView, 'message_id' | 'room_id' | 'offset' | 'edited_at'>;

export interface Edit extends Known {
  /** Whose it is: another user on this machine has their own. */
  readonly user: string;
  readonly content: string;
  readonly state: 'saving' | 'failed';
  /** With `failed`: the error's code, or `edited_elsewhere`. */
  readonly code?: string;
}

const PREFIX = 'edit/';
const AGAIN_MS = 3_000;
/** The event that tells of an edit may come after its answer: until then the old words are not shown again. */
const SETTLE_MS = 1_000;

export class Edits {
  private kept: ReadonlyMap<string, Edit> = new Map();
  private readonly flying = new Set<string>();
  /** Put since this connection is there: nothing can have happened that their author did not see. */
  private readonly fresh = new Set<string>();
  /** What was asked for last: where the answer was lost, these words are no one else's. */
  private readonly said = new Map<string, string>();
  private readonly saved = new WeakSet<Edit>();
  private user: string | undefined;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly client: Switchboard, private readonly storage: Storage) {
    client.on('status', ({ status }) => {
      if (status === 'live') for (const id of this.kept.keys()) void this.save(id);
      else this.fresh.clear();
    });
    client.on('edited', ({ message_id: id, content, at }) => this.heard(id, content, at));
    client.on('hello', ({ user }) => {
      if (this.user !== undefined) return;
      this.user = user.id;
      this.load(user.id).catch((error: unknown) => console.error(error));
    });
  }

  /** By message; the same map until something changes. */
  read = (): ReadonlyMap<string, Edit> => this.kept;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** In place of what was to be saved of this message before, if anything was. */
  put(message: Known, content: string): void {
    const { message_id, room_id, offset, edited_at } = message;
    if (this.user === undefined) return;
    const edit: Edit = { message_id, room_id, offset, ...(edited_at === undefined ? {} : { edited_at }), user: this.user, content, state: 'saving' };
    if (this.client.status === 'live') this.fresh.add(message_id);
    this.keep(edit);
    void this.save(message_id);
  }

  /** A failed one once more. */
  again(id: string): void {
    const edit = this.kept.get(id);
    if (edit?.state === 'failed') this.put(edit, edit.content);
  }

  drop(id: string): void {
    this.set(id, undefined);
    void this.stored(() => this.storage.remove(PREFIX + id));
  }

  private async save(id: string): Promise<void> {
    const edit = this.kept.get(id);
    if (edit?.state !== 'saving' || this.flying.has(id) || this.saved.has(edit) || this.client.status !== 'live') return;
    this.flying.add(id);
    let wait = 0;
    try {
      if (this.fresh.has(id) || (await this.stands(edit))) {
        this.said.set(id, edit.content);
        const { at } = await this.client.edit(id, edit.content);
        const next = this.kept.get(id);
        if (next === edit) {
          this.saved.add(edit);
          await this.stored(() => this.storage.remove(PREFIX + id));
          setTimeout(() => { if (this.kept.get(id) === edit) this.set(id, undefined); }, SETTLE_MS);
          return;
        }
        // What was put in its place meanwhile is of one who knows these words.
        if (next?.state === 'saving') this.keep({ ...next, edited_at: at });
      }
    } catch (error) {
      const code = error instanceof SwitchboardError ? error.code : 'invalid';
      if (code === 'closed') return;
      if (passes(error)) wait = AGAIN_MS;
      else if (this.kept.get(id) === edit) this.set(id, { ...edit, state: 'failed', code });
    } finally {
      this.flying.delete(id);
    }
    // It goes on: what was written over it meanwhile at once, what passes after a while.
    setTimeout(() => { void this.save(id); }, wait);
  }

  /** Looks whether the message still is as the edit's author knew it. If not, the edit is not to be saved as it is. */
  private async stands(edit: Edit): Promise<boolean> {
    const { message_id: id, room_id, offset, edited_at } = edit;
    const { messages: [there] } = await this.client.history(room_id, { after: offset - 1, limit: 1 });
    if (this.kept.get(id) !== edit) return false;
    if (there?.message_id !== id) this.set(id, { ...edit, state: 'failed', code: 'message_not_found' });
    else if (there.content === edit.content) this.drop(id);
    else if (there.edited_at === edited_at || there.content === this.said.get(id)) return true;
    else this.elsewhere(edit, there.edited_at);
    return false;
  }

  private heard(id: string, content: string, at: string): void {
    const edit = this.kept.get(id);
    if (!edit) return;
    if (edit.content === content) this.drop(id);
    else if (!this.saved.has(edit) && content !== this.said.get(id) && !this.underWay(edit)) this.elsewhere(edit, at);
  }

  /** Asked for, and not answered: the server puts it before or behind what it tells. */
  private underWay({ message_id: id, content }: Edit): boolean {
    return this.flying.has(id) && this.said.get(id) === content;
  }

  /** Its author decides, and knows from then on that it was changed at that time. */
  private elsewhere(edit: Edit, at: string | undefined): void {
    this.set(edit.message_id, { ...edit, ...(at === undefined ? {} : { edited_at: at }), state: 'failed', code: 'edited_elsewhere' });
  }

  /** What others have left on this machine stays there. */
  private async load(user: string): Promise<void> {
    for (const key of await this.storage.keys(PREFIX)) {
      const edit = parsed(await this.storage.get(key));
      if (edit?.user !== user || this.kept.has(edit.message_id)) continue;
      this.set(edit.message_id, edit);
      void this.save(edit.message_id);
    }
  }

  /** A disk that is full does not keep it from being saved. */
  private keep(edit: Edit): void {
    this.set(edit.message_id, edit);
    void this.stored(() => this.storage.set(PREFIX + edit.message_id, JSON.stringify(edit)));
  }

  private set(id: string, edit: Edit | undefined): void {
    const next = new Map(this.kept);
    if (edit) next.set(id, edit);
    else next.delete(id);
    this.kept = next;
    for (const listener of this.listeners) listener();
  }

  private async stored(write: () => void | Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      console.error(error);
    }
  }
}

/** What was kept; undefined for what somebody else, or another version, has left there. It is tried again in any case. */
function parsed(text: string | null): Edit | undefined {
  try {
    const { message_id, room_id, offset, edited_at, user, content } = JSON.parse(text ?? '') as Partial<Edit>;
    if (typeof message_id !== 'string' || typeof room_id !== 'string' || typeof content !== 'string') return undefined;
    if (typeof offset !== 'number' || typeof user !== 'string') return undefined;
    return { message_id, room_id, offset, ...(typeof edited_at === 'string' ? { edited_at } : {}), user, content, state: 'saving' };
  } catch {
    return undefined;
  }
}
