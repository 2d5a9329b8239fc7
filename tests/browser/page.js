// Chromium, driven by playwright-core, and what the tests do with a page. A page notes everything that must not happen:
// dialogs, requests to anywhere else, violations of its content security policy, errors.
'use strict';

const { readFileSync } = require('node:fs');
const { chromium } = require('playwright-core');
const { until } = require('../lib/server.js');

const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

class Browser {
  static async start() {
    const browser = new Browser();
    // As root there is no sandbox; the pages are our own.
    browser.chromium = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    return browser;
  }

  // A person: a context of their own, a page, and the list of what went wrong on it.
  async person(server, name, options = {}) {
    const { enter = true, ...more } = options;
    const context = await this.chromium.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', timezoneId: 'UTC', ...more });
    const page = await context.newPage();
    const home = `http://127.0.0.1:${server.port}`;
    const wrong = [];
    const note = (what) => wrong.push(what);
    page.on('dialog', (dialog) => { note(`dialog: ${dialog.message()}`); void dialog.dismiss(); });
    page.on('pageerror', (error) => note(`error: ${error.stack}`));
    page.on('popup', (popup) => note(`popup: ${popup.url()}`));
    page.on('request', (request) => { if (!request.url().startsWith(`${home}/`)) note(`request: ${request.url()}`); });
    await page.exposeFunction('noteWrong', note);
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => window.noteWrong(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    });
    const person = new Person(name, page, context, wrong);
    await page.goto(`${home}/`);
    if (enter) await person.enter();
    return person;
  }

  end() { return this.chromium.close(); }
}

class Person {
  constructor(name, page, context, wrong) { Object.assign(this, { name, page, context, wrong }); }

  async enter() {
    await this.page.fill('#who', this.name);
    await this.page.press('#who', 'Enter');
    await this.page.waitForSelector('.sidebar');
  }

  // Makes a room, and is in it. Its id.
  async make(title, { closed = false } = {}) {
    const before = await this.page.evaluate(() => location.hash);
    await this.page.click('[aria-label="New room or conversation"]');
    await this.page.fill('#new-title', title);
    if (closed) await this.page.check('text=Private: only those who have its id');
    await this.page.press('#new-title', 'Enter');
    await this.page.waitForFunction((hash) => location.hash.startsWith('#/room/') && location.hash !== hash, before);
    await this.page.waitForSelector('main.room textarea');
    return this.page.evaluate(() => decodeURIComponent(location.hash.split('/')[2]));
  }

  async visit(id) {
    await this.page.evaluate((room) => { location.hash = `#/room/${encodeURIComponent(room)}`; }, id);
    await this.page.waitForSelector(`main[data-room="${id}"] textarea`);
  }

  async say(text) {
    await this.page.fill('main.room textarea', text);
    await this.page.press('main.room textarea', 'Enter');
  }

  // The texts on the page, top to bottom; `acknowledged` leaves out what is still in the outbox.
  texts({ acknowledged = false } = {}) {
    const selector = acknowledged ? '[data-message] .content' : '[role=feed] .content';
    return this.page.$$eval(selector, (all) => all.map((one) => one.textContent));
  }

  sees(text) { return until(`${this.name} sees ${text}`, async () => (await this.texts({ acknowledged: true })).includes(text)); }

  line(text) { return this.page.locator('[role=article]').filter({ has: this.page.locator('.content', { hasText: new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`) }) }); }

  tick(text) { return this.line(text).locator('.tick').getAttribute('data-state'); }

  // Opens a message's menu and chooses.
  async choose(text, item) {
    await this.line(text).hover();
    await this.line(text).getByRole('button', { name: 'More' }).click();
    await this.page.getByRole('menuitem', { name: item, exact: true }).click();
  }

  // What axe finds that is serious or worse, in words.
  async barriers() {
    await this.page.evaluate(AXE);
    const { violations, passes } = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations', 'passes'] }));
    if (passes.length < 5) throw new Error(`axe looked at next to nothing: ${passes.length} rules`);
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} (${any.map(({ message }) => message).join('; ')})`).slice(0, 3).join(' | ')}`);
  }
}

// Says many things fast, over a socket of a page's own.
function flood(person, room, texts) {
  return person.page.evaluate(([token, id, all]) => new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws/chat?token=${token}`);
    let next = 0;
    let acknowledged = 0;
    const more = () => {
      while (next < all.length && next - acknowledged < 200) {
        socket.send(JSON.stringify({ type: 'send', id: String(next), data: { room_id: id, content: all[next], client_id: `${id}-${next}` } }));
        next += 1;
      }
    };
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', id: 'hello', data: { version: 1 } }));
    socket.onclose = ({ code }) => reject(new Error(`closed ${code}`));
    socket.onmessage = ({ data }) => {
      const { type, data: what } = JSON.parse(data);
      if (type === 'error') reject(new Error(data));
      if (type === 'live') more();
      if (type !== 'ack') return;
      acknowledged += 1;
      if (acknowledged === all.length) { socket.onclose = null; socket.close(); resolve(what.offset); } else more();
    };
  }), [person.name, room, texts]);
}

module.exports = { Browser, flood };
