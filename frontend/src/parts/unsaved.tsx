// An edit that was refused: its words stay until its author has decided what becomes of them.

import type { RoomView } from 'switchboard-client';
import { wordsOfCode } from '../lib/words';
import { useEdits, useLink } from '../session/client';
import type { Edit } from '../session/edits';

/** `now`: what the message says as it is. */
export function Unsaved({ edit, now }: { readonly edit: Edit; readonly now?: string }) {
  const { edits } = useLink();
  const elsewhere = edit.code === 'edited_elsewhere';
  return (
    <div class="failed-line" role="alert">
      <span>Not saved. {wordsOfCode(edit.code)}{elsewhere && now !== undefined && ` It says now: ${now}`}</span>
      <button type="button" class="link" onClick={() => edits.again(edit.message_id)}>{elsewhere ? 'Save anyway' : 'Save again'}</button>
      <button type="button" class="link" onClick={() => edits.drop(edit.message_id)}>Discard</button>
    </div>
  );
}

/** Those whose message is there no more, or is not loaded, so that no line shows them. */
export function Orphans({ room }: { readonly room: RoomView }) {
  const orphans = [...useEdits().values()].filter((edit) => edit.room_id === room.id && edit.state === 'failed'
    && !room.messages.some(({ message_id: id }) => id === edit.message_id));
  if (orphans.length === 0) return null;
  return (
    <div class="orphans">
      {orphans.map((edit) => <div key={edit.message_id} class="notice"><p class="content">{edit.content}</p><Unsaved edit={edit} /></div>)}
    </div>
  );
}
