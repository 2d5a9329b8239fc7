// Two people talk: words, ticks, typing, reply, edit, delete, reactions, unread badges, a conversation of two.
'use strict';

const assert = require('node:assert/strict');
const { until } = require('../lib/server.js');

module.exports = async ({ person }) => {
  const alice = await person('alice');
  // A private one: in those that are open to everybody nobody is told who has got what.
  const room = await alice.make('Lobby', { closed: true });
  const bob = await person('bob');
  await bob.visit(room);
  await until('each sees that the other is there', async () => (await alice.page.textContent('.room-head')).includes('2 members, 2 online'));

  await bob.page.type('main.room textarea', 'He');
  await until('alice sees that bob types', async () => (await alice.page.textContent('.typing')).includes('bob is typing'));
  await bob.say('Hello, alice');
  await alice.sees('Hello, alice');
  await until('typing has ended', async () => (await alice.page.textContent('.typing')) === '');
  await until('bob sees that it was read', async () => (await bob.tick('Hello, alice')) === 'read');

  await alice.say('one\ntwo');
  await bob.sees('one\ntwo');

  // Who looks elsewhere has got it, but not read it, and sees the badge.
  await bob.page.evaluate(() => { location.hash = '#/'; });
  await bob.page.waitForSelector('main.empty');
  await alice.say('Are you there, @bob?');
  await bob.page.waitForSelector(`[data-room="${room}"] .badge[aria-label="1 unread"]`);
  await bob.page.waitForSelector(`[data-room="${room}"] .badge[aria-label="1 mentions"]`);
  assert.match(await bob.page.title(), /^\(1\) /);
  await until('alice sees that it was delivered', async () => (await alice.tick('Are you there, @bob?')) === 'delivered');
  await bob.visit(room);
  await bob.page.waitForSelector('.unread-line');
  const below = await bob.page.$eval('.unread-line', (line) => line.parentElement.querySelector('.content').textContent);
  assert.equal(below, 'Are you there, @bob?');
  await until('alice sees that it was read', async () => (await alice.tick('Are you there, @bob?')) === 'read');
  await until('the badge is gone', async () => (await bob.page.$(`[data-room="${room}"] .badge`)) === null);

  await bob.choose('Are you there, @bob?', 'Reply');
  await bob.say('Yes');
  await alice.sees('Yes');
  assert.match(await alice.line('Yes').locator('.quote').textContent(), /alice Are you there/);

  await bob.choose('Yes', 'Edit');
  await until('what is edited stands in the box', async () => (await bob.page.inputValue('main.room textarea')) === 'Yes');
  await bob.say('Yes, of course');
  await alice.sees('Yes, of course');
  assert.match(await alice.line('Yes, of course').textContent(), /\(edited\)/);

  await alice.line('Yes, of course').hover();
  await alice.line('Yes, of course').getByRole('button', { name: 'React', exact: true }).click();
  await alice.page.getByRole('menuitemcheckbox', { name: '🎉' }).click();
  const given = bob.line('Yes, of course').locator('.reaction');
  await until('bob sees the reaction', async () => (await given.count()) === 1);
  assert.equal(await given.getAttribute('aria-label'), '🎉, 1: alice');
  await given.click();
  await until('both gave it', async () => (await alice.line('Yes, of course').locator('.reaction').textContent()) === '🎉2');
  await given.click();
  await until('bob took his back', async () => (await alice.line('Yes, of course').locator('.reaction').textContent()) === '🎉1');

  await bob.choose('Hello, alice', 'Delete');
  await until('it is gone for both', async () => !(await alice.texts()).includes('Hello, alice') && !(await bob.texts()).includes('Hello, alice'));
  assert.deepEqual(await alice.texts(), await bob.texts());
  await alice.line('Yes, of course').hover();
  await alice.line('Yes, of course').getByRole('button', { name: 'More' }).click();
  assert.equal(await alice.page.getByRole('menuitem', { name: 'Edit' }).count(), 0, 'what others said is not for editing');
  await alice.page.keyboard.press('Escape');

  // A guild by its id, and a room that is open to everybody, from the list.
  await alice.page.click('[aria-label="New room or conversation"]');
  await alice.page.check('text=It is a guild');
  await alice.page.fill('#by-id', 'g1');
  await alice.page.press('#by-id', 'Enter');
  await alice.page.waitForSelector('.sorts section:has(h2:text-is("Guilds")) .room-item[aria-current=page]');
  await alice.say('Guild talk');
  await alice.sees('Guild talk');
  await alice.make('Open to all');
  await bob.page.click('[aria-label="New room or conversation"]');
  await bob.page.click('[aria-label="Join Open to all"]');
  await bob.page.waitForSelector('main.room[aria-label="Open to all"] textarea');
  await bob.page.click('[aria-label="Leave Open to all"]');
  await bob.page.waitForSelector('main.empty');
  await until('it is not his any more', async () => !(await bob.page.textContent('.sorts')).includes('Open to all'));

  await bob.page.locator('.person', { hasText: 'alice' }).click();
  await bob.page.waitForSelector('main.room textarea');
  await bob.say('Between us');
  await alice.page.waitForSelector('.sorts section:has(h2:text-is("Direct")) .badge');
  await alice.page.locator('.sorts section:has(h2:text-is("Direct")) .room-item').first().click();
  await alice.sees('Between us');
  await until('bob is in the conversation', async () => (await bob.texts({ acknowledged: true })).includes('Between us'));
  await alice.say('Only us');
  await bob.sees('Only us');
};
