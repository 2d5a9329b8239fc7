import { SOCKETS } from '../lib/server';
import { type Door, always, json } from './door';

// Engine.IO 4 carries Socket.IO 5: "0" opens, "2" is a ping and "3" its pong; "40" connects, "42" is an event, and the
// digits behind it are the number that its acknowledgement ("43") has.
export const socketio: Door = {
  name: 'socketio',
  about: 'Socket.IO 5 over Engine.IO 4, spoken by hand.',
  fits: always,
  url: () => `${SOCKETS}/socket.io/?EIO=4&transport=websocket`,
  talk: ({ room, who }, wire) => {
    let acks = 0;
    return {
      heard: (text) => {
        if (text.startsWith('0')) wire.send('40');
        else if (text === '2') wire.send('3');
        else if (text.startsWith('40')) {
          wire.send(`42${json(['authenticate', { userId: who.id, token: who.token }])}`);
          wire.send(`42${json(['join_room', { roomId: room.id }])}`);
        } else if (text.startsWith('42["room_joined"')) wire.ready();
      },
      say: (content) => {
        wire.send(`42${acks}${json(['send_message', { room_id: room.id, content }])}`);
        acks += 1;
      },
    };
  },
};
