import { randomId } from '../lib/random';
import { SERVER, SOCKETS } from '../lib/server';
import { type Door, json, token } from './door';

/** One says things over HTTP; the socket pushes. */
export const direct: Door = {
  name: 'direct',
  about: 'REST to send, a socket that pushes; conversations of two.',
  fits: (room) => room.kind === 'direct',
  url: (place, show) => `${SOCKETS}/ws/${place.who.number ?? 0}?token=${token(place, show)}`,
  talk: ({ who, other }, wire) => ({
    opened: () => wire.ready(),
    say: (content) => {
      const body = json({ receiver_id: other?.number, content, client_id: randomId() });
      wire.note(true, `POST /api/messaging/messages/\n${body}`);
      fetch(`${SERVER}/api/messaging/messages/`, {
        method: 'POST', body, headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${who.token}` },
      }).then(
        async (answer) => wire.note(false, `${answer.status}\n${await answer.text()}`),
        (error: unknown) => wire.note(false, String(error)),
      );
    },
  }),
};
