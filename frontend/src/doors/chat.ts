import { SOCKETS } from '../lib/server';
import { type Door, always, json, token } from './door';

export const chat: Door = {
  name: 'chat',
  about: 'Envelopes of type and data; one room at a time.',
  fits: always,
  url: (place, show) => `${SOCKETS}/ws/chat?token=${token(place, show)}`,
  talk: ({ room }, wire) => ({
    opened: () => {
      wire.send(json({ type: 'join_room', data: { room_id: room.id } }));
      wire.ready();
    },
    say: (content) => wire.send(json({ type: 'send_message', data: { type: 'text', content, room_id: room.id } })),
  }),
};
