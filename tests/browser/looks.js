// What it looks like: light, dark, on a phone, with the doors open. Pictures for the eye, axe for the rest.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { until } = require('../lib/server.js');

const TALK = [
  ['alice', 'Morning! The deploy is at ten, I’ll keep an eye on the dashboards.'],
  ['bob', 'I’ll be on the train until half past nine. If I vanish in the tunnel, keep talking: I get all of it afterwards.'],
  ['carol', 'That is the nice part. Yesterday my laptop slept for an hour and then it was simply all there.'],
  ['carol', 'Not one message twice.'],
  ['alice', '@bob the runbook says to warm the cache first:\n1. drain the old node\n2. wait for /ready\n3. then switch'],
  ['bob', 'Got it. I’ll do 1 and 2 from here.'],
];

module.exports = async ({ person, pictures }) => {
  const alice = await person('alice');
  const rooms = {};
  for (const title of ['Coffee', 'Design review', 'Release 2.4']) rooms[title] = await alice.make(title);
  const others = { alice, bob: await person('bob'), carol: await person('carol') };
  for (const name of ['bob', 'carol']) await others[name].visit(rooms['Release 2.4']);
  for (const [name, text] of TALK) {
    await others[name].say(text);
    await alice.sees(text);
  }
  await others.bob.choose(TALK[4][1].split('\n')[0] && TALK[3][1], 'React…').catch(() => undefined);
  await others.bob.page.getByRole('menuitemcheckbox', { name: '🎉' }).click();
  await others.carol.line(TALK[5][1]).hover();
  await others.carol.choose(TALK[5][1], 'Reply');
  await others.carol.say('Thank you! Tell me when /ready is green.');
  await alice.sees('Thank you! Tell me when /ready is green.');
  await alice.line(TALK[3][1]).locator('.reaction').click();
  await others.carol.visit(rooms.Coffee);
  await others.carol.say('Who wants one?');
  await others.bob.page.evaluate(() => { location.hash = '#/user/alice'; });
  await others.bob.page.waitForSelector('main.room textarea');
  await others.bob.say('Lunch at one?');
  await alice.page.waitForSelector('.sorts .badge');
  await others.bob.visit(rooms['Release 2.4']);
  await until('all ticks are there', async () => (await alice.tick(TALK[0][1])) === 'read');
  await others.bob.page.type('main.room textarea', 'On it');
  await alice.page.waitForSelector('.typing[data-typing="1"]');
  await alice.page.mouse.move(5, 5);
  await alice.page.focus('main.room textarea');
  const { page } = alice;
  const picture = async (name) => {
    // Nothing that still moves.
    await page.waitForTimeout(300);
    await page.screenshot({ path: path.join(pictures, `${name}.png`) });
  };
  const examined = [];
  const examine = async (what) => { assert.deepEqual(await alice.barriers(), [], what); examined.push(what); };

  await picture('web-room');
  await examine('light');
  await page.click('[aria-label="Members"]');
  await page.waitForSelector('.members li');
  await examine('members');
  await page.emulateMedia({ colorScheme: 'dark' });
  await picture('web-dark');
  await examine('dark');
  await page.click('[aria-label="Close members"]');
  await page.click('[aria-label="New room or conversation"]');
  await page.waitForSelector('#new-title');
  await examine('dialog, dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await examine('dialog');
  await page.keyboard.press('Escape');
  await page.click('[aria-label="Show the five doors"]');
  await until('the doors are open', async () => (await page.$$('.column[data-state=open]')).length === 5);
  await page.fill('[aria-label="Say something at rooms"]', 'Said at one door');
  await page.keyboard.press('Enter');
  await until('heard at the last', async () => (await page.textContent('[data-door=gateway] .frames')).includes('Said at one door'));
  await page.setViewportSize({ width: 1330, height: 580 });
  await picture('web-doors');
  await page.setViewportSize({ width: 390, height: 780 });
  await examine('doors on a phone');
  await page.click('.doors-head [aria-label="Close the five doors"]');
  await page.waitForSelector('main.room textarea');
  await picture('web-phone');
  await examine('phone');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `the page is ${wide} pixels wide on a phone`);
  await page.click('[aria-label="Back to the rooms"]');
  await page.waitForSelector('.at-home .sidebar', { state: 'visible' });
  await picture('web-phone-rooms');
  await examine('rooms on a phone');
  const stranger = await person('dave', { enter: false });
  await stranger.page.waitForSelector('#who');
  assert.deepEqual(await stranger.barriers(), [], 'login');
  return `${examined.length + 1} states without a serious barrier`;
};
