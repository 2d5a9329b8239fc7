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

  // A reaction is given, told of, and taken back; what is pressed with Ctrl is the browser's.
  const chosen = (emoji) => page.getByRole('menuitemcheckbox', { name: emoji }).getAttribute('aria-checked');
  const told = (words) => until(`the line says ${words}`, async () => (await focused('aria-label')).includes(words));
  await press('+');
  assert.equal(await chosen('👍'), 'false');
  await press('Enter');
  await told('👍 1, including yours');
  await press('+');
  assert.equal(await chosen('👍'), 'true');
  await press('Enter');
  await until('it was taken back', async () => !(await focused('aria-label')).includes('👍'));
  const taken = (init) => page.evaluate((keys) => {
    const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...keys });
    document.activeElement.dispatchEvent(event);
    return event.defaultPrevented;
  }, init);
  for (const key of ['r', 'e', 'Enter', '+', 'ArrowUp', 'End']) {
    for (const modifier of ['ctrlKey', 'metaKey', 'altKey']) assert.equal(await taken({ key, [modifier]: true }), false, `${modifier} and ${key} are taken from the browser`);
  }
  assert.equal(await page.$('.target'), null);
  assert.match(await focused('aria-label'), /one\nline more/);
  await press('e');
  await until('it is up for editing', async () => (await page.inputValue('textarea')) === 'one\nline more');
  await press('Escape');

  // The Enter of an input method takes a word, and sends nothing: here while it composes, and as Safari tells of it after.
  await page.keyboard.type('kanji');
  for (const composing of [{ isComposing: true }, { keyCode: 229 }]) assert.equal(await taken({ key: 'Enter', ...composing }), false);
  assert.equal(await page.inputValue('textarea'), 'kanji');
  assert.ok(!(await alice.texts()).includes('kanji'), 'what is being composed was sent');
  await page.fill('textarea', '');
  await press('Shift+Tab', 'ArrowUp', 'ArrowUp');
  assert.match(await focused('aria-label'), /^You, .*one\nline more/);

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
