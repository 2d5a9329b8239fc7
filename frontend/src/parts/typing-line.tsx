// Who is typing. Its place is always there, so that nothing jumps.

import type { RoomView } from 'switchboard-client';
import { useMe } from '../session/client';

export function TypingLine({ room }: { readonly room: RoomView }) {
  const me = useMe();
  const names = room.typing.filter(({ user }) => user.id !== me.id).map(({ user }) => user.name);
  const [first, second] = names;
  const words = names.length === 0 ? '' : names.length === 1 ? `${first} is typing` : names.length === 2 ? `${first} and ${second} are typing` : `${first} and ${names.length - 1} others are typing`;
  return <p class="typing quiet small" data-typing={names.length}>{words && <><span class="dots" aria-hidden="true"><i /><i /><i /></span><span class="cut">{words}</span></>}</p>;
}
