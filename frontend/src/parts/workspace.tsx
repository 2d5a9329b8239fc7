// The page of somebody who is in: rooms on the left, one of them beside it; on a phone one at a time.

import { useEffect } from 'react';
import { useMe, useRooms, useDirect, useRoom } from '../session/client';
import { DoorsPane } from '../doors/pane';
import { nameOf } from '../lib/names';
import { go, useRoute } from '../lib/route';
import { Banner } from './banner';
import { Sidebar } from './sidebar';
import { RoomPane } from './room-pane';
import { Logo } from './icons';

export function Workspace({ onLeave }: { onLeave(): void }) {
  const route = useRoute();
  const me = useMe();
  const rooms = useRooms();
  const direct = useDirect(route.at === 'user' ? route.id : undefined);
  const room = useRoom(route.at === 'room' ? route.id : undefined) ?? direct;
  const unread = rooms.reduce((sum, { unread: count }) => sum + count, 0);

  const name = room && nameOf(room, me.id);
  useEffect(() => {
    document.title = `${unread ? `(${unread}) ` : ''}${name ? `${name} · ` : ''}Switchboard`;
  }, [unread, name]);
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        document.getElementById('filter')?.focus();
      }
    };
    addEventListener('keydown', keys);
    return () => removeEventListener('keydown', keys);
  }, []);

  const doors = route.at === 'room' && route.doors;
  return (
    <div class={`workspace ${route.at === 'home' ? 'at-home' : 'at-room'} ${doors ? 'with-doors' : ''}`}>
      <Banner />
      <Sidebar current={room?.id} onLeave={onLeave} />
      {route.at === 'home' && (
        <main class="empty">
          <Logo />
          <h2>Pick a room, or make one</h2>
          <p class="quiet">Arrow keys move through the rooms, Ctrl+K finds one.</p>
        </main>
      )}
      {route.at === 'room' && <RoomPane key={route.id} roomId={route.id} doors={route.doors} />}
      {route.at === 'user' && <RoomPane key={`user:${route.id}`} userId={route.id} doors={false} />}
      {doors && room && <DoorsPane key={room.id} room={room} onShut={() => go({ at: 'room', id: room.id, doors: false })} />}
    </div>
  );
}
