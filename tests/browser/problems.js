// A room that can't be opened says why, and opens by itself when what was in the way has gone.
'use strict';

const { until } = require('../lib/server.js');

const MINUTE = 60_000;
const says = (page, words) => until(`it says ${words}`, async () => (await page.textContent('main').catch(() => '')).includes(words));

module.exports = async ({ server, person }) => {
  const alice = await person('alice');
  const bob = await person('bob');
  const first = await alice.make('First', { closed: true });
  const second = await alice.make('Second');
  await alice.say('it is there');
  await bob.visit(first);
  await bob.visit(second);
  await bob.visit(first);

  // There is no connection for longer than a call waits.
  await bob.page.clock.install();
  await server.kill();
  await bob.page.waitForSelector('.banner.shown');
  await bob.page.evaluate((id) => { location.hash = `#/room/${id}`; }, second);
  await bob.page.waitForSelector('main[aria-busy=true]');
  await bob.page.clock.fastForward(MINUTE);
  await says(bob.page, 'No answer came in time.');
  await server.again();
  await bob.page.clock.fastForward(MINUTE);
  await bob.sees('it is there');

  // One is removed, and is asked in again.
  await alice.visit(second);
  await alice.page.click('[aria-label="Members"]');
  await alice.page.click('[aria-label="Remove bob"]');
  await says(bob.page, 'You are no longer in this room.');
  await alice.page.evaluate(ask, ['invite', { room_id: second, user_id: 'bob' }]);
  await bob.sees('it is there');

  // All seats of a room of one's own are taken: the list says whose it is before one is refused to come in.
  const full = await alice.page.evaluate(ask, ['create_room', { title: 'Full', kind: 'public', max_users: 2 }]);
  const carol = await person('carol');
  await bob.visit(full.room.id);
  await carol.visit(full.room.id);
  await alice.visit(full.room.id);
  await alice.say('it is mine');
  const held = [];
  await alice.page.routeWebSocket(/\/ws\/chat/, (socket) => {
    const far = socket.connectToServer();
    socket.onMessage((text) => { if (JSON.parse(text).type === 'join') held.push(() => far.send(text)); else far.send(text); });
  });
  await alice.page.reload();
  await until('she asks to come in', () => held.length > 0);
  await alice.page.waitForSelector('.sorts .room-item:has-text("Full")');
  for (const join of held) join();
  await alice.sees('it is mine');
};

// In the page: over a socket of its own, since there is no button for it.
function ask([what, data]) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws/chat?token=alice`);
    const say = (id, type, more) => socket.send(JSON.stringify({ type, id, data: more }));
    socket.onopen = () => say('1', 'hello', { version: 1 });
    socket.onmessage = ({ data: text }) => {
      const { type, id, data: answer } = JSON.parse(text);
      if (type === 'error') reject(new Error(text));
      if (id === '1') say('2', what, data);
      if (id === '2') { socket.close(); resolve(answer); }
    };
  });
}
