// Cut off and back: nothing is missed, nothing doubled, and what was said meanwhile goes out once, under the same id.
'use strict';

const assert = require('node:assert/strict');
const { until } = require('../lib/server.js');

const numbered = (word, count) => Array.from({ length: count }, (_, index) => `${word} ${index}`);
const once = (all, wanted) => wanted.every((text) => all.filter((one) => one === text).length === 1);

module.exports = async ({ server, person }) => {
  const alice = await person('alice');
  const room = await alice.make('Lobby');
  const bob = await person('bob', { enter: false });
  const sent = new Map();
  const sockets = new Set();
  // What is kept from going over the line just now.
  let lost = 'nothing';
  // What bob's page says is noted, and the line can break at the worst moment: before a message, or before its acknowledgement.
  await bob.page.routeWebSocket(/\/ws\/chat/, (socket) => {
    const far = socket.connectToServer();
    sockets.add(socket);
    socket.onMessage((text) => {
      const { type, data } = JSON.parse(text);
      if (type === 'send') {
        sent.set(data.content, [...(sent.get(data.content) ?? []), data.client_id]);
        if (lost === 'sends') return;
      }
      far.send(text);
    });
    far.onMessage((text) => {
      const { type } = JSON.parse(text);
      if (lost !== 'acknowledgements' || (type !== 'ack' && type !== 'message')) socket.send(text);
    });
  });
  // What the page begins with is what is routed.
  await bob.page.reload();
  await bob.enter();
  await bob.visit(room);
  await alice.say('before');
  await bob.sees('before');

  const cut = async () => {
    const all = [...sockets];
    sockets.clear();
    lost = 'nothing';
    for (const socket of all) await socket.close({ code: 4000, reason: 'cut' }).catch(() => undefined);
  };

  // The message was lost with the connection: it goes out again, under the same id.
  lost = 'sends';
  await bob.say('lost on the way');
  await until('it was sent', () => sent.has('lost on the way'));
  assert.equal(await bob.tick('lost on the way'), 'sending');
  await cut();
  await alice.sees('lost on the way');
  await bob.sees('lost on the way');
  assert.equal(sent.get('lost on the way').length, 2);
  assert.equal(new Set(sent.get('lost on the way')).size, 1, 'it was sent again under another id');

  // The acknowledgement was lost with the connection: it is there already, and not shown twice.
  lost = 'acknowledgements';
  await bob.say('said once');
  await alice.sees('said once');
  assert.equal(await bob.tick('said once'), 'sending');
  await cut();
  await bob.sees('said once');
  assert.equal(new Set(sent.get('said once')).size, 1, 'it was sent again under another id');

  // The server is killed under both; both go on talking.
  const [hers, his] = [numbered('hers', 12), numbered('his', 12)];
  for (const text of [hers[0], hers[1]]) await alice.say(text);
  await bob.say(his[0]);
  await server.kill();
  for (const text of his.slice(1)) await bob.say(text);
  for (const text of hers.slice(2)) await alice.say(text);
  await bob.page.waitForSelector('.banner.shown');
  assert.ok((await bob.texts()).includes('his 11'), 'what was said is shown at once');
  await server.again();
  await until('all of it arrived', async () => once(await alice.texts({ acknowledged: true }), [...hers, ...his]) && once(await bob.texts({ acknowledged: true }), [...hers, ...his]));
  await until('the banner is gone', async () => (await bob.page.$('.banner.shown')) === null);
  assert.deepEqual(await alice.texts(), await bob.texts());
  for (const text of his) assert.equal(new Set(sent.get(text)).size, 1, `${text} was sent under two ids`);
  const order = (await alice.texts()).filter((text) => text.startsWith('his '));
  assert.deepEqual(order, his, 'in the order in which it was said');

  // One has no network; the other says much, edits and deletes.
  const carol = await person('carol');
  await carol.visit(room);
  await carol.sees('his 11');
  await carol.context.setOffline(true);
  await carol.page.waitForSelector('.banner.shown', { timeout: 90_000 });
  const missed = numbered('missed', 60);
  await bob.choose('said once', 'Delete');
  for (const text of missed) await alice.say(text);
  await carol.say('from afar');
  await alice.sees('missed 59');
  await carol.context.setOffline(false);
  await until('she has caught up', async () => once(await carol.texts({ acknowledged: true }), [...missed.slice(-10), 'from afar']));
  await carol.page.reload();
  await carol.page.waitForSelector('main.room textarea');
  await carol.sees('from afar');
  const said = [];
  // All of them, seen by scrolling through.
  await carol.page.focus('[role=feed]');
  await until('she has seen all', async () => {
    for (const text of await carol.texts({ acknowledged: true })) if (!said.includes(text)) said.push(text);
    await carol.page.$eval('[role=feed]', (feed) => { feed.scrollTop -= 400; });
    return said.includes('before');
  });
  assert.ok(once(said, missed), 'something is missing or doubled');
  assert.ok(!said.includes('said once'), 'what was deleted while she was away is shown');
  const { json } = await server.ask('GET', `/messages/room/${room}?limit=200`, { headers: { Authorization: 'Bearer alice' } });
  const kept = json.data.map(({ content }) => content);
  assert.ok(once(kept, [...hers, ...his, ...missed, 'from afar', 'before', 'lost on the way']), 'the log has something twice');
  return `${kept.length} messages`;
};
