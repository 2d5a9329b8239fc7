// The web client in a real browser against the real binary: `node tests/browser/run.js [CASE…]`. With
// `--screenshots FOLDER` the pictures are kept there.
'use strict';

const { mkdirSync, mkdtempSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { Server, run } = require('../lib/server.js');
const { Browser } = require('./page.js');

const CASES = ['talk', 'away', 'history', 'markup', 'keyboard', 'doors', 'looks', 'token', 'narrow', 'stranger', 'edits', 'marks', 'plain', 'problems'];
// Ten thousand messages are said in no time, and rooms made as a test wants them.
const SETTINGS = {
  MAX_MESSAGES_PER_MIN: '0', CHAT_MAX_MESSAGES_PER_MIN: '0', CHAT_MAX_ROOMS_PER_USER: '0',
  FRAMES_PER_SECOND: '100000', BYTES_PER_SECOND: '1000000000',
};

run(async () => {
  const asked = process.argv.slice(2);
  const at = asked.indexOf('--screenshots');
  const [, folder] = at < 0 ? [] : asked.splice(at, 2);
  const pictures = folder ? path.resolve(folder) : mkdtempSync(path.join(tmpdir(), 'switchboard-pictures-'));
  mkdirSync(pictures, { recursive: true });
  const browser = await Browser.start();
  try {
    for (const name of asked.length ? asked : CASES) {
      const begin = Date.now();
      const server = await Server.start(SETTINGS);
      const people = [];
      const world = {
        server, pictures,
        person: async (who, options) => {
          const person = await browser.person(server, who, options);
          people.push(person);
          return person;
        },
      };
      try {
        const figures = await require(`./${name}.js`)(world);
        const wrong = people.flatMap((person) => person.wrong.map((what) => `${person.name}: ${what}`));
        if (wrong.length) throw new Error(`that must not happen:\n${wrong.join('\n')}`);
        console.log(`Browser ${name}: ok${figures ? `, ${figures}` : ''} (${Date.now() - begin} ms)`);
      } catch (error) {
        await Promise.all(people.map((person) => person.page.screenshot({ path: `/tmp/browser-${name}-${person.name.replace(/\W/g, '')}.png` }).catch(() => undefined)));
        error.message = `${name}: ${error.message}\n${people.flatMap(({ wrong }) => wrong).join('\n')}`;
        throw error;
      } finally {
        await Promise.all(people.map((person) => person.context.close().catch(() => undefined)));
        await server.end();
      }
    }
  } finally {
    await browser.end();
  }
});
