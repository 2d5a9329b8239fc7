// Who belongs to the room, how far each has read, and the room's id, which for a private one is the invitation.

import type { RoomView } from 'switchboard-client';
import { go } from '../lib/route';
import { useClient, useMe, useOnline } from '../session/client';
import { Avatar } from './avatar';
import { CopyButton } from './copy-button';
import { Close } from './icons';

interface Props {
  readonly room: RoomView;
  onShut(): void;
  /** With what was asked of the server; how it ends is told beside the messages. */
  onDo(what: Promise<unknown>): void;
}

export function Members({ room, onShut, onDo }: Props) {
  const client = useClient();
  const me = useMe();
  const online = useOnline();
  const ranks = { owner: 0, moderator: 1, member: 2 } as const;
  const members = [...(room.members?.values() ?? [])].filter(({ status }) => status === 'active')
    .sort((a, b) => Number(online.has(b.user.id)) - Number(online.has(a.user.id)) || ranks[a.role] - ranks[b.role] || a.user.name.localeCompare(b.user.name));
  const mayRemove = (role: keyof typeof ranks) => room.role !== undefined && room.role !== 'member' && ranks[room.role] < ranks[role];
  return (
    <aside class="members" aria-label="Members">
      <header><h2>Members</h2><button type="button" class="icon-button" aria-label="Close members" onClick={onShut}><Close /></button></header>
      {!room.members && <p class="quiet" role="status">Loading…</p>}
      <ul>
        {members.map(({ user, role, muted }) => (
          <li key={user.id}>
            <Avatar id={user.id} name={user.name} size="small" online={online.has(user.id)} />
            <button type="button" class="link cut" onClick={() => go({ at: 'user', id: user.id })}>{user.name}{user.id === me.id && ' (you)'}</button>
            {role !== 'member' && <span class="tag">{role}</span>}
            {muted && <span class="tag">muted</span>}
            {mayRemove(role) && user.id !== me.id && <button type="button" class="icon-button" aria-label={`Remove ${user.name}`} onClick={() => onDo(client.kick(room.id, user.id))}><Close /></button>}
          </li>
        ))}
      </ul>
      <div class="room-id">
        <h3 class="small quiet">{room.kind === 'private' ? 'Invitation' : 'Room id'}</h3>
        <code>{room.id}</code>
        <CopyButton label="Copy the room’s id" text={room.id} tabbed />
      </div>
    </aside>
  );
}
