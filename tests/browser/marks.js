// Messages that are marked one by one, as some doors do: each has its own ticks, before and after a reload. And what is said
// while somebody's page is shut is delivered when it is loaded, without being looked at.
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

  // His page is shut for a while; when it is there again it has what was said, unread, and she knows.
  const place = () => bob.page.evaluate(() => localStorage.getItem('switchboard:bob/place'));
  await until('where he is is kept', async () => 'cursor' in JSON.parse(await place()));
  await bob.page.goto('about:blank');
  await alice.say('four');
  await alice.sees('four');
  assert.equal(await alice.tick('four'), 'sent');
  await bob.page.goBack();
  await bob.page.waitForSelector('main.empty');
  await until('it is delivered to a page that is loaded', async () => (await alice.tick('four')) === 'delivered');
};
