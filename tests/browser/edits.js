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
};
