// What a tap has kept, as what it was on the wire: requests with their answers, and the frames of WebSockets.
'use strict';

const { readFileSync } = require('node:fs');
const zlib = require('node:zlib');
const { HTTPParser } = require('http-parser-js');
const { Receiver } = require('ws');

// It counts the bodies before a head.
HTTPParser.maxHeaderSize = Infinity;
const HEAD = 9;
// No frame of the server's is longer, and no client's is taken.
const FRAME_BYTES = 64 << 20;
const PACKED = { gzip: zlib.gunzipSync, br: zlib.brotliDecompressSync, deflate: zlib.inflateSync };

function* records(file) {
  const bytes = readFileSync(file);
  for (let at = 0; at + HEAD <= bytes.length;) {
    const length = bytes.readUInt32BE(at + 5);
    yield { connection: bytes.readUInt32BE(at), what: String.fromCharCode(bytes[at + 4]), data: bytes.subarray(at + HEAD, at + HEAD + length) };
    at += HEAD + length;
  }
}

// One direction of HTTP/1.1. `head` is told of each head, and says whether no body follows; `whole` of each message.
function reader(kind, head, whole) {
  const parser = new HTTPParser(kind);
  let message;
  parser[HTTPParser.kOnHeaders] = () => {};
  parser[HTTPParser.kOnHeadersComplete] = (info) => {
    const headers = {};
    for (let at = 0; at < info.headers.length; at += 2) headers[info.headers[at].toLowerCase()] = info.headers[at + 1];
    message = { ...info, method: HTTPParser.methods[info.method], headers, parts: [] };
    return head(message);
  };
  parser[HTTPParser.kOnBody] = (chunk, start, length) => { message.parts.push(Buffer.from(chunk.subarray(start, start + length))); };
  parser[HTTPParser.kOnMessageComplete] = () => {
    message.body = Buffer.concat(message.parts);
    whole(message);
  };
  return parser;
}

// One connection. What it was is told to `told`: exchange({ method, target, headers, body }, { status, headers, body }),
// opened(target), said(payload, isBinary), heard(payload, isBinary), unreadable(why), closed(byServer), ended(byServer).
class Connection {
  constructor(told) {
    this.told = told;
    this.asked = []; // Requests that have no answer yet, the oldest first; whole or not.
    this.waiting = []; // What a client has sent behind a request for a socket, before the answer.
    this.frames = undefined;
    this.broken = false;
    this.requests = reader(HTTPParser.REQUEST, (request) => { this.asked.push(request); return request.upgrade ? 2 : false; }, () => {});
    this.answers = reader(HTTPParser.RESPONSE, (answer) => {
      if (answer.statusCode === 101) return 2;
      return this.asked[0]?.method === 'HEAD' || answer.statusCode === 304;
    }, (answer) => this.answered(answer));
  }

  take(what, data) {
    if (what === 'c') this.said(data);
    if (what === 's') this.heard(data);
    if (what === 'e' || what === 'x' || what === 'g') this.told.ended(what === 'e');
  }

  said(data) {
    if (this.broken) return;
    if (this.frames) this.frames.client.write(data);
    else if (this.asked.at(-1)?.upgrade) this.waiting.push(data);
    else {
      const taken = this.requests.execute(data);
      // What can't be read is answered, and the connection's end; the answer is what is looked at.
      if (taken instanceof Error) this.broken = true;
      else if (taken < data.length) this.said(data.subarray(taken));
    }
  }

  heard(data) {
    if (this.frames) return void this.frames.server.write(data);
    const taken = this.answers.execute(data);
    if (taken instanceof Error) throw new Error(`an answer that is no HTTP: ${taken.message}: ${JSON.stringify(data.toString('latin1').slice(0, 300))}`);
    if (this.frames && taken < data.length) this.frames.server.write(data.subarray(taken));
  }

  answered(answer) {
    if (answer.statusCode === 100) return;
    const request = this.asked.shift() ?? { method: '', url: '', headers: {}, parts: [] };
    const unpack = PACKED[answer.headers['content-encoding']] ?? ((bytes) => bytes);
    if (answer.statusCode === 101) this.upgraded(request);
    this.told.exchange(
      { method: request.method, target: request.url, headers: request.headers, body: Buffer.concat(request.parts) },
      { status: answer.statusCode, headers: answer.headers, body: answer.body.length > 0 ? unpack(answer.body) : answer.body },
    );
    const waiting = this.waiting.splice(0);
    for (const data of waiting) this.said(data);
  }

  upgraded(request) {
    this.told.opened(request.url);
    const side = (isServer, message) => {
      const receiver = new Receiver({ isServer, maxPayload: FRAME_BYTES, binaryType: 'nodebuffer' });
      receiver.on('message', message);
      receiver.on('conclude', (code) => this.told.closed(!isServer, code));
      receiver.on('error', (why) => this.told.unreadable(!isServer, why.message));
      return receiver;
    };
    this.frames = {
      client: side(true, (payload, isBinary) => this.told.said(payload, isBinary)),
      server: side(false, (payload, isBinary) => this.told.heard(payload, isBinary)),
    };
  }
}

// The server's settings, as far as a tap tells them.
function settings(file) {
  const [first] = records(file);
  return first?.what === 'm' ? JSON.parse(first.data) : {};
}

// Plays a recording: `listener(connection number)` gives who is told of each connection.
function play(file, listener) {
  const connections = new Map();
  for (const { connection, what, data } of records(file)) {
    if (what === 'm') continue;
    if (!connections.has(connection)) connections.set(connection, new Connection(listener(connection)));
    connections.get(connection).take(what, data);
    if (what === 'g') connections.delete(connection);
  }
  // Those that were there when nothing was kept any more.
  for (const connection of connections.values()) connection.take('g');
}

module.exports = { play, settings };
