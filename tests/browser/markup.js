// Two hundred texts that are scripts to whoever takes them for markup, as messages, edits, names and titles: shown as
// they are, letter by letter; no dialog, no request elsewhere, nothing that the content security policy had to stop.
'use strict';

const assert = require('node:assert/strict');
const { until } = require('../lib/server.js');
const { flood } = require('./page.js');
const { PAYLOADS } = require('./payloads.js');

module.exports = async ({ person }) => {
  assert.equal(new Set(PAYLOADS).size, 200);
  const mallory = await person('mallory');
  const titles = PAYLOADS.filter((payload) => payload.length <= 100).slice(0, 20);
  assert.equal(titles.length, 20);
  for (const title of titles) await mallory.make(title);
  const shown = await mallory.page.$$eval('.room-title .cut', (all) => all.map((one) => one.textContent));
  for (const title of titles) assert.ok(shown.includes(title), `a title is not shown as it is: ${title}`);
  const room = await mallory.make(titles[2]);

  // Names, by way of the login field: each says one thing.
  const names = PAYLOADS.filter((payload) => payload.length <= 60).slice(0, 5);
  for (const name of names) {
    const person_ = await person(name);
    await person_.visit(room);
    await person_.say(`I am ${name}`);
    await mallory.sees(`I am ${name}`);
  }
  const authors = await mallory.page.$$eval('.author strong', (all) => all.map((one) => one.textContent));
  for (const name of names) assert.ok(authors.includes(name), `a name is not shown as it is: ${name}`);

  await flood(mallory, room, PAYLOADS);
  const victim = await person('victim');
  await victim.visit(room);
  await victim.sees(PAYLOADS.at(-1));
  const seen = new Set();
  await until('all were on the screen', async () => {
    const [texts, elements] = await victim.page.$$eval('.content', (all) => [all.map((one) => one.textContent), all.reduce((sum, one) => sum + one.childElementCount, 0)]);
    assert.equal(elements, 0, 'a message has become elements');
    for (const text of texts) seen.add(text);
    await victim.page.$eval('[role=feed]', (feed) => { feed.scrollTop -= 400; });
    return PAYLOADS.every((payload) => seen.has(payload));
  });
  await victim.page.$eval('[role=feed]', (feed) => { feed.scrollTop = feed.scrollHeight; });
  await victim.sees(PAYLOADS.at(-1));
  // In quotes, reactions, the list of members, and the frames of the five doors as well.
  await victim.choose(PAYLOADS.at(-1), 'Reply');
  await victim.say(PAYLOADS[2]);
  await victim.page.click('[aria-label="Members"]');
  await victim.page.waitForSelector('.members li');
  await victim.page.evaluate(() => { location.hash += '/doors'; });
  await until('the doors are open', async () => (await victim.page.$$('.column[data-state=open]')).length === 5);
  await victim.page.fill('[aria-label="Say something at chat"]', PAYLOADS[4]);
  await victim.page.keyboard.press('Enter');
  await until('it went through the doors', async () => (await victim.page.textContent('[data-door=gateway] .frames')).includes('onload'));
  const foreign = await victim.page.$$eval('body *', (all) => all.map((one) => one.localName).filter((name) => ['script', 'img', 'iframe', 'object', 'embed', 'style', 'link', 'base', 'meta', 'video', 'audio', 'marquee', 'math'].includes(name)));
  assert.deepEqual(foreign, []);
  assert.deepEqual(victim.wrong, []);

  // That this test would notice: markup that is put into the page by force is stopped by the policy, and noted.
  await victim.page.evaluate(() => { try { document.querySelector('h1').innerHTML = '<img src=x onerror="alert(1)">'; } catch { /* stopped */ } });
  await until('the policy said so', () => victim.wrong.length > 0);
  assert.match(victim.wrong.join(), /^policy: require-trusted-types-for/);
  victim.wrong.length = 0;
  return `${PAYLOADS.length} texts, ${titles.length} titles, ${names.length} names`;
};
