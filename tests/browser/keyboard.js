// Without a pointer: in, to a room, talk, edit, go through what was said, delete, make a room.
'use strict';

const assert = require('node:assert/strict');
const { until } = require('../lib/server.js');

module.exports = async ({ person }) => {
  const helper = await person('helper');
  const first = await helper.make('First');
  const second = await helper.make('Second');
  const alice = await person('alice', { enter: false });
  const { page } = alice;
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  const focused = (property) => page.evaluate((name) => document.activeElement?.getAttribute(name) ?? '', property);
  const room = (title) => until(`${title} is open`, async () => (await page.textContent('main').catch(() => '')).includes(title) && (await page.$('main.room textarea')) !== null);

  await page.waitForSelector('#who:focus');
  await page.keyboard.type('alice');
  await press('Enter');
  await page.waitForSelector('.sidebar');
  for (const id of [first, second]) await alice.visit(id);
  await press('Control+k');
  assert.equal(await focused('id'), 'filter');
  await press('ArrowDown');
  assert.equal(await focused('data-room'), second);
  await press('ArrowDown');
  assert.equal(await focused('data-room'), first);
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, 'solid', 'what has the focus is to be seen');
  await press('Enter');
  await room('First');
  await page.waitForSelector('main.room textarea:focus');

  await page.keyboard.type('one');
  await press('Shift+Enter');
  await page.keyboard.type('line more');
  await press('Enter');
  await alice.sees('one\nline more');
  await page.keyboard.type('tow');
  await press('Enter');
  await alice.sees('tow');
  await press('ArrowUp');
  await until('it is up for editing', async () => (await page.inputValue('textarea')) === 'tow');
  await press('Escape');
  await until('it is let go of', async () => (await page.inputValue('textarea')) === '');
  await press('ArrowUp');
  await until('it is up for editing', async () => (await page.inputValue('textarea')) === 'tow');
  await press('End', 'Backspace', 'Backspace');
  await page.keyboard.type('wo');
  await press('Enter');
  await alice.sees('two');

  await press('Shift+Tab');
  assert.equal(await focused('role'), 'feed');
  await press('ArrowUp');
  assert.match(await focused('aria-label'), /^You, .*two, edited/);
  await press('ArrowUp');
  assert.match(await focused('aria-label'), /^You, .*one\nline more/);
  await press('Enter', 'End');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Delete');
  await press('Escape');
  assert.match(await focused('aria-label'), /one\nline more/, 'the focus goes back');
  await press('Enter', 'ArrowUp', 'Enter');
  await until('it is gone', async () => !(await alice.texts()).includes('one\nline more'));

  const heard = () => page.textContent('[role=log][aria-live=polite]');
  await helper.visit(first);
  await helper.say('for the ears');
  await until('a screen reader is told', async () => (await heard()).includes('helper: for the ears'));
  assert.ok(!(await heard()).includes('two'), 'what one said oneself, or is old, is not');

  await page.focus('[aria-label="New room or conversation"]');
  await press('Enter');
  await page.waitForSelector('#new-title:focus');
  await press('Escape');
  await until('the dialog is gone', async () => (await page.$('dialog')) === null);
  assert.equal(await focused('aria-label'), 'New room or conversation', 'the focus goes back');
  await press('Enter');
  await page.waitForSelector('#new-title:focus');
  await page.keyboard.type('Made by hand');
  await press('Enter');
  await room('Made by hand');
};
