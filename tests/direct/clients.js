// What a client of the direct contract has: curl in a shell, and node's `ws`.
'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const WebSocket = require('ws');
const { BINARY } = require('../lib/server.js');

const API = '/api/messaging';

// A curl line as a reader types it, run by a shell; `$api` is the service. What came back: status, headers, body.
async function curl(server, line) {
  const env = { PATH: process.env.PATH, api: `http://127.0.0.1:${server.port}${API}`, root: `http://127.0.0.1:${server.port}` };
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', `curl -s -i ${line}`], { env, maxBuffer: 1 << 26 });
  const at = stdout.indexOf('\r\n\r\n');
  const [first, ...fields] = stdout.slice(0, at).split('\r\n');
  const headers = Object.fromEntries(fields.map((field) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]));
  const text = stdout.slice(at + 4);
  let json;
  try { json = JSON.parse(text); } catch { json = undefined; }
  return { status: Number(first.split(' ')[1]), headers, text, json };
}

// A curl line that has to be answered so; its JSON.
async function expect(server, status, line) {
  const answer = await curl(server, line);
  assert.equal(answer.status, status, `curl ${line}: ${answer.status} ${answer.text}`);
  return answer.json;
}

// The same for what is refused: its `detail` is known, too.
async function refused(server, status, detail, line) {
  const json = await expect(server, status, line);
  if (detail === Array) assert.ok(Array.isArray(json.detail) && json.detail[0].loc && json.detail[0].msg, `curl ${line}: ${JSON.stringify(json)}`);
  else assert.deepEqual(json, { detail }, `curl ${line}`);
}

// A socket that remembers what it was told; or, refused before the upgrade, the status that it was answered.
function socket(server, target, options = {}, protocols = []) {
  const ws = new WebSocket(`ws://127.0.0.1:${server.port}${target}`, protocols, options);
  const told = [];
  ws.on('message', (data) => told.push(JSON.parse(data)));
  return new Promise((resolve, reject) => {
    ws.once('open', () => resolve({
      told,
      ws,
      say: (frame) => ws.send(JSON.stringify(frame)),
      news: () => told.flatMap((frame) => (frame.type === 'new_message' ? [frame.message] : [])),
      close: () => new Promise((done) => { ws.once('close', done); ws.close(); }),
    }));
    ws.once('unexpected-response', (request, answer) => { answer.resume(); resolve({ refused: answer.statusCode }); });
    ws.once('error', reject);
  });
}

// A token made by the binary's own command line.
async function issue(secret, user, name) {
  const env = { PATH: process.env.PATH, JWT_SECRET: secret };
  const more = name ? ['--name', name] : [];
  const { stdout } = await promisify(execFile)(BINARY, ['token', 'issue', '--user', user, ...more], { env });
  return stdout.trim();
}

module.exports = { API, curl, expect, issue, refused, socket };
