// Over plain HTTP from another machine a page is given no clipboard and no random UUIDs: all of it works without.
'use strict';

const assert = require('node:assert/strict');
const { until } = require('../lib/server.js');

module.exports = async ({ person }) => {
  const alice = await person('alice', { enter: false });
  const { page } = alice;
  await page.addInitScript(() => {
    delete Crypto.prototype.randomUUID;
    delete Navigator.prototype.clipboard;
  });
  await page.reload();
  assert.deepEqual(await page.evaluate(() => [typeof crypto.randomUUID, typeof navigator.clipboard]), ['undefined', 'undefined']);
  await alice.enter();
  const room = await alice.make('Plain');
  await alice.say('copy me\nwith both lines');
  await alice.sees('copy me\nwith both lines');

  const pasted = async () => {
    await page.fill('main.room textarea', '');
    await page.focus('main.room textarea');
    await page.keyboard.press('Control+v');
    return page.inputValue('main.room textarea');
  };
  await alice.choose('copy me\nwith both lines', 'Copy text');
  assert.equal(await pasted(), 'copy me\nwith both lines');
  await page.click('[aria-label="Members"]');
  await page.click('[aria-label="Copy the room’s id"]');
  await page.waitForSelector('.room-id >> text=Copied');
  assert.equal(await pasted(), room);
  await page.fill('main.room textarea', '');
  assert.equal(await page.$('.floating'), null);

  // Where the browser forbids that as well, it is said, and by the next thing that works taken back.
  await page.evaluate(() => { document.execCommand = () => false; });
  await alice.choose('copy me\nwith both lines', 'Copy text');
  await page.waitForSelector('.floating[role=alert]');
  await page.click('.floating [aria-label=Dismiss]');
  await until('it is dismissed', async () => (await page.$('.floating')) === null);
  await alice.choose('copy me\nwith both lines', 'Copy text');
  await page.waitForSelector('.floating[role=alert]');
  await alice.line('copy me\nwith both lines').hover();
  await alice.line('copy me\nwith both lines').getByRole('button', { name: 'React', exact: true }).click();
  await page.getByRole('menuitemcheckbox', { name: '🎉' }).click();
  await until('the word is gone', async () => (await page.$('.floating')) === null);

  await page.click('[aria-label="Show the five doors"]');
  await until('the doors are open', async () => (await page.$$('.column[data-state=open]')).length === 5);
  for (const door of ['native', 'rooms', 'gateway']) {
    await page.fill(`[aria-label="Say something at ${door}"]`, `said at ${door}`);
    await page.keyboard.press('Enter');
    await alice.sees(`said at ${door}`);
  }
};
