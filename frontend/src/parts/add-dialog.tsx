// Into a room: one that is open to all, one's own, a conversation, or a room or guild whose id one has.

import { useEffect, useState } from 'react';
import type { PublicRoom } from 'switchboard-client';
import { go } from '../lib/route';
import { words } from '../lib/words';
import { useClient, useMe, useOnline } from '../session/client';
import { Avatar } from './avatar';
import { Dialog } from './dialog';

export function AddDialog({ onShut }: { onShut(): void }) {
  const client = useClient();
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const enter = (what: () => Promise<string>) => {
    setBusy(true);
    setProblem(undefined);
    what().then((id) => { go({ at: 'room', id, doors: false }); onShut(); }, (error) => { setProblem(words(error)); setBusy(false); });
  };
  const join = (id: string) => enter(async () => { await client.join(id); return id; });
  return (
    <Dialog title="Rooms and people" onShut={onShut}>
      {problem && <p class="notice bad" role="alert">{problem}</p>}
      <MakeRoom busy={busy} onMake={(title, kind) => enter(async () => (await client.createRoom({ title, kind })).id)} />
      <OpenRooms onJoin={join} />
      <TalkTo onTalk={(id) => { go({ at: 'user', id }); onShut(); }} onProblem={setProblem} />
      <ById busy={busy} onJoin={join} />
    </Dialog>
  );
}

function MakeRoom({ busy, onMake }: { readonly busy: boolean; onMake(title: string, kind: 'public' | 'private'): void }) {
  const [title, setTitle] = useState('');
  const [closed, setClosed] = useState(false);
  return (
    <form class="add" onSubmit={(event) => { event.preventDefault(); if (title.trim()) onMake(title.trim(), closed ? 'private' : 'public'); }}>
      <h3><label for="new-title">Make a room</label></h3>
      <div class="line-form">
        <input id="new-title" class="field" value={title} maxLength={100} placeholder="Its name" autoFocus onInput={(event) => setTitle(event.currentTarget.value)} />
        <button type="submit" class="button primary" disabled={busy || !title.trim()}>Make</button>
      </div>
      <label class="check"><input type="checkbox" checked={closed} onChange={(event) => setClosed(event.currentTarget.checked)} /> Private: only those who have its id</label>
    </form>
  );
}

function OpenRooms({ onJoin }: { onJoin(id: string): void }) {
  const client = useClient();
  const [rooms, setRooms] = useState<readonly PublicRoom[]>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    client.publicRooms().then(setRooms, (error) => setProblem(words(error)));
  }, [client]);
  const others = rooms?.filter(({ id }) => !client.view.room(id));
  return (
    <section class="add">
      <h3>Open to everybody</h3>
      {problem && <p class="notice bad">{problem}</p>}
      {!others && !problem && <p class="quiet" role="status">Loading…</p>}
      {others?.length === 0 && <p class="quiet">None that you are not in already.</p>}
      {others && others.length > 0 && (
        <ul class="open-rooms">
          {others.map((room) => (
            <li key={room.id}>
              <Avatar id={room.id} name={room.title} size="small" square />
              <span class="cut">{room.title}</span>
              <span class="quiet small">{room.present} here</span>
              <button type="button" class="button" aria-label={`Join ${room.title}`} onClick={() => onJoin(room.id)}>Join</button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function TalkTo({ onTalk, onProblem }: { onTalk(id: string): void; onProblem(words: string): void }) {
  const client = useClient();
  const me = useMe();
  const online = useOnline();
  const [name, setName] = useState('');
  const look = async (asked: string) => {
    const person = await client.user({ name: asked }).catch(() => client.user({ id: asked }));
    onTalk(person.id);
  };
  return (
    <form class="add" onSubmit={(event) => { event.preventDefault(); look(name.trim()).catch((error) => onProblem(words(error))); }}>
      <h3><label for="talk-to">Talk to somebody</label></h3>
      <div class="line-form">
        <input id="talk-to" class="field" value={name} placeholder="Their name" onInput={(event) => setName(event.currentTarget.value)} />
        <button type="submit" class="button" disabled={!name.trim()}>Talk</button>
      </div>
      <div class="chips">
        {[...online.values()].filter(({ id }) => id !== me.id).slice(0, 12).map((person) => (
          <button key={person.id} type="button" class="chip" onClick={() => onTalk(person.id)}>{person.name}</button>
        ))}
      </div>
    </form>
  );
}

function ById({ busy, onJoin }: { readonly busy: boolean; onJoin(id: string): void }) {
  const [id, setId] = useState('');
  const [guild, setGuild] = useState(false);
  const wanted = id.trim();
  return (
    <form class="add" onSubmit={(event) => { event.preventDefault(); if (wanted) onJoin(guild ? `GUILD#${wanted}` : wanted); }}>
      <h3><label for="by-id">By its id</label></h3>
      <div class="line-form">
        <input id="by-id" class="field" value={id} placeholder={guild ? 'The guild’s id' : 'An invitation, or any room’s id'} onInput={(event) => setId(event.currentTarget.value)} />
        <button type="submit" class="button" disabled={busy || !wanted}>Join</button>
      </div>
      <label class="check"><input type="checkbox" checked={guild} onChange={(event) => setGuild(event.currentTarget.checked)} /> It is a guild</label>
    </form>
  );
}
