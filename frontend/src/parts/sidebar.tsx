// One's rooms, guilds and conversations, and who is online.

import { useMemo, useRef, useState } from 'react';
import type { RoomView } from 'switchboard-client';
import { composes, modified } from '../lib/keys';
import { nameOf } from '../lib/names';
import { go } from '../lib/route';
import { useListed, useMe, useOnline, useRooms } from '../session/client';
import { AddDialog } from './add-dialog';
import { Avatar } from './avatar';
import { Leave, Plus, Search } from './icons';
import { RoomItem } from './room-item';

/** Of those who are online, this many are shown. */
const ONLINE_MAX = 30;

export function Sidebar({ current, onLeave }: { readonly current: string | undefined; onLeave(): void }) {
  const me = useMe();
  const rooms = useRooms();
  const listed = useListed();
  const online = useOnline();
  const [filter, setFilter] = useState('');
  const [adding, setAdding] = useState(false);
  const list = useRef<HTMLElement>(null);
  const sorts = useMemo(() => {
    const wanted = filter.trim().toLowerCase();
    const found = rooms.filter((room) => nameOf(room, me.id).toLowerCase().includes(wanted));
    return [
      { name: 'Rooms', rooms: found.filter(({ kind }) => kind === 'public' || kind === 'private') },
      { name: 'Guilds', rooms: found.filter(({ kind }) => kind === 'guild') },
      { name: 'Direct', rooms: found.filter(({ kind }) => kind === 'direct') },
    ].filter((sort) => sort.rooms.length > 0);
  }, [rooms, filter, me.id]);
  const others = [...online.values()].filter(({ id }) => id !== me.id);
  const focusable = current ?? sorts[0]?.rooms[0]?.id;
  return (
    <aside class="sidebar" aria-label="Rooms and people">
      <header class="sidebar-head">
        <Avatar id={me.id} name={me.name} online />
        <strong class="cut">{me.name}</strong>
        <button type="button" class="icon-button" aria-label="New room or conversation" onClick={() => setAdding(true)}><Plus /></button>
        <button type="button" class="icon-button" aria-label="Sign out" onClick={onLeave}><Leave /></button>
      </header>
      <div class="filter">
        <Search />
        <input id="filter" type="search" placeholder="Find a room" aria-label="Find a room" value={filter} onInput={(event) => setFilter(event.currentTarget.value)}
          onKeyDown={(event) => { if (!composes(event) && (event.key === 'ArrowDown' || event.key === 'Enter')) { event.preventDefault(); list.current?.querySelector<HTMLElement>('.room-item')?.focus(); } }} />
      </div>
      <nav ref={list} class="sorts" aria-label="Your rooms" onKeyDown={(event) => arrows(event, list.current)}>
        {sorts.map((sort) => (
          <section key={sort.name}>
            <h2>{sort.name}</h2>
            <ul>{sort.rooms.map((room: RoomView) => <RoomItem key={room.id} room={room} current={room.id === current} focusable={room.id === focusable} />)}</ul>
          </section>
        ))}
        {!listed && sorts.length === 0 && <p class="hint quiet" role="status">Looking for your rooms…</p>}
        {listed && sorts.length === 0 && (
          <div class="hint">
            <p class="quiet">{filter ? 'No room of that name.' : 'You are in no room yet.'}</p>
            {!filter && <button type="button" class="button primary" onClick={() => setAdding(true)}>Find or make one</button>}
          </div>
        )}
        {others.length > 0 && (
          <section class="online">
            <h2>Online <span class="count">{others.length}</span></h2>
            <ul>
              {others.slice(0, ONLINE_MAX).map((person) => (
                <li key={person.id}>
                  <button type="button" class="room-item person" tabIndex={-1} onClick={() => go({ at: 'user', id: person.id })}>
                    <Avatar id={person.id} name={person.name} size="small" online /><span class="cut">{person.name}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        )}
      </nav>
      {adding && <AddDialog onShut={() => setAdding(false)} />}
    </aside>
  );
}

/** One tab stop; arrows go through all of it, `Home` and `End` to its ends. */
function arrows(event: KeyboardEvent, list: HTMLElement | null): void {
  const items = [...(list?.querySelectorAll<HTMLElement>('.room-item') ?? [])];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (next === undefined || at < 0 || modified(event)) return;
  event.preventDefault();
  items[Math.max(0, Math.min(next, items.length - 1))]?.focus();
}
