// One room through each of the five protocols, and the native tongue: what is said at any of them, all the others hear.
'use strict';

const assert = require('node:assert/strict');
const { until } = require('../lib/server.js');

async function everyDoorHears(alice, doors) {
  const { page } = alice;
  await until(() => `the doors are open: ${doors}`, async () => (await page.$$('.column[data-state=open]')).length === doors.length);
  assert.deepEqual(await page.$$eval('.column', (all) => all.map((one) => one.dataset.door)), doors);
  for (const door of doors) {
    const text = `said at ${door}`;
    await page.fill(`[aria-label="Say something at ${door}"]`, text);
    await page.keyboard.press('Enter');
    await alice.sees(text);
    for (const other of doors) {
      if (other === door) continue;
      await until(`${other} hears what is said at ${door}`, async () => (await page.$$eval(`[data-door="${other}"] .frame.in pre`, (all) => all.map((one) => one.textContent))).some((frame) => frame.includes(text)));
    }
  }
}

module.exports = async ({ person }) => {
  const alice = await person('alice');
  await alice.make('Doors');
  await alice.page.click('[aria-label="Show the five doors"]');
  await everyDoorHears(alice, ['native', 'rooms', 'chat', 'socketio', 'gateway']);
  assert.deepEqual(await alice.barriers(), []);

  const bob = await person('bob');
  await alice.page.evaluate(() => { location.hash = '#/user/bob'; });
  await alice.page.waitForSelector('main.room textarea');
  await alice.say('hello');
  await alice.page.waitForSelector('[aria-label="Show the five doors"]');
  await alice.page.click('[aria-label="Show the five doors"]');
  await everyDoorHears(alice, ['native', 'rooms', 'chat', 'socketio', 'gateway', 'direct']);
  await bob.page.waitForSelector('.sorts .badge[aria-label="7 unread"]');
};
