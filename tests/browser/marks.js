// Messages that are marked one by one, as some doors do: each has its own ticks, before and after a reload.
'use strict';

const assert = require('node:assert/strict');
const { until } = require('../lib/server.js');

module.exports = async ({ server, person }) => {
  const alice = await person('alice');
  const room = await alice.make('Lobby', { closed: true });
  const bob = await person('bob');
  await bob.visit(room);
  await bob.page.evaluate(() => { location.hash = '#/'; });
  await bob.page.waitForSelector('main.empty');
  for (const text of ['one', 'two', 'three']) await alice.say(text);
  for (const text of ['one', 'two', 'three']) await until('it is delivered', async () => (await alice.tick(text)) === 'delivered');
  const id = await alice.line('two').getAttribute('data-message');
  const { status, text } = await server.ask('PUT', '/messages/read', {
    headers: { Authorization: 'Bearer bob', 'Content-Type': 'application/json' }, body: { messageIds: [id] },
  });
  assert.equal(status, 200, text);
  const ticks = async () => Promise.all(['one', 'two', 'three'].map((one) => alice.tick(one)));
  await until('the one is read', async () => (await alice.tick('two')) === 'read');
  assert.deepEqual(await ticks(), ['delivered', 'read', 'delivered']);
  await alice.page.reload();
  await alice.sees('three');
  await until('so it is after a reload', async () => (await ticks()).join() === 'delivered,read,delivered');
};
