// Edits, like messages, outlast the line and the page: what was typed is shown, kept, and saved in the end, or said to be
// refused with the words still there.
'use strict';

const assert = require('node:assert/strict');
const { until } = require('../lib/server.js');

const MINUTE = 60_000;

module.exports = async ({ server, person }) => {
  const alice = await person('alice');
  const room = await alice.make('Lobby', { closed: true });
  const bob = await person('bob');
  const { page } = bob;
  const edit = async (from, to) => {
    await bob.choose(from, 'Edit');
    await until('what is edited stands in the box', async () => (await page.inputValue('main.room textarea')) === from);
    await bob.say(to);
    await until('it is shown', async () => (await bob.texts()).includes(to));
  };
  await bob.visit(room);
  for (const text of ['first', 'second', 'third']) await bob.say(text);
  await alice.sees('third');

  // An edit that is begun is there again when one comes back.
  await bob.choose('first', 'Edit');
  await page.fill('main.room textarea', 'first, nearly');
  await page.evaluate(() => { location.hash = '#/'; });
  await page.waitForSelector('main.empty');
  await bob.visit(room);
  await until('the edit is there', async () => (await page.inputValue('main.room textarea')) === 'first, nearly');
  // One of another message, or a reply, does not take its words away either.
  await bob.choose('second', 'Edit');
  await until('the other one is there', async () => (await page.inputValue('main.room textarea')) === 'second');
  await bob.choose('third', 'Reply');
  await until('a reply is empty', async () => (await page.inputValue('main.room textarea')) === '');
  await bob.choose('first', 'Edit');
  await until('the edit is there still', async () => (await page.inputValue('main.room textarea')) === 'first, nearly');
  await page.keyboard.press('Escape');
  assert.equal(await page.inputValue('main.room textarea'), '');

  // Made without a connection, for longer than any call waits; then the last of two is saved.
  await page.clock.install();
  await server.kill();
  await page.waitForSelector('.banner.shown');
  await edit('first', 'first, edited');
  assert.match(await bob.line('first, edited').getAttribute('aria-label'), /edited, being saved/);
  await edit('first, edited', 'first, edited twice');
  await page.clock.fastForward(MINUTE);
  assert.ok((await bob.texts()).includes('first, edited twice'), 'an edit is given up');
  assert.equal(await page.$('.floating'), null);
  await page.clock.resume();
  await server.again();
  await page.clock.fastForward(MINUTE);
  await alice.sees('first, edited twice');
  await until('nothing is left to save', async () => (await page.$('.pending')) === null);

  // The page is gone as well; and one of the messages, when it is back.
  await server.kill();
  await page.waitForSelector('.banner.shown');
  await edit('second', 'second, edited');
  await edit('third', 'third, edited');
  await page.goto('about:blank');
  await server.again();
  await until('alice is back', async () => (await alice.page.$('.banner.shown')) === null);
  await alice.choose('third', 'Delete');
  await until('it is deleted', async () => !(await alice.texts()).includes('third'));
  await page.goto(`http://127.0.0.1:${server.port}/#/room/${room}`);
  await alice.sees('second, edited');
  await page.waitForSelector('.orphans');
  assert.match(await page.textContent('.orphans'), /^third, editedNot saved\. That message is gone\./);
  await page.click('.orphans >> text=Discard');
  await until('it is let go of', async () => (await page.$('.orphans')) === null);
  await page.reload();
  await bob.sees('second, edited');
  assert.deepEqual(await bob.texts(), ['first, edited twice', 'second, edited']);
  assert.equal(await page.$('.orphans'), null);

  // Edited elsewhere meanwhile: nothing is written over it before its author has decided.
  for (const [how, then] of [['Save anyway', 'mine 0'], ['Discard', 'theirs 1']].entries()) {
    const [mine, theirs] = [`mine ${how}`, `theirs ${how}`];
    const before = (await alice.texts({ acknowledged: true }))[0];
    await server.kill();
    await page.waitForSelector('.banner.shown');
    await edit(before, mine);
    if (how) await page.goto('about:blank');
    await bob.context.setOffline(true);
    await server.again();
    await alice.page.evaluate(elsewhere, [room, theirs]);
    await bob.context.setOffline(false);
    if (how) await page.goto(`http://127.0.0.1:${server.port}/#/room/${room}`);
    else await page.clock.fastForward(MINUTE);
    await page.waitForSelector('.failed-line');
    assert.equal(await page.textContent('.failed-line span'), `Not saved. The message was changed elsewhere meanwhile. It says now: ${theirs}`);
    assert.ok((await bob.texts()).includes(mine));
    await page.click(`.failed-line >> text=${then[0]}`);
    await alice.sees(then[1]);
    await bob.sees(then[1]);
    await until('nothing is left to save', async () => (await page.$('.pending')) === null);
  }
};

// In the page of somebody else: the first of bob's messages, edited on another device of his.
function elsewhere([room, content]) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws/chat?token=bob`);
    const ask = (id, type, data) => socket.send(JSON.stringify({ type, id, data }));
    socket.onopen = () => ask('1', 'hello', { version: 1 });
    socket.onmessage = ({ data: text }) => {
      const { type, id, data } = JSON.parse(text);
      if (type === 'error') reject(new Error(text));
      if (id === '1') ask('2', 'history', { room_id: room });
      if (id === '2') ask('3', 'edit', { message_id: data.messages.find(({ by }) => by.id === 'bob').message_id, content });
      if (id === '3') resolve(socket.close());
    };
  });
}
