// Against the real server: SWITCHBOARD_BINARY, or target/release/switchboard. Each test has a room, and users, of its own.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { memoryStorage } from '../src/index.js';
import type { ClientEvents, Switchboard } from '../src/index.js';
import { Random } from './random.js';
import { Line, client, lasting, same, start, until } from './server.js';
import type { Client, Server } from './server.js';

let server: Server;
const clients: Client[] = [];
const lines: Line[] = [];

before(async () => { server = await start(); });
after(async () => {
  // A line that a failed test has left open would keep the run from ending.
  await Promise.all(lines.map((line) => line.end()));
  await Promise.all(clients.map(({ board }) => board.close()));
  await server.end();
});

async function lineTo(end: Server): Promise<Line> {
  const line = await Line.to(end);
  lines.push(line);
  return line;
}

let count = 0;
/** Users of this test's own. */
const someone = (name: string) => `${name}${(count += 1)}`;

async function connected(user: string, more: Parameters<typeof client>[2] & { readonly port?: number } = {}): Promise<Switchboard> {
  const { port = server.port, ...options } = more;
  const made = client(port, user, options);
  clients.push(made);
  await made.board.connect();
  return made.board;
}

/** The next event of this kind that fits. */
function heard<Name extends keyof ClientEvents>(board: Switchboard, name: Name, fits: (payload: ClientEvents[Name]) => boolean = () => true): Promise<ClientEvents[Name]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => { off(); reject(new Error(`waited in vain for ${name}`)); }, 20_000);
    const off = board.on(name, (payload) => {
      if (!fits(payload)) return;
      clearTimeout(timer);
      off();
      resolve(payload);
    });
  });
}

/** A room with these in it, open at all of them. */
async function room(owner: Switchboard, others: readonly Switchboard[] = [], kind: 'public' | 'private' = 'public'): Promise<string> {
  const { id } = await owner.createRoom({ title: `Room ${(count += 1)}`, kind });
  for (const other of others) await other.join(id);
  for (const board of [owner, ...others]) await board.view.open(id);
  return id;
}

const contents = (board: Switchboard, roomId: string) => board.view.room(roomId)?.messages.map(({ content }) => content);

test('two users chat, reply, edit, react and delete', async () => {
  const alice = await connected(someone('alice'));
  const bob = await connected(someone('bob'));
  const id = await room(alice, [bob]);
  const first = await alice.send(id, 'Hello 👋');
  assert.equal(first.room_id, id);
  assert.equal(first.repeat, false);
  const second = await bob.send(id, 'Hello yourself', { replyTo: first.message_id });
  assert.ok(second.offset > first.offset && second.seq > first.seq);
  await alice.edit(first.message_id, 'Hello, Bob 👋');
  await bob.react(first.message_id, '👍');
  await alice.react(first.message_id, '👍');
  await alice.react(first.message_id, '🎉');
  await bob.react(first.message_id, '👍', false);
  const third = await bob.send(id, 'oops');
  await bob.delete(third.message_id);
  const expected = [
    [alice.me?.id, 'Hello, Bob 👋', undefined, true, [{ emoji: '👍', count: 1, users: [alice.me?.number] }, { emoji: '🎉', count: 1, users: [alice.me?.number] }]],
    [bob.me?.id, 'Hello yourself', first.message_id, false, []],
  ];
  for (const board of [alice, bob]) {
    await same('both see it', () => board.view.room(id)?.messages.map((message) =>
      [message.by.id, message.content, message.reply_to, message.edited_at !== undefined, message.reactions]), () => expected);
  }
  // As the server has it: a third, who comes now, sees what those see who were there.
  const carol = await connected(someone('carol'));
  await carol.join(id);
  await carol.view.open(id);
  assert.deepEqual(carol.view.room(id)?.messages, alice.view.room(id)?.messages);
  await assert.rejects(bob.edit(first.message_id, 'not mine'), { code: 'not_allowed' });
  await assert.rejects(alice.edit(third.message_id, 'gone'), { code: 'message_not_found' });
});

test('typing, receipts, unread and mentions', async () => {
  const alice = await connected(someone('alice'));
  const bobName = someone('bob');
  const bob = await connected(bobName);
  // In public rooms the server tells of no deliveries.
  const id = await room(alice, [bob], 'private');
  const typed = heard(bob, 'typing', ({ on }) => on);
  alice.typing(id);
  assert.equal((await typed).user.id, alice.me?.id);
  assert.deepEqual(bob.view.room(id)?.typing.map(({ user }) => user.id), [alice.me?.id]);

  await alice.send(id, 'one');
  const second = await alice.send(id, `two, @${bobName}`);
  const third = await alice.send(id, 'three');
  const counts = () => [bob.view.room(id)?.unread, bob.view.room(id)?.mentions];
  await same('three are unread', counts, () => [3, 1]);
  assert.deepEqual(bob.view.room(id)?.typing, []);
  const asked = await bob.room(id);
  assert.deepEqual([asked.unread, asked.mentions], [3, 1]);
  await until('they are delivered', () => alice.view.tick(id, third.offset) === 'delivered');

  const receipt = heard(alice, 'receipt', ({ kind, user }) => kind === 'read' && user.id === bob.me?.id);
  await bob.markRead(id, second.offset);
  assert.equal((await receipt).offset, second.offset);
  assert.deepEqual([alice.view.tick(id, second.offset), alice.view.tick(id, third.offset)], ['read', 'delivered']);
  assert.equal(alice.view.room(id)?.receipts.get(bobName)?.read, second.offset);
  await same('one is unread', counts, () => [1, 0]);
  // On another of bob's connections too, told and asked.
  const other = await connected(bobName);
  assert.deepEqual([other.view.room(id)?.unread, other.view.room(id)?.read], [1, second.offset]);
  await bob.markRead(id, third.offset);
  await until('the other connection is told', () => other.view.room(id)?.unread === 0);
});

test('presence: coming, going, away and back', async () => {
  const alice = await connected(someone('alice'));
  const bobName = someone('bob');
  const online = () => alice.view.online.has(bobName);
  const bob = await connected(bobName);
  await until('bob is online', online);
  await bob.setPresence(false);
  await until('bob is away', () => !online());
  await bob.setPresence(true);
  await until('bob is back', online);
  assert.ok((await alice.online()).some(({ id }) => id === bobName));
  assert.deepEqual(await alice.user({ id: bobName }), await alice.user({ number: bob.me?.number ?? 0 }));
  await bob.close();
  await until('bob has gone', () => !online());
});

test('invite, mute, roles, kick and ban in a private room', async () => {
  const [alice, bob, carol] = [await connected(someone('alice')), await connected(someone('bob')), await connected(someone('carol'))];
  const bobId = bob.me?.id ?? '';
  const carolId = carol.me?.id ?? '';
  const id = await room(alice, [], 'private');
  assert.equal(alice.view.room(id)?.role, 'owner');
  await alice.invite(id, bobId);
  await until('bob has the room', () => bob.view.room(id)?.role === 'member');
  await bob.view.open(id);
  await alice.invite(id, carolId);
  await until('carol has the room', () => carol.view.room(id) !== undefined);
  await until('alice sees three', () => alice.view.room(id)?.members?.size === 3);

  await alice.mute(id, bobId);
  await until('bob is muted', () => bob.view.room(id)?.muted === true);
  await assert.rejects(bob.send(id, 'may I?'), { code: 'not_allowed' });
  assert.deepEqual(bob.view.room(id)?.pending.map(({ state, code }) => [state, code]), [['failed', 'not_allowed']]);
  await alice.unmute(id, bobId);
  bob.retry(bob.outbox[0]?.client_id ?? '');
  await until('the failed message arrives', () => contents(alice, id)?.join() === 'may I?');
  assert.deepEqual(bob.outbox, []);

  await assert.rejects(bob.kick(id, carolId), { code: 'not_allowed' });
  await alice.setRole(id, bobId, 'moderator');
  await until('bob is a moderator', () => bob.view.room(id)?.role === 'moderator');
  await bob.kick(id, carolId);
  await until('carol has lost the room', () => carol.view.room(id) === undefined);
  await assert.rejects(carol.join(id), { code: 'forbidden' });
  await assert.rejects(carol.history(id), { code: 'forbidden' });
  await alice.send(id, 'she has gone');
  await bob.invite(id, carolId);
  await until('carol is back', () => carol.view.room(id) !== undefined);
  await carol.view.open(id);
  assert.ok(contents(carol, id)?.includes('she has gone'));

  await alice.ban(id, carolId);
  await until('carol is out', () => carol.view.room(id) === undefined);
  await assert.rejects(carol.join(id), { code: 'forbidden' });
  await alice.unban(id, carolId);
  await bob.invite(id, carolId);
  await until('carol is in again', () => carol.view.room(id) !== undefined);
  await until('she is loaded anew', () => carol.view.room(id)?.history === 'loaded');
  assert.deepEqual(contents(carol, id), contents(alice, id));
  await bob.leave(id);
  assert.equal(bob.view.room(id), undefined);
  await assert.rejects(alice.setRole(id, alice.me?.id ?? '', 'member'), { code: 'last_owner' });
});

test('public rooms are listed; private ones and those of others are not', async () => {
  const alice = await connected(someone('alice'));
  const open = await room(alice);
  const closed = await room(alice, [], 'private');
  const bob = await connected(someone('bob'));
  const listed = (await bob.publicRooms()).map(({ id }) => id);
  assert.ok(listed.includes(open) && !listed.includes(closed));
  assert.deepEqual(bob.view.rooms, []);
  await alice.send(open, 'welcome');
  const joined = await bob.join(open, { history: 10 });
  assert.deepEqual(joined.messages.map(({ content }) => content), ['welcome']);
  assert.deepEqual(bob.view.rooms.map(({ id }) => id), [open]);
  assert.deepEqual(alice.view.rooms.map(({ id }) => id), [open, closed]);
});

test('a conversation is made by its first message', async () => {
  const alice = await connected(someone('alice'));
  const bobName = someone('bob');
  const bob = await connected(bobName);
  const told = heard(bob, 'message');
  const first = await alice.sendTo(bobName, 'psst');
  assert.equal((await told).room_id, first.room_id);
  await until('both have it', () => alice.view.direct(bobName) !== undefined && bob.view.direct(alice.me?.id ?? '') !== undefined);
  assert.equal(bob.view.direct(alice.me?.id ?? '')?.unread, 1);
  await Promise.all([alice, bob].map((board) => board.view.open(first.room_id)));
  await bob.send(first.room_id, 'what?');
  const others = ['a', 'b', 'c'].map((content) => alice.sendTo(bobName, content));
  await Promise.all(others);
  for (const board of [alice, bob]) await same('in order', () => contents(board, first.room_id), () => ['psst', 'what?', 'a', 'b', 'c']);
  await assert.rejects(alice.leave(first.room_id));
  // Who has never been here finds it when they come.
  const carolName = someone('carol');
  await alice.sendTo(carolName, 'when you come');
  const carol = await connected(carolName);
  assert.equal(carol.view.direct(alice.me?.id ?? '')?.last?.content, 'when you come');
  assert.equal(carol.view.direct(alice.me?.id ?? '')?.unread, 1);
});

test('history both ways, and to the beginning', async () => {
  const alice = await connected(someone('alice'));
  const id = await room(alice);
  await Promise.all(Array.from({ length: 130 }, (_, index) => alice.send(id, `m${index}`)));
  const all = Array.from({ length: 130 }, (_, index) => `m${index}`);
  const bob = await connected(someone('bob'));
  await bob.join(id);
  await bob.view.open(id);
  assert.deepEqual(contents(bob, id), all.slice(-50));
  assert.equal(await bob.view.loadOlder(id, 50), true);
  assert.equal(await bob.view.loadOlder(id, 50), false);
  assert.deepEqual(contents(bob, id), all);
  assert.deepEqual(bob.view.room(id)?.messages, alice.view.room(id)?.messages);
  const middle = bob.view.room(id)?.messages[60]?.offset ?? 0;
  const page = await bob.history(id, { after: middle, limit: 3 });
  assert.deepEqual([page.messages.map(({ content }) => content), page.total], [['m61', 'm62', 'm63'], 130]);
  assert.deepEqual((await bob.history(id, { before: middle, limit: 2 })).messages.map(({ content }) => content), ['m58', 'm59']);
});

test('what was missed comes after a cut, and nothing twice', async () => {
  const alice = await connected(someone('alice'));
  const bobName = someone('bob');
  const line = await lineTo(server);
  const bob = await connected(bobName, { port: line.port });
  const id = await room(alice, [bob]);
  const told: string[] = [];
  bob.on('message', ({ content }) => told.push(content));
  await alice.send(id, 'before');
  await until('it has come', () => told.length === 1);
  line.down = true;
  line.cut();
  await until('bob has noticed', () => bob.status !== 'live');
  const missed = await alice.send(id, 'missed');
  await alice.send(id, 'deleted').then(({ message_id }) => alice.delete(message_id));
  await alice.edit(missed.message_id, 'missed, and edited');
  await alice.react(missed.message_id, '👀');
  const mine = bob.send(id, 'said while away');
  assert.equal(bob.view.room(id)?.pending.length, 1);
  line.down = false;
  await mine;
  await same('the same as who was there', () => bob.view.room(id)?.messages, () => alice.view.room(id)?.messages);
  assert.deepEqual(contents(bob, id), ['before', 'missed, and edited', 'said while away']);
  assert.deepEqual(told.filter((content) => content === 'before').length, 1);
  assert.deepEqual(told.filter((content) => content.startsWith('missed')).length, 1);
});

test('a cursor that is none, or of another log, is refused, and everything is loaded anew', async () => {
  const name = someone('alice');
  const alice = await connected(name);
  const id = await room(alice);
  await alice.send(id, 'hello');
  const good = alice.server?.cursor ?? '';
  const expected = ['hello'];
  for (const [cursor, reason] of [
    ['nonsense', 'malformed'],
    [`${good.split('.')[0]}.99999999`, 'ahead'],
    [`00000000000000ff.${good.split('.')[1]}`, 'other_log'],
  ] as const) {
    const storage = memoryStorage();
    await storage.set('place', JSON.stringify({ user: name, cursor }));
    const made = client(server.port, name, { storage });
    clients.push(made);
    const reset = heard(made.board, 'reset');
    await made.board.connect();
    assert.deepEqual(await reset, { reason });
    await made.board.view.open(id);
    assert.deepEqual(contents(made.board, id), expected);
    expected.push(reason);
    assert.equal((await made.board.send(id, reason)).repeat, false);
  }
});

test('the outbox outlives a server that is killed, in order and without doubles', async () => {
  const own = await start();
  try {
    const alice = await connected('alice', { port: own.port });
    const bob = await connected('bob', { port: own.port });
    const id = await room(alice, [bob]);
    const expected: string[] = [];
    const sent: Promise<unknown>[] = [];
    for (let round = 0; round < 3; round += 1) {
      for (let index = 0; index < 40; index += 1) {
        expected.push(`m${round}.${index}`);
        sent.push(alice.send(id, `m${round}.${index}`));
      }
      // In the middle of them.
      await until('some are there', () => alice.outbox.length < 30);
      await own.kill();
      assert.ok(alice.outbox.length > 0, 'some are not');
      await own.again();
    }
    await Promise.all(sent);
    for (const board of [alice, bob]) {
      await until('everything has come', () => board.view.room(id)?.messages.at(-1)?.content === expected.at(-1));
      assert.deepEqual(contents(board, id), expected);
    }
    assert.deepEqual(alice.outbox, []);
  } finally {
    await own.end();
  }
});

test('a program that ends with unsent messages sends them when it runs again', async () => {
  const name = someone('alice');
  const storage = memoryStorage();
  const line = await lineTo(server);
  const alice = await connected(name, { port: line.port, storage });
  const id = await room(alice);
  line.down = true;
  line.cut();
  for (const content of ['a', 'b', 'c']) void alice.send(id, content);
  await alice.close();
  line.down = false;
  const again = await connected(name, { port: line.port, storage });
  await until('they are sent', () => again.outbox.length === 0);
  await again.view.open(id);
  assert.deepEqual(contents(again, id), ['a', 'b', 'c']);
});

test('a token that ends is followed by another one; another user\'s is not taken', async () => {
  const secret = 'only of this test';
  const own = await start({ JWT_SECRET: secret });
  try {
    const jwt = (sub: string, seconds: number) => {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const said = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub, exp: Math.floor(Date.now() / 1000) + seconds })}`;
      return `${said}.${createHmac('sha256', secret).update(said).digest('base64url')}`;
    };
    // The renewal before its end gets the first one again, so the server ends it; the one after that is renewed in time.
    const first = jwt('alice', 3);
    const tokens = [() => first, () => first, () => jwt('alice', 4), () => jwt('alice', 3600)];
    let asked = 0;
    const closes: (number | undefined)[] = [];
    const made = client(own.port, 'alice', { token: () => (tokens[asked++] ?? (() => first))() });
    clients.push(made);
    made.board.on('status', ({ status, closeCode }) => { if (status === 'waiting') closes.push(closeCode); });
    await made.board.connect();
    const alice = made.board;
    await until('a token has been renewed', () => asked === 4);
    // The third would have ended by then.
    await new Promise((resolve) => setTimeout(resolve, 4000));
    await alice.ping();
    assert.deepEqual(closes, [4401]);
    assert.deepEqual(await alice.renew(jwt('alice', 7200)), alice.me);
    await assert.rejects(alice.renew(jwt('bob', 3600)), { code: 'denied' });
    await assert.rejects(alice.renew(`${jwt('alice', 3600)}x`), { code: 'denied' });
    assert.equal(alice.status, 'live');
    // Whoever shows none that is taken is not let in, and goes on trying.
    const nobody = client(own.port, 'alice', { token: 'alice' });
    clients.push(nobody);
    let attempts = 0;
    nobody.board.on('status', ({ status }) => { attempts += Number(status === 'connecting'); });
    void nobody.board.connect();
    await until('it tries again', () => attempts > 2);
    assert.equal(nobody.board.me, undefined);
  } finally {
    await own.end();
  }
});

test('who was cut off many times has the same view as who never was', async () => {
  const random = new Random(4);
  const name = someone('ada');
  const line = await lineTo(server);
  const steady = await connected(name);
  const shaky = await connected(name, { port: line.port });
  const writers = [await connected(someone('bob')), await connected(someone('carol'))];
  const [bob, carol] = writers as [Switchboard, Switchboard];
  const id = await room(steady, writers);
  const secondId = await room(bob, [steady], 'private');
  await until('the other connection has them', () => shaky.view.rooms.length === 2);
  for (const roomId of [id, secondId]) await shaky.view.open(roomId);
  const told: number[] = [];
  shaky.on('message', ({ offset }) => told.push(offset));
  let said: string[] = [];
  let cuts = 0;
  const own: Promise<unknown>[] = [];
  for (let step = 0; step < 600; step += 1) {
    // While she is out, carol says nothing.
    const writer = step > 300 && step <= 320 ? bob : random.one(writers);
    const roomId = random.below(4) === 0 ? secondId : id;
    const target = random.one(said.slice(-10));
    const kind = random.below(10);
    if (kind < 5 || !target) await bob.send(roomId, `b${step} ${random.below(4) === 0 ? `@${name}` : ''}`).then(({ message_id }) => { said.push(message_id); });
    else if (kind < 6) await bob.edit(target, `e${step}`);
    else if (kind < 7) await bob.delete(target).then(() => { said = said.filter((other) => other !== target); });
    else if (kind < 9 || roomId === secondId) await bob.react(target, random.one(['👍', '❤', '🎉']), random.below(3) > 0);
    else await writer.send(roomId, `w${step}`);
    if (step === 300) await steady.kick(id, carol.me?.id ?? '');
    if (step === 320) await steady.invite(id, carol.me?.id ?? '');
    if (step % 50 === 7) own.push(shaky.send(id, `mine ${step}`));
    if (step % 90 === 11) void steady.markRead(id, steady.view.room(id)?.head.offset ?? 0);
    if (random.below(12) === 0) {
      line.cut();
      cuts += 1;
    }
  }
  await Promise.all(own);
  assert.ok(cuts > 20);
  for (const board of [steady, shaky]) {
    await until('it is live', () => board.status === 'live');
    for (const roomId of [id, secondId]) while (await board.view.loadOlder(roomId)) { /* To the beginning. */ }
  }
  for (const roomId of [id, secondId]) await same('the same view', () => lasting(shaky, roomId), () => lasting(steady, roomId));
  assert.equal(new Set(told).size, told.length, 'nothing is told twice');
  assert.equal(steady.view.room(id)?.messages.filter(({ content }) => content.startsWith('mine')).length, 12);
});

test('the snippet of the README runs as it stands', async () => {
  const here = (path: string) => new URL(`../../${path}`, import.meta.url);
  const [, snippet = ''] = /```js\n(.*?)```/s.exec(readFileSync(here('README.md'), 'utf8')) ?? [];
  assert.ok(snippet.includes('127.0.0.1:8080'), 'there is one');
  // Within the package, so that its name leads to dist.
  writeFileSync(here('build/readme.mjs'), snippet.replace('127.0.0.1:8080', `127.0.0.1:${server.port}`));
  const { stdout } = await promisify(execFile)(process.execPath, [here('build/readme.mjs').pathname], { timeout: 20_000 });
  for (const said of ['live', 'alice: Hello @bob', "emoji: '👍'", 'closed']) assert.ok(stdout.includes(said), `${said} in ${stdout}`);
});
