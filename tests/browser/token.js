// Outside development mode a token is asked for, a wrong one is told, and the content security policy is what it is there.
'use strict';

const assert = require('node:assert/strict');
const { createHmac } = require('node:crypto');
const { Server, until } = require('../lib/server.js');

const SECRET = 'a secret that is long enough for HS256, which wants 32 bytes';

function token(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

module.exports = async ({ person }) => {
  const server = await Server.start({ JWT_SECRET: SECRET });
  try {
    const browser = await person('alice', { enter: false });
    const { page } = browser;
    browser.wrong.length = 0;
    await page.context().newPage();
    const other = await page.context().newPage();
    await other.goto(`http://127.0.0.1:${server.port}/`);
    await other.waitForSelector('label:text-is("Your token")');
    await other.fill('#who', token({ sub: 'alice', exp: 1 }));
    await other.press('#who', 'Enter');
    await other.waitForSelector('[role=alert]');
    await other.fill('#who', token({ sub: 'alice', exp: Math.floor(Date.now() / 1000) + 600 }));
    await other.press('#who', 'Enter');
    await other.waitForSelector('.sidebar');
    assert.equal(await other.textContent('.sidebar-head strong'), 'alice');
    await other.reload();
    await other.waitForSelector('.sidebar');
    await other.click('[aria-label="Sign out"]');
    await other.waitForSelector('#who');
    assert.equal(await other.evaluate(() => JSON.stringify(Object.entries(sessionStorage))), '[["switchboard.whose","alice"]]', 'a token stays behind');
    await until('nobody is connected', async () => (await server.connections()) === 0);
  } finally {
    await server.end();
  }
};
