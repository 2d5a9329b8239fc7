// What a screen reader says by itself: new messages of others, as they come; not what is scrolled into view.

import { useEffect, useRef, useState } from 'react';
import type { RoomView } from 'switchboard-client';
import { useMe } from '../session/client';

const KEPT = 5;

export function Announcer({ room }: { readonly room: RoomView }) {
  const me = useMe();
  const upTo = useRef(room.head.offset);
  const [said, setSaid] = useState<readonly { key: string; text: string }[]>([]);
  useEffect(() => {
    const fresh = room.messages.filter((message) => message.offset > upTo.current);
    if (fresh.length === 0) return;
    upTo.current = fresh.at(-1)?.offset ?? upTo.current;
    const others = fresh.filter((message) => message.by.id !== me.id).map((message) => ({ key: message.message_id, text: `${message.by.name}: ${message.content}` }));
    setSaid((before) => [...before, ...others].slice(-KEPT));
  }, [room.messages]);
  return <div class="unseen" role="log" aria-live="polite" aria-label="New messages">{said.map(({ key, text }) => <p key={key}>{text}</p>)}</div>;
}
