// Ten thousand messages: scrolled through to the very first, each seen, few of them drawn at a time, nothing jumps.
'use strict';

const assert = require('node:assert/strict');
const { until } = require('../lib/server.js');
const { flood } = require('./page.js');

const COUNT = 10_000;
const DRAWN_MAX = 200;

module.exports = async ({ person }) => {
  const alice = await person('alice');
  const room = await alice.make('Annals');
  const texts = Array.from({ length: COUNT }, (_, index) => `entry ${index}${index % 7 === 0 ? `\n${'a longer one, which takes more than a line '.repeat(index % 4 + 1)}` : ''}`);
  await flood(alice, room, texts);
  const bob = await person('bob');
  await bob.visit(room);
  await bob.sees(texts.at(-1));

  const begin = Date.now();
  const walked = await bob.page.evaluate(walk, COUNT);
  assert.equal(walked.seen, COUNT, `${COUNT - walked.seen} were never drawn, such as entry ${walked.missing}`);
  assert.deepEqual(walked.strange, [], 'out of order');
  assert.ok(walked.drawnMax <= DRAWN_MAX, `${walked.drawnMax} rows at once`);
  assert.ok(walked.shiftMax <= 2, `what was read moved by ${walked.shiftMax} pixels`);
  assert.ok(walked.prepended >= 40, `only ${walked.prepended} times were older ones put in front`);
  const took = Date.now() - begin;
  await until('the beginning is told', async () => (await bob.page.textContent('.head')).includes('The beginning of Annals'));

  await bob.page.focus('[role=feed]');
  await bob.page.keyboard.press('End');
  await until('the newest is on the screen', () => bob.page.evaluate((last) => {
    const feed = document.querySelector('[role=feed]').getBoundingClientRect();
    return [...document.querySelectorAll('.content')].some((one) => one.textContent === last && one.getBoundingClientRect().bottom <= feed.bottom + 1);
  }, texts.at(-1)));
  await alice.say('one more');
  await bob.sees('one more');
  return `${COUNT} messages in ${walked.steps} steps and ${took} ms, ${walked.drawnMax} drawn at most, ${walked.slowest} ms the slowest frame, moved by ${walked.shiftMax.toFixed(1)} px at most`;
};

// In the page: upwards by less than a screen a frame, until the first message is there.
async function walk(count) {
  const feed = document.querySelector('[role=feed]');
  const seen = new Set();
  const strange = [];
  const result = { steps: 0, drawnMax: 0, shiftMax: 0, slowest: 0, prepended: 0 };
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const number = (line) => Number(/^entry (\d+)/.exec(line.querySelector('.content').textContent)?.[1]);
  let idle = 0;
  while (!seen.has(0) && idle < 3_000) {
    const lines = [...feed.querySelectorAll('[data-message]')];
    const numbers = lines.map(number);
    numbers.forEach((one, index) => { if (index && one !== numbers[index - 1] + 1) strange.push(one); });
    for (const one of numbers) seen.add(one);
    result.drawnMax = Math.max(result.drawnMax, lines.length);
    // What is in the middle of the screen has to be where the scrolling put it.
    const middle = lines.find((line) => line.getBoundingClientRect().bottom > 400);
    const [before, total] = [middle.getBoundingClientRect().top, feed.scrollHeight];
    const step = Math.min(500, feed.scrollTop);
    const begin = performance.now();
    feed.scrollTop -= step;
    await frame();
    result.slowest = Math.max(result.slowest, Math.round(performance.now() - begin));
    if (middle.isConnected) result.shiftMax = Math.max(result.shiftMax, Math.abs(middle.getBoundingClientRect().top - before - step));
    if (feed.scrollHeight - total > 3_000) result.prepended += 1;
    idle = step === 0 ? idle + 1 : 0;
    result.steps += 1;
  }
  let missing = 0;
  while (seen.has(missing)) missing += 1;
  return { ...result, seen: [...seen].filter((one) => one >= 0 && one < count).length, missing, strange: strange.slice(0, 5) };
}
