// A narrow window, on which the members or the doors hide the messages: what is hidden loads nothing and is not read, and
// where one was is where one is when it is shown again. And a scroll asks for a read mark when it would rise, once.
'use strict';

const assert = require('node:assert/strict');
const { until } = require('../lib/server.js');
const { flood } = require('./page.js');

const COUNT = 600;
const NARROW = { width: 390, height: 780 };

// In the page: what is in the middle of the screen, and where.
function middle() {
  const line = [...document.querySelectorAll('[data-message]')].find((one) => one.getBoundingClientRect().bottom > innerHeight / 2);
  return { text: line.querySelector('.content').textContent, top: Math.round(line.getBoundingClientRect().top) };
}

const still = (page) => page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 50))); }));

module.exports = async ({ person }) => {
  const alice = await person('alice');
  const room = await alice.make('Hall', { closed: true });
  await flood(alice, room, Array.from({ length: COUNT }, (_, index) => `entry ${index}`));

  const bob = await person('bob', { enter: false, viewport: NARROW });
  const { page } = bob;
  const asked = [];
  const held = [];
  let hold = false;
  await page.routeWebSocket(/\/ws\/chat/, (socket) => {
    const far = socket.connectToServer();
    socket.onMessage((text) => {
      asked.push(JSON.parse(text));
      if (hold && asked.at(-1).type === 'mark') held.push(() => far.send(text));
      else far.send(text);
    });
  });
  const marks = () => asked.filter(({ type }) => type === 'mark').map(({ data }) => data.offset);
  const pages = () => asked.filter(({ type }) => type === 'history').length;
  await page.reload();
  await bob.enter();
  await bob.visit(room);
  await bob.sees(`entry ${COUNT - 1}`);
  await until('the newest are read', async () => (await alice.tick(`entry ${COUNT - 1}`)) === 'read');

  // Somewhere in the middle, as a reader is.
  await page.$eval('[role=feed]', (feed) => { feed.scrollTop -= 900; });
  await still(page);
  const hiders = [
    { show: () => page.click('[aria-label="Members"]'), seen: '.members li', hide: () => page.click('[aria-label="Close members"]') },
    { show: () => page.click('[aria-label="Show the five doors"]'), seen: '.doors', hide: () => page.click('.doors-head [aria-label="Close the five doors"]') },
  ];
  for (const [index, { show, seen, hide }] of hiders.entries()) {
    const [before, paged, marked] = [await page.evaluate(middle), pages(), marks().length];
    await show();
    await page.waitForSelector(seen);
    assert.equal(await page.isVisible('[role=feed]'), false);
    await alice.say(`said behind ${index}`);
    await page.waitForFunction((title) => document.title.startsWith(title), `(${index + 1}) `);
    // All that makes it look where it is.
    await page.evaluate(() => { for (const name of ['focus', 'resize']) dispatchEvent(new Event(name)); document.dispatchEvent(new Event('visibilitychange')); });
    await still(page);
    assert.equal(pages(), paged, 'history is loaded into what is hidden');
    assert.equal(marks().length, marked, 'what is hidden is read');
    assert.equal(await alice.tick(`said behind ${index}`), 'delivered');
    await hide();
    await page.waitForSelector('[role=feed]', { state: 'visible' });
    await until('it stands where it stood', async () => {
      const after = await page.evaluate(middle);
      return after.text === before.text && Math.abs(after.top - before.top) <= 2;
    });
    assert.match(await page.title(), new RegExp(`^\\(${index + 1}\\)`), 'it was read by being shown elsewhere');
  }

  // The wide window shows both, and becomes narrow with the members open.
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.click('[aria-label="Members"]');
  await page.waitForSelector('[role=feed]', { state: 'visible' });
  await still(page);
  const [paged, marked] = [pages(), marks().length];
  await page.setViewportSize(NARROW);
  await still(page);
  assert.equal(await page.isVisible('[role=feed]'), false);
  assert.deepEqual([pages(), marks().length], [paged, marked]);
  await page.click('[aria-label="Close members"]');

  // While one mark is on its way no other is asked for, however one scrolls; then one, for all of it.
  hold = true;
  const from = marks().length;
  await page.$eval('[role=feed]', async (feed) => {
    const frame = () => new Promise((resolve) => { requestAnimationFrame(() => setTimeout(resolve)); });
    for (let step = 0; step < 60; step += 1) {
      feed.scrollTop += 20;
      await frame();
    }
  });
  await page.focus('[role=feed]');
  await page.keyboard.press('End');
  await bob.sees('said behind 1');
  await until('a mark is asked for', () => marks().length > from);
  await still(page);
  assert.equal(marks().length, from + 1, 'marks pile up');
  hold = false;
  for (const go of held) go();
  await until('all of it is read', async () => (await alice.tick('said behind 1')) === 'read');
  const all = marks();
  assert.ok(all.every((offset, index) => index === 0 || offset > all[index - 1]), `a mark that does not rise: ${all}`);
  return `${all.length} marks, ${pages()} pages`;
};
