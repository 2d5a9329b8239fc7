// Whether what went over the wire is what the documents describe.
//
// What the server says has to be described, always. What a client says too, unless it was wrong: then it was answered with
// an error, or with the connection's end, or it is one of those that the contracts pass over in silence.
'use strict';

// What says nothing to the server, and is passed over without a word: events that Socket.IO's contract doesn't know (page 5),
// with what is attached to them, and those of its events that have no answer when they are malformed (RULES 22).
const ATTACHED = /^4[56](\d+)-/;
const SILENT = ['typing', 'get_typing_users'];

const NO_JSON = ['1', '2', '3', '3probe', '40', '41', '6'];
const ERRORS = ['error', 'connect_error', 'ack.failed'];

// A frame's head and its JSON, undefined where there is none. Throws when it is no JSON.
function takenApart(isRaw, text) {
  if (isRaw) return { head: '', json: JSON.parse(text) };
  const at = text.search(/[[{"]/);
  return at < 0 ? { head: text } : { head: text.slice(0, at), json: JSON.parse(text.slice(at)) };
}

// Whether a packet's head is that of such a message.
function isHeadOf(head, name) {
  if (name === 'open') return head === '0';
  if (name === 'connected') return head === '40';
  if (name === 'connect_error') return /^44(\/.*)?$/.test(head);
  return name.startsWith('ack.') ? /^43\d+$/.test(head) : head === '42';
}

// The packets of a poll's body. Lengths of Engine.IO 3 count UTF-16 units, as JavaScript does.
function packets(version, text) {
  if (version === '4') return text === '' ? [] : text.split('\x1e');
  const all = [];
  for (let rest = text; rest !== '';) {
    const length = rest.slice(0, rest.indexOf(':'));
    const from = length.length + 1;
    all.push(rest.slice(from, from + Number(length)));
    rest = rest.slice(from + Number(length));
  }
  return all;
}

// A client of one channel: a socket, or a session that polls and then has one.
class Client {
  constructor(judge, channel, where) {
    Object.assign(this, { judge, channel, where });
    this.isRouted = channel === 'gateway' && judge.isRouted;
    this.isRaw = channel !== 'socketio';
    this.spoke = false;
    this.greeted = false; // Its first frame was `hello`: it may speak a further tongue.
    this.further = false; // It was answered in that tongue.
    this.open = []; // What it said that is not described, and nothing was said against yet.
    this.heard = 0;
    this.attachments = 0; // Those of its last packet that are still to come.
  }

  tongues(action) {
    const [plain, further] = [`${this.channel}.${action}.`, `${this.channel}.native.${action}.`];
    if (this.further) return [further];
    return this.greeted ? [further, plain] : [plain];
  }

  says(text, where) {
    this.judge.looked.said += 1;
    let described;
    try {
      const { head, json } = takenApart(this.isRaw, text);
      this.attachments += Number(ATTACHED.exec(head)?.[1] ?? 0);
      this.greeted ||= !this.spoke && json?.type === 'hello';
      described = json === undefined || this.named('receive', json) || this.isPassedOver(json);
    } catch {
      described = this.channel === 'direct'; // Every text is a sign of life there.
    }
    this.spoke = true;
    if (!described && !this.isRouted) this.against(text, where);
  }

  isPassedOver(json) {
    if (this.channel !== 'socketio' || typeof json[0] !== 'string') return false;
    return SILENT.includes(json[0]) || !this.judge.documents.messages.some(({ name }) => name === `socketio.receive.${json[0]}`);
  }

  // A binary frame: an attachment of Socket.IO's, or JSON as well as any.
  saysBytes(payload, where) {
    if (this.isRaw) this.says(payload.toString('utf8'), where);
    else if (this.attachments > 0) this.attachments -= 1;
    else this.against('a binary frame', where);
  }

  against(text, where) {
    this.judge.looked.broken += 1;
    this.open.push({ text: text.slice(0, 300), where, heard: this.heard });
  }

  hears(text) {
    this.judge.looked.heard += 1;
    this.heard += 1;
    let why;
    try {
      const { head, json } = takenApart(this.isRaw, text);
      if (json === undefined && NO_JSON.includes(head)) return;
      const { name, why: not } = this.judge.documents.message(this.tongues('send'), json);
      why = not;
      if (name && !this.isRaw && !isHeadOf(head, name)) why = `is ${name}, which is no packet of this kind`;
      if (name) this.judge.kinds.add(`${this.channel}.send.${name}`);
      if (name && this.greeted) this.further ||= name === 'hello';
      if (ERRORS.includes(name) || json?.[1]?.success === false) this.open.shift();
    } catch (error) {
      why = `is no JSON: ${error.message}`;
    }
    if (why && !this.isRouted) this.judge.unexplained.push({ client: this, text, why });
  }

  named(action, json) {
    const { name } = this.judge.documents.message(this.tongues(action), json);
    if (name) this.judge.kinds.add(`${this.channel}.${action}.${name}`);
    return name;
  }

  // The server has closed that connection: that is an answer, too.
  forgiven(where) {
    this.open = this.open.filter((one) => one.where !== where);
  }

  // That connection is no more. Who leaves before anything more has come may have left before the error.
  ended(where) {
    const open = this.open.filter((one) => one.where === where && one.heard < this.heard);
    this.open = this.open.filter((one) => one.where !== where);
    if (open.length === 0) return;
    const texts = open.slice(0, 3).map(({ text }) => text).join('\n    ');
    this.judge.wrong.push(`${where} said what is not described, and heard no error: ${texts}`);
  }
}

class Judge {
  constructor(documents, { isRouted = false } = {}) {
    this.documents = documents;
    this.isRouted = isRouted; // A back end decides what may be said at the gateway.
    this.looked = { said: 0, heard: 0, answers: 0, requests: 0, broken: 0 };
    this.kinds = new Set(); // Which messages and answers were seen.
    this.wrong = [];
    this.posted = new Set(); // What back ends posted to connections: it is told word for word.
    this.unexplained = []; // What was heard and is no message that is described.
    this.sessions = new Map(); // Of Engine.IO, by their ids, which are drawn and never the same.
  }

  // Everything has been told. Only now, because a back end's post is seen with its answer, behind what came of it.
  end() {
    for (const { client, text, why } of this.unexplained) {
      if (client.channel === 'gateway' && this.posted.has(text)) this.kinds.add('gateway.send.posted');
      else this.wrong.push(`${client.where} heard ${text.slice(0, 500)}\n    ${why}`);
    }
    // What was said by polls has no connection of its own.
    for (const client of this.sessions.values()) for (const { where } of client.open) client.ended(where);
  }

  // Who is told of one connection.
  listener(where) {
    let client;
    let isClosed = false;
    const asText = (payload) => payload.toString('utf8');
    return {
      exchange: (request, answer) => this.exchange(where, request, answer),
      opened: (target) => { client = this.opened(where, target); },
      said: (payload, isBinary) => (isBinary ? client?.saysBytes(payload, where) : client?.says(asText(payload), where)),
      heard: (payload, isBinary) => {
        if (isBinary) this.wrong.push(`${where} heard a binary frame`);
        else client?.hears(asText(payload));
      },
      unreadable: (byServer, why) => {
        if (byServer) this.wrong.push(`${where}: the server's frames can't be read: ${why}`);
        else client?.against(why, where);
      },
      closed: (byServer) => {
        if (!isClosed && byServer) client?.forgiven(where);
        isClosed = true;
      },
      ended: (byServer) => {
        if (!isClosed && byServer) client?.forgiven(where);
        client?.ended(where);
      },
    };
  }

  opened(where, target) {
    const { pathname, searchParams } = new URL(target, 'http://server');
    const channel = this.documents.channel(pathname);
    if (!channel) {
      this.wrong.push(`${where}: a socket at ${pathname}, which no channel describes`);
      return undefined;
    }
    const session = this.sessions.get(searchParams.get('sid'));
    return session ?? new Client(this, channel, `${where} ${pathname}`);
  }

  exchange(where, request, { status, headers, body }) {
    const { pathname, searchParams } = new URL(request.target || '/', 'http://server');
    // What a browser asks before a page's request is of HTTP, not of an operation. `*` of OPTIONS is no path.
    if (request.method === 'OPTIONS' || request.method === 'HEAD') return;
    this.looked.answers += 1;
    const text = body.toString('utf8');
    this.kinds.add(`${request.method} ${this.documents.route(request.method, pathname)?.path ?? '(elsewhere)'} ${status}`);
    const not = this.documents.answer(request.method, pathname, status, headers['content-type'], text);
    if (not) this.wrong.push(`${where}: ${request.method} ${pathname}: ${not}`);
    const isPoll = this.documents.channel(pathname) === 'socketio' && status === 200;
    if (isPoll) return void this.polled(where, request, { query: searchParams, headers, text });
    if (status < 300 && status !== 101) {
      this.looked.requests += 1;
      if (/\/@connections\/[^/]+$/.test(pathname)) this.posted.add(request.body.toString('utf8'));
      const wrong = this.documents.request(request.method, pathname, request.body.toString('utf8'));
      if (wrong) this.wrong.push(`${where}: ${request.method} ${pathname} ${wrong}`);
    }
  }

  polled(where, request, { query, headers, text }) {
    const version = query.get('EIO');
    if (request.method === 'POST') {
      let said = request.body.toString('utf8');
      // A form, in which a line's end is written as two characters.
      if (query.has('j')) said = new URLSearchParams(said).get('d').replaceAll(/(\\)?\\n/g, (all, escaped) => (escaped ? all : '\n')).replaceAll('\\\\n', '\\n');
      for (const packet of packets(version, said)) this.sessions.get(query.get('sid'))?.says(packet, where);
      return;
    }
    if (headers['content-type'] === 'application/octet-stream') throw new Error('a poll with binary packets, which no suite asks for');
    const script = /^___eio\[\d+\]\((.*)\);$/s.exec(text);
    const heard = script ? JSON.parse(script[1]) : text;
    for (const packet of packets(version, heard)) {
      if (packet[0] === '0') {
        const session = new Client(this, 'socketio', `${where} (polling)`);
        this.sessions.set(JSON.parse(packet.slice(1)).sid, session);
        session.hears(packet);
      } else this.sessions.get(query.get('sid'))?.hears(packet);
    }
  }
}

module.exports = { Judge };
