// An edit that was refused: its words stay until its author has decided what becomes of them.

import { wordsOfCode } from '../lib/words';
import { useEdits, useLink } from '../session/client';
import type { Edit } from '../session/edits';

export function Unsaved({ edit }: { readonly edit: Edit }) {
  const { edits } = useLink();
  return (
    <div class="failed-line" role="alert">
      <span>Not saved. {wordsOfCode(edit.code)}</span>
      <button type="button" class="link" onClick={() => edits.again(edit.message_id)}>Save again</button>
      <button type="button" class="link" onClick={() => edits.drop(edit.message_id)}>Discard</button>
    </div>
  );
}

/** Those whose message is there no more, so that no line shows them. */
export function Orphans({ roomId }: { readonly roomId: string }) {
  const orphans = [...useEdits().values()].filter((edit) => edit.room_id === roomId && edit.code === 'message_not_found');
  if (orphans.length === 0) return null;
  return (
    <div class="orphans">
      {orphans.map((edit) => <div key={edit.message_id} class="notice"><p class="content">{edit.content}</p><Unsaved edit={edit} /></div>)}
    </div>
  );
}
