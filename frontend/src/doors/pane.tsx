// The five doors: one room through each of the protocols at once, with the raw frames. What is said at one is heard at
// all the others.

import { useEffect, useMemo, useState } from 'react';
import type { RoomView } from 'switchboard-client';
import { Close } from '../parts/icons';
import { useLink, useMe } from '../session/client';
import { chat } from './chat';
import { Column } from './column';
import { direct } from './direct';
import type { Door, Place } from './door';
import { gateway } from './gateway';
import { native } from './native';
import { rooms } from './rooms';
import { socketio } from './socketio';

const DOORS: readonly Door[] = [native, rooms, chat, socketio, gateway, direct];

export function DoorsPane({ room, onShut }: { readonly room: RoomView; onShut(): void }) {
  const me = useMe();
  const { session } = useLink();
  const [shown, setShown] = useState('rooms');
  const [quiet, setQuiet] = useState(true);
  const doors = DOORS.filter((door) => door.fits(room));
  const place = useMemo<Place>(
    () => ({ room, who: { token: session.token, id: me.id, number: me.number }, other: room.with }),
    [room.id, session, me],
  );
  useEffect(() => {
    const keys = (event: KeyboardEvent) => { if (event.key === 'Escape' && !event.defaultPrevented) onShut(); };
    addEventListener('keydown', keys);
    return () => removeEventListener('keydown', keys);
  }, [onShut]);
  return (
    <section class="doors" aria-label="The five doors">
      <header class="doors-head">
        <div>
          <h2>Five doors, one room</h2>
          <p class="quiet small">You, in this room, through each protocol at once. Say something at one: all the others hear it.</p>
        </div>
        <label class="check small"><input type="checkbox" checked={quiet} onChange={(event) => setQuiet(event.currentTarget.checked)} /> hide ticks and heartbeats</label>
        <button type="button" class="icon-button" aria-label="Close the five doors" onClick={onShut}><Close /></button>
      </header>
      <div class="door-tabs" role="group" aria-label="Which door">
        {doors.map(({ name }) => <button key={name} type="button" aria-pressed={name === shown} onClick={() => setShown(name)}>{name}</button>)}
      </div>
      <div class="columns">
        {doors.map((door) => <Column key={door.name} door={door} place={place} shown={door.name === shown} quiet={quiet} />)}
      </div>
    </section>
  );
}
