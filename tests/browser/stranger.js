// Somebody who is in no room, and to whom nothing was said: what is typed and said to them is there whatever happens before
// there is a conversation, and it is in the conversation then.
'use strict';

const assert = require('node:assert/strict');
const { until } = require('../lib/server.js');

const box = (page) => page.inputValue('main.room textarea');
const go = async (page, hash) => {
  await page.evaluate((to) => { location.hash = to; }, hash);
  await page.waitForSelector(hash === '#/' ? 'main.empty' : 'main.room textarea');
};

module.exports = async ({ server, person }) => {
  const bob = await person('bob');
  const zoe = await person('zoe', { enter: false });
  const { page } = zoe;
  const held = [];
  const lost = new Set();
  await page.routeWebSocket(/\/ws\/chat/, (socket) => {
    const far = socket.connectToServer();
    socket.onMessage((text) => {
      const { type } = JSON.parse(text);
      if (type === 'rooms' && lost.has(type)) held.push(() => far.send(text));
      else if (!lost.has(type)) far.send(text);
    });
  });

  // Before the list has come it is not said that there is nothing on it.
  lost.add('rooms');
  await page.reload();
  await zoe.enter();
  await until('the list is asked for', () => held.length > 0);
  assert.match(await page.textContent('.sorts'), /Looking for your rooms/);
  assert.doesNotMatch(await page.textContent('.sorts'), /in no room yet/);
  lost.clear();
  for (const ask of held) ask();
  await until('the list is known to be empty', async () => (await page.textContent('.sorts')).includes('You are in no room yet'));

  // What is typed is there again.
  await go(page, '#/user/bob');
  assert.equal(await page.getAttribute('main.room textarea', 'placeholder'), 'Message bob');
  await page.fill('main.room textarea', 'half a thou');
  await go(page, '#/');
  await go(page, '#/user/bob');
  assert.equal(await box(page), 'half a thou');

  // What is said waits, is shown, and goes on waiting over a look elsewhere and a reload.
  lost.add('send');
  await zoe.say('one');
  await zoe.say('two');
  await until('it is shown', async () => (await zoe.texts()).join() === 'one,two');
  assert.equal(await zoe.tick('two'), 'sending');
  assert.deepEqual(await zoe.barriers(), []);
  await page.fill('main.room textarea', 'and thr');
  await go(page, '#/');
  await go(page, '#/user/bob');
  assert.deepEqual(await zoe.texts(), ['one', 'two']);
  assert.equal(await box(page), 'and thr');
  await page.reload();
  await page.waitForSelector('main.room textarea');
  await until('it is shown after a reload', async () => (await zoe.texts()).join() === 'one,two');

  // The line comes back while a third is typed, and the conversation takes all of it over.
  await page.focus('main.room textarea');
  await page.keyboard.type('and thr');
  await server.kill();
  lost.clear();
  await server.again();
  await until('it is taken', async () => (await zoe.texts({ acknowledged: true })).join() === 'one,two');
  assert.equal(await box(page), 'and thr');
  await page.waitForSelector('main.room textarea:focus');
  await page.keyboard.type('ee');
  await page.keyboard.press('Enter');
  await zoe.sees('and three');
  assert.equal(await page.getAttribute('main.room textarea', 'placeholder'), 'Message bob');
  assert.equal(await page.getAttribute('[role=feed]', 'aria-label'), 'Messages in bob');
  assert.match(await page.title(), /^bob · /);
  await bob.page.locator('.sorts section:has(h2:text-is("Direct")) .room-item').first().click();
  await bob.sees('and three');
  assert.deepEqual(await bob.texts(), ['one', 'two', 'and three']);

  // A draft is there in the conversation, by whichever address one comes.
  await page.fill('main.room textarea', 'later');
  await go(page, '#/');
  await page.locator('.sorts .room-item', { hasText: 'bob' }).first().click();
  await until('the draft is there', async () => (await page.$('main.room textarea')) !== null && (await box(page)) === 'later');

  // What is refused says so where it was said, and is let go of.
  await go(page, `#/user/${'x'.repeat(1_000)}`);
  await zoe.say('hello?');
  await page.waitForSelector('.failed-line[role=alert]');
  await page.click('text=Discard');
  await until('it is gone', async () => (await zoe.texts()).length === 0);

  // A conversation that there is, is never said to be empty, however soon its address is drawn after a reload.
  await go(page, '#/user/bob');
  await page.addInitScript(() => {
    window.saidNothing = false;
    new MutationObserver(() => { window.saidNothing ||= document.querySelector('.nothing') !== null; }).observe(document, { childList: true, subtree: true });
  });
  await page.reload();
  await zoe.sees('and three');
  assert.equal(await page.evaluate(() => window.saidNothing), false);

  // Who signs in next in the tab is not brought to where the one before was: neither by the address, nor by going back.
  const room = await zoe.make('Secret', { closed: true });
  await zoe.say('between us');
  await zoe.sees('between us');
  const nextIs = async (name) => {
    await page.waitForSelector('#who');
    zoe.name = name;
    await zoe.enter();
    await page.waitForSelector('main.empty');
    assert.equal(await page.evaluate(() => location.hash), '#/');
    await until('the list is known to be empty', async () => (await page.textContent('.sorts')).includes('You are in no room yet'));
  };
  await page.click('[aria-label="Sign out"]');
  await nextIs('yan');
  await page.click('[aria-label="Sign out"]');
  await page.evaluate((id) => { location.hash = `#/room/${id}`; }, room);
  await nextIs('xia');
  // A tab of one's own, opened by a link, leads in.
  const tab = await zoe.context.newPage();
  await tab.goto(`http://127.0.0.1:${server.port}/#/room/${room}`);
  await tab.fill('#who', 'wim');
  await tab.press('#who', 'Enter');
  await tab.waitForSelector(`main[data-room="${room}"] textarea`);
};
