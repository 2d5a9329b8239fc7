// Edits that the server has not taken yet: kept on disk and asked for again after each reconnect, as the outbox does with
// messages. Saying the same edit twice does no harm, so it needs no id of its own.
//
//   put --> saving --saved--> gone
//             ^ |---lost, "try again"---> saving, again when there is a connection
//             | `---any other refusal---> failed --drop--> gone
//             `----------again--------------'

import { type Storage, type Switchboard, SwitchboardError } from 'switchboard-client';
import { passes } from '../lib/words';

export interface Edit {
  readonly message_id: string;
  readonly room_id: string;
  readonly content: string;
  readonly state: 'saving' | 'failed';
  /** With `failed`: the error's code. */
  readonly code?: string;
}

const PREFIX = 'edit/';
const AGAIN_MS = 3_000;
/** The event that tells of an edit may come after its answer: until then the old words are not shown again. */
const SETTLE_MS = 1_000;

export class Edits {
  private kept: ReadonlyMap<string, Edit> = new Map();
  private readonly flying = new Set<string>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly client: Switchboard, private readonly storage: Storage) {
    client.on('status', ({ status }) => { if (status === 'live') for (const id of this.kept.keys()) void this.save(id); });
    client.on('edited', ({ message_id: id, content }) => { if (this.kept.get(id)?.content === content) this.drop(id); });
    this.load().catch((error: unknown) => console.error(error));
  }

  /** By message; the same map until something changes. */
  read = (): ReadonlyMap<string, Edit> => this.kept;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** In place of what was to be saved of this message before, if anything was. */
  put(message: { readonly message_id: string; readonly room_id: string }, content: string): void {
    const { message_id, room_id } = message;
    const edit: Edit = { message_id, room_id, content, state: 'saving' };
    this.set(message_id, edit);
    // A disk that is full does not keep it from being saved.
    void this.stored(() => this.storage.set(PREFIX + message_id, JSON.stringify(edit)));
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
    if (edit?.state !== 'saving' || this.flying.has(id) || this.client.status !== 'live') return;
    this.flying.add(id);
    let wait = 0;
    try {
      await this.client.edit(id, edit.content);
      if (this.kept.get(id) === edit) {
        await this.stored(() => this.storage.remove(PREFIX + id));
        setTimeout(() => { if (this.kept.get(id) === edit) this.set(id, undefined); }, SETTLE_MS);
        return;
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

  private async load(): Promise<void> {
    for (const key of await this.storage.keys(PREFIX)) {
      const edit = parsed(await this.storage.get(key));
      if (!edit || this.kept.has(edit.message_id)) continue;
      this.set(edit.message_id, edit);
      void this.save(edit.message_id);
    }
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
    const { message_id, room_id, content } = JSON.parse(text ?? '') as Partial<Edit>;
    if (typeof message_id !== 'string' || typeof room_id !== 'string' || typeof content !== 'string') return undefined;
    return { message_id, room_id, content, state: 'saving' };
  } catch {
    return undefined;
  }
}
