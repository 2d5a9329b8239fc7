// Somebody to whom nothing was said yet: the first message makes the conversation, and then it is a room. Until that is
// there, and over any absence, what was said is in the outbox, and shown from there.

import { useLayoutEffect, useMemo, useReducer, useRef } from 'react';
import type { OutboxEntry } from 'switchboard-client';
import { draftOf } from '../lib/drafts';
import { type Row, rowsOf } from '../lib/rows';
import { useClient, useMe, useOutbox } from '../session/client';
import { Composer } from './composer';
import { Pending } from './pending';
import { RoomHead } from './room-head';

export function NewConversation({ userId }: { readonly userId: string }) {
  const client = useClient();
  const me = useMe();
  const name = client.view.person(userId)?.name ?? userId;
  const [, look] = useReducer((count: number) => count + 1, 0);
  const said = useSaid(userId);
  const cache = useRef(new Map<string, Row>());
  const rows = rowsOf([], said, me.id, undefined, cache.current);
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => { if (list.current) list.current.scrollTop = list.current.scrollHeight; }, [rows.length]);
  const draft = useMemo(() => draftOf(me.id, { userId }), [me.id, userId]);
  return (
    <main class="room" aria-label={name}>
      <RoomHead title={name} userId={userId} />
      <div class="room-body">
        <div class="talk">
          {rows.length === 0 && <p class="nothing quiet">You and {name} have said nothing yet.</p>}
          <div class="waiting" ref={list} role="feed" tabIndex={0} aria-label={`Messages in ${name}`}>
            {rows.map((row, index) => row.type === 'pending' && <Pending key={row.key} row={row} index={index} count={rows.length} />)}
          </div>
          <Composer
            draft={draft} muted={false} label={`Message ${name}`} target={undefined} onTarget={() => undefined} onEditLast={() => undefined} onShow={() => undefined}
            onSay={(content) => { client.sendTo(userId, content).catch(() => undefined); look(undefined); }}
            onEdit={() => undefined} onTyping={() => undefined}
          />
        </div>
      </div>
    </main>
  );
}

/** What waits to be sent to them, and before it what was taken a moment ago: that stays until the room is there to show it. */
function useSaid(userId: string): readonly OutboxEntry[] {
  const outbox = useOutbox();
  const said = useRef<readonly OutboxEntry[]>([]);
  const waits = new Set(outbox.map((entry) => entry.client_id));
  // A failed one that has gone was discarded.
  const taken = said.current.filter(({ client_id: id, state }) => state === 'sending' && !waits.has(id));
  said.current = [...taken, ...outbox.filter(({ to }) => to === userId)];
  return said.current;
}
