import { randomId } from '../lib/random';
import { SOCKETS } from '../lib/server';
import { type Door, always, json, token } from './door';

export const gateway: Door = {
  name: 'gateway',
  about: 'Actions as to a cloud’s API gateway; all of one’s conversations.',
  fits: always,
  url: (place, show) => `${SOCKETS}/production?userId=${encodeURIComponent(place.who.id)}&token=${token(place, show)}`,
  talk: ({ room, who, other }, wire) => ({
    opened: () => wire.ready(),
    say: (content) => wire.send(json({
      action: 'sendMessage', messageId: randomId(), conversationId: room.id, senderId: who.id, content,
      ...(other ? { recipientId: other.id } : { isGroupChat: true, recipientIds: [] }),
    })),
  }),
};
