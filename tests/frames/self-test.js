// Shows that the judge can say no: what a tap would have kept of connections, right ones and wrong ones, written by hand.
'use strict';

const assert = require('node:assert/strict');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { Sender } = require('ws');
const { Judge } = require('./judge.js');
const { play } = require('./recording.js');

const ROOMS = '/ws/rooms/r?token=a';
const CHAT = '/ws/chat';
const SOCKETIO = '/socket.io/?EIO=4&transport=websocket';
const GATEWAY = '/production?userId=a';
const ACK = '{"type":"ack","client_id":"c","id":"0199a1b2-0000-7000-8000-0000000000ab","seq":3,"timestamp":"2026-11-20T11:52:13.994Z"}';
const ROOMS_ERROR = '{"type":"error","message":"Failed to process message"}';
const HELLO = '{"type":"hello","id":"1","data":{"version":1}}';
const GREETED = '{"type":"hello","id":"1","data":{"version":1,"features":["ack"],"user":{"id":"a","number":1,"name":"a"},'
  + '"limits":{"content_bytes":65536,"history":200,"heartbeat_ms":25000},"cursor":"00000000000000ab.42","resumed":false}}';

const frame = (text, mask, opcode = 1) => Buffer.concat(Sender.frame(Buffer.from(text), { fin: true, rsv1: false, opcode, mask, readOnly: true }));
const said = (text, opcode) => ['c', frame(text, true, opcode)];
const heard = (text) => ['s', frame(text, false)];
const closed = (what) => [what, frame(Buffer.from([0x03, 0xe8]), what === 'c', 8)];
const upgrade = (target) => [
  ['c', `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`],
  ['s', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
];
const asked = (method, target, body, status, kind, answer) => [
  ['c', `${method} ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`],
  ['s', `HTTP/1.1 ${status} X\r\nContent-Type: ${kind}\r\nContent-Length: ${Buffer.byteLength(answer)}\r\n\r\n${answer}`],
];
const socket = (target, ...pieces) => [...upgrade(target), ...pieces, ['x', ''], ['g', '']];
const JSON_KIND = 'application/json';
const posted = asked('POST', '/production/@connections/k', '{"order":7}', 200, JSON_KIND, '');
const poll = (answer) => asked('GET', '/socket.io/?EIO=4&transport=polling', '', 200, 'text/plain; charset=UTF-8', answer);

// What passed, on one connection each, and how much of it is not as described.
const CASES = [
  ['an ack', 0, socket(ROOMS, heard(ACK))],
  ['a number that is a text', 1, socket(ROOMS, heard(ACK.replace('3', '"3"')))],
  ['a key too many', 1, socket(ROOMS, heard(ACK.replace('"seq"', '"more":1,"seq"')))],
  ['a key too few', 1, socket(ROOMS, heard(ACK.replace('"seq":3,', '')))],
  ['another dialect\'s', 1, socket(CHAT, heard(ACK))],
  ['no JSON', 1, socket(ROOMS, heard('hello'))],
  ['wrong in the second of two frames at once', 1, socket(ROOMS, ['s', Buffer.concat([frame(ACK, false), frame('{}', false)])])],
  ['a frame in two pieces', 0, socket(ROOMS, ['s', frame(ACK, false).subarray(0, 9)], ['s', frame(ACK, false).subarray(9)])],
  ['a frame behind the answer to the upgrade', 1, [upgrade(ROOMS)[0], ['s', Buffer.concat([Buffer.from(upgrade(ROOMS)[1][1]), frame('{}', false)])]]],
  ['a further tongue', 0, socket(CHAT, said(HELLO), heard(GREETED), said('{"type":"ping","id":"2"}'))],
  ['a further tongue unasked', 1, socket(CHAT, heard(GREETED))],
  ['the plain tongue after the further one', 1, socket(CHAT, said(HELLO), heard(GREETED), heard('{"type":"error","data":{"message":"unauthorized"}}'))],
  ['a client\'s', 0, socket(ROOMS, said('{"text":"hi","more":1}'), heard(ACK))],
  ['a client\'s that is wrong, and nothing against it', 1, socket(ROOMS, said('{"text":1}'), heard(ACK))],
  ['a client\'s that is wrong, and an error', 0, socket(ROOMS, said('{"text":1}'), heard(ROOMS_ERROR))],
  ['two that are wrong, and one error', 1, socket(ROOMS, said('{"text":1}'), said('{"text":1}'), heard(ROOMS_ERROR))],
  ['a client\'s that is wrong, and the end', 0, socket(ROOMS, said('{"text":1}'), heard(ACK), closed('s'))],
  ['a client\'s that is wrong, which then leaves', 1, socket(ROOMS, said('{"text":1}'), heard(ACK), closed('c'), closed('s'))],
  ['a socket where none is, and the answer that made it', 2, socket('/ws/none/of/these')],
  ['a packet', 0, socket(SOCKETIO, heard('42["user_left",{"userId":"b","roomId":"r"}]'))],
  ['a packet of another kind', 1, socket(SOCKETIO, heard('43["user_left",{"userId":"b","roomId":"r"}]'))],
  ['an event that is passed over, with an attachment', 0, socket(SOCKETIO, said('451-["x",{"_placeholder":true,"num":0}]'), said('y', 2), heard('2'))],
  ['bytes that nobody announced', 1, socket(SOCKETIO, said('y', 2), heard('2'))],
  ['polls', 0, poll('0{"sid":"s1","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}')],
  ['a poll with a packet that is wrong', 1, [...poll('0{"sid":"s2","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'),
    ...asked('GET', '/socket.io/?EIO=4&transport=polling&sid=s2', '', 200, 'text/plain; charset=UTF-8', '2\x1e42["no_such_event"]')]],
  ['a back end\'s words', 0, [...upgrade(GATEWAY), heard('{"order":7}')], posted],
  ['nobody\'s words', 1, [...upgrade(GATEWAY), heard('{"order":8}')], posted],
  ['an answer', 0, asked('GET', '/rooms/r/connections', '', 403, JSON_KIND, '{"detail":"Room access denied"}')],
  ['an answer that is none', 1, asked('GET', '/rooms/r/connections', '', 403, JSON_KIND, '{"detail":"No"}')],
  ['a status that is none', 1, asked('GET', '/rooms/r/connections', '', 418, JSON_KIND, '{"detail":"Room access denied"}')],
  ['a kind that is none', 1, asked('GET', '/rooms/r/connections', '', 403, 'text/plain', '{"detail":"Room access denied"}')],
  ['a body', 0, asked('PUT', '/messages/read', '{"messageIds":["0199a1b2-0000-7000-8000-0000000000ab"]}', 200, JSON_KIND, '{"success":true,"message":"Messages marked as read","data":true}')],
  ['a body that should have been refused', 1, asked('PUT', '/messages/read', '{"messageIds":7}', 200, JSON_KIND, '{"success":true,"message":"Messages marked as read","data":true}')],
];

function selfTest(documents) {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-frames-'));
  for (const [what, wrong, ...connections] of CASES) {
    const file = path.join(folder, 'kept.tap');
    const records = connections.flatMap((pieces, number) => pieces.map(([kind, data]) => {
      const head = Buffer.alloc(9);
      head.writeUInt32BE(number + 1, 0);
      head.write(kind, 4);
      head.writeUInt32BE(Buffer.byteLength(data), 5);
      return Buffer.concat([head, Buffer.from(data)]);
    }));
    writeFileSync(file, Buffer.concat(records));
    const judge = new Judge(documents);
    play(file, (number) => judge.listener(`#${number}`));
    judge.end();
    assert.equal(judge.wrong.length, wrong, `${what}: ${judge.wrong.join('\n')}`);
  }
  rmSync(folder, { recursive: true });
  console.log(`Frames: the judge told ${CASES.filter(([, wrong]) => wrong > 0).length} wrong ones from ${CASES.length}`);
}

module.exports = { selfTest };
