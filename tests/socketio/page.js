// As much of a page as socket.io-client 2 needs to poll by scripts and forms (`forceJSONP`): it fetches scripts and runs them,
// and sends forms into frames, over real HTTP, naming the page's address as browsers do.
'use strict';

const http = require('node:http');
const vm = require('node:vm');

// Makes this process the page at `address`; gives what it fetched and sent, and how it stops being one.
function page(address) {
  const seen = { scripts: 0, forms: 0, types: new Set() };
  const referer = { referer: address };
  const load = (method, target, headers, body, done, failed) => {
    const request = http.request(target, { method, headers: { ...referer, ...headers } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => { text += part; }).on('end', () => done(answer, text));
    });
    request.on('error', failed).end(body);
    return request;
  };

  class Element {
    constructor(kind) { Object.assign(this, { kind, style: {}, children: [], attributes: {} }); }

    setAttribute(name, value) { this.attributes[name] = value; }

    appendChild(child) {
      child.parentNode = this;
      this.children.push(child);
      if (child.kind === 'script') child.fetch();
      return child;
    }

    insertBefore(child) { return this.appendChild(child); }

    removeChild(child) {
      this.children = this.children.filter((one) => one !== child);
      child.parentNode = null;
      const { request } = child;
      child.request = null;
      if (request) request.destroy();
    }

    // A script runs when it is one: browsers take no other type behind `nosniff`.
    fetch() {
      this.request = load('GET', this.src, {}, undefined, (answer, text) => {
        this.request = null;
        seen.scripts += 1;
        seen.types.add(answer.headers['content-type']);
        const is = answer.statusCode === 200 && /^text\/javascript/.test(answer.headers['content-type']);
        if (is && answer.headers['x-content-type-options'] === 'nosniff') vm.runInThisContext(text);
        else this.onerror(new Error(`${answer.statusCode} ${text}`));
      }, (error) => { if (this.request) this.onerror(error); });
    }

    // The frame that it goes to has loaded, whatever the answer is; but one that forbids frames of other pages is lost there.
    submit() {
      const [area, frame] = ['textarea', 'iframe'].map((kind) => this.children.find((child) => child.kind === kind));
      const body = new URLSearchParams({ [area.name]: area.value.replace(/\r?\n/g, '\r\n') }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(address).origin };
      load(this.method, this.action, headers, body, (answer) => {
        seen.forms += 1;
        const forbids = /frame-ancestors/.test(answer.headers['content-security-policy'] || '');
        if (answer.statusCode === 200 && forbids) throw new Error('the frame stays empty');
        if (frame.onload) frame.onload();
      }, () => {});
    }
  }

  const document = { body: new Element('body'), createElement: (kind) => {
    // What is no name of an element is refused, and the client tries another way.
    if (/\W/.test(kind)) throw new Error('not a name');
    return new Element(kind);
  }, getElementsByTagName: () => [] };
  global.document = document;
  return { seen, leave: () => { delete global.document; } };
}

module.exports = { page };
