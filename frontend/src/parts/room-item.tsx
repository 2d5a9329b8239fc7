// A room in the list: its face, its last words, what is unread.

import { memo } from 'react';
import type { RoomView } from 'switchboard-client';
import { nameOf } from '../lib/names';
import { address } from '../lib/route';
import { brief } from '../lib/time';
import { useMe, useOnline } from '../session/client';
import { Avatar } from './avatar';
import { Lock } from './icons';

interface Props {
  readonly room: RoomView;
  readonly current: boolean;
  readonly focusable: boolean;
}

export const RoomItem = memo(({ room, current, focusable }: Props) => {
  const me = useMe();
  const online = useOnline();
  const name = nameOf(room, me.id);
  const { last, unread, mentions } = room;
  const typing = room.typing.filter(({ user }) => user.id !== me.id);
  const said = last && (room.kind === 'direct' && last.by.id !== me.id ? last.content : `${last.by.id === me.id ? 'You' : last.by.name}: ${last.content}`);
  return (
    <li>
      <a class={`room-item ${unread ? 'unread' : ''}`} href={address({ at: 'room', id: room.id, doors: false })} aria-current={current ? 'page' : undefined} tabIndex={focusable ? 0 : -1} data-room={room.id}>
        <Avatar id={room.with?.id ?? room.id} name={name} square={room.kind !== 'direct'} online={room.with ? online.has(room.with.id) : undefined} />
        <span class="room-words">
          <span class="room-title"><span class="cut">{name}</span>{room.kind === 'private' && <Lock />}</span>
          <span class="cut quiet small">{typing.length ? <em>typing…</em> : said ?? 'Nothing said yet'}</span>
        </span>
        <span class="room-side">
          <span class="quiet small">{last && brief(last.at)}</span>
          {mentions > 0 && <span class="badge mention" aria-label={`${mentions} mentions`}>@</span>}
          {unread > 0 && <span class="badge" aria-label={`${unread} unread`}>{unread >= 1000 ? '999+' : unread}</span>}
        </span>
      </a>
    </li>
  );
});
