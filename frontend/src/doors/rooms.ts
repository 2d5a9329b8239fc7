import { randomId } from '../lib/random';
import { SOCKETS } from '../lib/server';
import { type Door, always, json, token } from './door';

export const rooms: Door = {
  name: 'rooms',
  about: 'One socket per room. No echo: an ack instead.',
  fits: always,
  url: (place, show) => `${SOCKETS}/ws/rooms/${encodeURIComponent(place.room.id)}?token=${token(place, show)}`,
  talk: (_, wire) => ({
    opened: () => wire.ready(),
    say: (text) => wire.send(json({ text, client_id: randomId() })),
  }),
};
