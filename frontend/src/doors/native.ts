import { randomId } from '../lib/random';
import { SOCKETS } from '../lib/server';
import { type Door, always, json, token } from './door';

/** The tongue of this very client. */
export const native: Door = {
  name: 'native',
  about: 'Everything over one socket; this client speaks it.',
  fits: always,
  url: (place, show) => `${SOCKETS}/ws/chat?token=${token(place, show)}`,
  talk: ({ room }, wire) => ({
    opened: () => wire.send(json({ type: 'hello', id: '1', data: { version: 1 } })),
    heard: (text) => {
      const { type } = JSON.parse(text) as { type?: string };
      if (type === 'hello') wire.send(json({ type: 'join', id: '2', data: { room_id: room.id } }));
      if (type === 'joined') wire.ready();
    },
    say: (content) => wire.send(json({ type: 'send', id: '3', data: { room_id: room.id, content, client_id: randomId() } })),
  }),
};
