// A room's name, who is there, and what one can do with it.

import type { RoomView } from 'switchboard-client';
import { nameOf } from '../lib/names';
import { address, go } from '../lib/route';
import { useClient, useMe, useOnline } from '../session/client';
import { Avatar } from './avatar';
import { Back, Doors, Leave, People } from './icons';

interface Props {
  readonly room?: RoomView;
  readonly title?: string;
  readonly userId?: string;
  readonly doors?: boolean;
  readonly members?: boolean;
  onMembers?(): void;
  onProblem?(error: unknown): void;
}

export function RoomHead({ room, title, userId, doors, members, onMembers, onProblem }: Props) {
  const client = useClient();
  const me = useMe();
  const online = useOnline();
  const name = room ? nameOf(room, me.id) : title ?? '';
  const other = room?.with?.id ?? userId;
  const leave = () => {
    if (room) client.leave(room.id).then(() => go({ at: 'home' }), (error) => onProblem?.(error));
  };
  return (
    <header class="room-head">
      <a class="icon-button back" href={address({ at: 'home' })} aria-label="Back to the rooms"><Back /></a>
      <Avatar id={other ?? room?.id ?? ''} name={name} square={!other} online={other ? online.has(other) : undefined} />
      <div class="room-name">
        <h1 class="cut">{name}</h1>
        <p class="quiet small cut">{subtitle(room, other !== undefined && online.has(other), online)}</p>
      </div>
      {room && <a class="icon-button wide" href={address({ at: 'room', id: room.id, doors: !doors })} aria-pressed={undefined} aria-label={doors ? 'Close the five doors' : 'Show the five doors'} title="The same room through each of the five protocols"><Doors /><span class="when-wide">Five doors</span></a>}
      {room && onMembers && <button type="button" class="icon-button" aria-label="Members" aria-expanded={members} onClick={onMembers}><People /></button>}
      {room && room.kind !== 'direct' && <button type="button" class="icon-button" aria-label={`Leave ${name}`} onClick={leave}><Leave /></button>}
    </header>
  );
}

const KINDS = { public: 'Open to everybody', private: 'Private', guild: 'Guild', direct: 'Conversation' } as const;

function subtitle(room: RoomView | undefined, here: boolean, online: ReadonlyMap<string, unknown>): string {
  if (!room || room.kind === 'direct') return here ? 'Online' : 'Not online';
  const members = [...(room.members?.values() ?? [])].filter(({ status }) => status === 'active');
  const present = members.filter(({ user }) => online.has(user.id)).length;
  const count = members.length ? ` · ${members.length} ${members.length === 1 ? 'member' : 'members'}, ${present} online` : '';
  return `${KINDS[room.kind]}${room.muted ? ' · you are muted' : ''}${count}`;
}
