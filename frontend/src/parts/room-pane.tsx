// One room: what it is called, what was said, who types, and where one says something.

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { type MessageView, type RoomView, SwitchboardError } from 'switchboard-client';
import { copy } from '../lib/copy';
import { type Target, draftOf } from '../lib/drafts';
import { nameOf } from '../lib/names';
import { passes, words } from '../lib/words';
import { go } from '../lib/route';
import { useClient, useDirect, useLink, useListed, useMe, useRoom, useRooms } from '../session/client';
import { Announcer } from './announcer';
import { Composer } from './composer';
import { Close } from './icons';
import type { LineDo } from './line';
import { Members } from './members';
import { NewConversation } from './new-conversation';
import { RoomHead } from './room-head';
import { Timeline } from './timeline';
import { TypingLine } from './typing-line';
import { Orphans } from './unsaved';

interface Props {
  /** Absent: the conversation with `userId`, which may not be made yet. */
  readonly roomId?: string;
  readonly userId?: string;
  readonly doors: boolean;
}

export function RoomPane({ roomId, userId, doors }: Props) {
  const client = useClient();
  // From the view itself: what was drawn above may be older than `known`.
  const id = useDirect(userId)?.id ?? roomId;
  const me = useMe();
  const room = useRoom(id);
  const known = useListed();
  const listed = useRooms().some((one) => one.id === id);
  const [problem, setProblem] = useState<{ readonly words: string; readonly passes: boolean }>();
  const [attempt, setAttempt] = useState(0);
  const wasListed = useRef(false);
  wasListed.current ||= listed;
  const wasNew = useRef(false);

  useEffect(() => {
    if (id === undefined || !client.server) return undefined;
    setProblem(undefined);
    let over = false;
    // An address of a room that is not ours yet: who has it may come in, or hears why not.
    // A room of one's own, as the list says that may have come meanwhile, is shown although all its seats are taken.
    const come = listed ? Promise.resolve() : client.join(id).catch((error: unknown) => { if (!client.view.room(id)) throw error; });
    come.then(() => (over ? undefined : client.view.open(id))).catch((error: unknown) => {
      if (!over && !(error instanceof SwitchboardError && error.code === 'closed')) setProblem({ words: words(error), passes: passes(error) });
    });
    return () => { over = true; };
  }, [client, id, attempt]);
  useEffect(() => () => { if (id !== undefined) client.view.shut(id); }, [client, id]);
  useEffect(() => {
    if (listed) {
      // It is ours (again): whatever was in the way is not any more.
      if (problem) setAttempt(attempt + 1);
    } else if (wasListed.current && id !== undefined) setProblem({ words: 'You are no longer in this room.', passes: false });
  }, [listed]);
  useEffect(() => client.on('status', ({ status }) => {
    if (status === 'live' && problem?.passes) setAttempt((count) => count + 1);
  }), [client, problem]);

  if (problem) {
    return (
      <main class="room empty">
        <p class="notice bad" role="alert">{problem.words}</p>
        <p class="line-form">
          <button type="button" class="button" onClick={() => setAttempt(attempt + 1)}>Try again</button>
          <button type="button" class="button" onClick={() => go({ at: 'home' })}>Back to the rooms</button>
        </p>
      </main>
    );
  }
  const ready = room?.history === 'loaded';
  // Somebody who types the second message while the first makes the conversation goes on typing.
  wasNew.current = !ready && (wasNew.current || (known && id === undefined));
  if (userId !== undefined && wasNew.current) return <NewConversation userId={userId} />;
  if (!ready) return <Loading title={room && nameOf(room, me.id)} />;
  return <Open room={room} doors={doors} />;
}

function Loading({ title }: { readonly title: string | undefined }) {
  return (
    <main class="room" aria-busy="true" aria-label={title ?? 'Room'}>
      <header class="room-head"><h1 class="cut">{title ?? '…'}</h1></header>
      <div class="skeletons" role="status"><span class="unseen">Loading messages…</span>{[58, 36, 71, 44, 63].map((width) => <div key={width} class="skeleton" style={{ '--width': `${width}%` }} />)}</div>
    </main>
  );
}

function Open({ room, doors }: { readonly room: RoomView; readonly doors: boolean }) {
  const { client, edits } = useLink();
  const me = useMe();
  const [members, setMembers] = useState(false);
  const draft = useMemo(() => draftOf(me.id, room), [me.id, room.id]);
  const [target, setTarget] = useState(draft.target);
  const aim = useCallback((next: Target | undefined) => {
    draft.target = next;
    setTarget(next);
  }, [draft]);
  const [problem, setProblem] = useState<string>();
  // Where one was when one came in; the line stays there while one looks.
  const unreadAfter = useMemo(() => (room.unread > 0 ? room.read : undefined), []);
  const show = useRef<(messageId: string) => void>(() => undefined);
  const failed = useCallback((error: unknown) => setProblem(words(error)), []);
  // What works takes away the word that something did not.
  const done = useCallback((what: Promise<unknown>) => { what.then(() => setProblem(undefined), failed); }, [failed]);
  useEffect(() => {
    if (!problem) return undefined;
    const timer = setTimeout(() => setProblem(undefined), 6_000);
    return () => clearTimeout(timer);
  }, [problem]);

  const act = useMemo<LineDo>(() => ({
    reply: (message) => aim({ how: 'reply', message }),
    edit: (message) => aim({ how: 'edit', message }),
    copy: (message) => done(copy(message.content)),
    remove: (message) => done(client.delete(message.message_id)),
    react: (message, emoji, on) => done(client.react(message.message_id, emoji, on)),
  }), [client, aim]);
  const editLast = () => {
    const own = room.messages.findLast((message: MessageView) => message.by.id === me.id && message.kind === 'text');
    if (own) aim({ how: 'edit', message: { ...own, content: edits.read().get(own.message_id)?.content ?? own.content } });
  };
  const name = nameOf(room, me.id);
  return (
    <main class={`room ${members ? 'with-members' : ''}`} aria-label={name} data-room={room.id}>
      <RoomHead room={room} doors={doors} members={members} onMembers={() => setMembers(!members)} onProblem={failed} />
      <div class="room-body">
        <div class="talk">
          {room.messages.length + room.pending.length === 0 && <p class="nothing quiet">Nothing was said here yet. Begin.</p>}
          <Timeline room={room} unreadAfter={unreadAfter} act={act} onReady={(ready) => { show.current = ready; }} />
          {problem && <p class="notice bad floating" role="alert">{problem} <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => setProblem(undefined)}><Close /></button></p>}
          <Orphans room={room} />
          <TypingLine room={room} />
          <Composer
            key={room.id} draft={draft} muted={room.muted} target={target} onTarget={aim} onEditLast={editLast} onShow={(id) => show.current(id)}
            label={`Message ${name}`}
            onSay={(content, replyTo) => { client.send(room.id, content, replyTo ? { replyTo } : {}).catch(() => undefined); }}
            onEdit={(message, content) => edits.put(message, content)}
            onTyping={(on) => client.typing(room.id, on)}
          />
        </div>
        {members && <Members room={room} onShut={() => setMembers(false)} onDo={done} />}
      </div>
      <Announcer room={room} />
    </main>
  );
}
