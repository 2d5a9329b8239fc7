// Two connections of one user, one of them cut off again and again at random, while several others write, edit, delete and
// react, and one is banned: both have heard the same, in the same order, each once, and show the same, which is what the
// server has.
//
//   npm run soak -- --messages 100000 --cuts 1000 [--seed 1]
//
// SWITCHBOARD_BINARY says which server; else target/release/switchboard.

import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { SwitchboardError } from '../src/index.js';
import type { LogEventName, Message, Switchboard } from '../src/index.js';
import { read } from '../src/stretch.js';
import { Random } from './random.js';
import { Line, client, lasting, same, start, until } from './server.js';

const { values } = parseArgs({ options: { messages: { type: 'string' }, cuts: { type: 'string' }, seed: { type: 'string' } } });
const OPERATIONS = Number(values.messages ?? 5000);
const CUTS = Number(values.cuts ?? 100);
const random = new Random(Number(values.seed ?? 1));
assert.ok(OPERATIONS > 0 && CUTS >= 0, 'how many?');
/** Operations in flight of each writer. */
const HANDS = 6;
/** Those that are changed are among the newest so many. */
const RECENT = 60;
const EVENTS: readonly LogEventName[] = ['message', 'edited', 'deleted', 'reaction', 'room_made', 'retitled', 'member', 'removed'];

interface Said {
  readonly messageId: string;
  readonly by: Switchboard;
}

const began = Date.now();
const server = await start();
const line = await Line.to(server);
process.on('exit', (code) => { if (code !== 0) console.error(`What the server logged last:\n${server.noise}`); });
// A tight line is cut before it has come back far: the wait is short, so that the cuts come to an end.
const options = { backoff: { firstMs: 2, maxMs: 40 }, requestTimeoutMs: 120_000 };
const [steady, shaky, bob, carol, dan, eve] = [
  client(server.port, 'ada', options), client(line.port, 'ada', options), client(server.port, 'bob', options),
  client(server.port, 'carol', options), client(server.port, 'dan', options), client(server.port, 'eve', options),
].map(({ board }) => board) as [Switchboard, Switchboard, Switchboard, Switchboard, Switchboard, Switchboard];
const writers = [bob, carol, dan, eve];
await Promise.all([steady, shaky, ...writers].map((board) => board.connect()));
const rooms = [await steady.createRoom({ title: 'First', kind: 'public' }), await steady.createRoom({ title: 'Second', kind: 'private' })].map(({ id }) => id);
for (const roomId of rooms) {
  for (const writer of writers) await writer.join(roomId);
}
await until('both connections know the rooms', () => steady.view.rooms.length === 2 && shaky.view.rooms.length === 2);
for (const board of [steady, shaky]) for (const roomId of rooms) await board.view.open(roomId);

// What each connection is told, one after the other; what it is told of a reset, which there must not be.
const told = [steady, shaky, eve].map((board) => {
  const heard: string[] = [];
  const list = { heard, resets: 0, last: 0 };
  for (const name of EVENTS) board.on(name, ({ offset, room_id }) => { heard.push(`${offset} ${name} ${room_id}`); list.last = offset; });
  board.on('reset', () => { list.resets += 1; });
  return list;
}) as [Told, Told, Told];
interface Told { readonly heard: string[]; resets: number; last: number }

// A change that was cut off before its answer is asked for again, and told again, which changes nothing; a message is not.
let lost = 0;
for (const board of [steady, ...writers]) {
  board.on('status', ({ status, reason }) => {
    if (status !== 'waiting') return;
    lost += 1;
    console.error(`${board.me?.id} was cut off by the server: ${reason}`);
  });
}

const counts = { message: 0, edit: 0, deletion: 0, reaction: 0, own: 0, cut: 0, cutWhileCatchingUp: 0 };
const recent: Said[] = [];
const own: Promise<unknown>[] = [];
let begun = 0;
let banned: { offset: number } | undefined;
let over = false;

/** Cuts as they fall due with the operations; a line that is down can't be cut, so it is cut when it is up. */
async function cutter(): Promise<void> {
  while (counts.cut < CUTS) {
    const due = Math.ceil((CUTS * Math.min(begun, OPERATIONS)) / OPERATIONS);
    if (counts.cut < due && line.count > 0) {
      // After anything from nothing to some frames: sometimes in the handshake, sometimes within what was missed.
      await pause(random.below(4) === 0 ? 0 : random.below(25));
      if (line.count === 0) continue;
      if (shaky.status === 'catching-up') counts.cutWhileCatchingUp += 1;
      line.cut();
      counts.cut += 1;
    }
    await pause(1);
  }
}

async function operation(writer: Switchboard): Promise<void> {
  const index = (begun += 1);
  const roomId = random.one(rooms);
  const kind = random.below(100);
  const target = random.one(recent);
  const mine = recent.filter(({ by }) => by === writer);
  const one = random.one(mine);
  if (index % Math.max(1, Math.floor(OPERATIONS / 200)) === 0) {
    counts.own += 1;
    own.push(shaky.send(random.one(rooms), `own ${counts.own}`));
  }
  if (kind < 12 && target) {
    await writer.react(target.messageId, random.one(['👍', '❤', '🎉', '👀']), random.below(3) > 0);
    counts.reaction += 1;
  } else if (kind < 24 && one) {
    await writer.edit(one.messageId, `edit ${index}${random.below(5) === 0 ? ' @ada' : ''}`);
    counts.edit += 1;
  } else if (kind < 30 && one) {
    recent.splice(recent.indexOf(one), 1);
    await writer.delete(one.messageId);
    counts.deletion += 1;
  } else {
    const { message_id: messageId } = await writer.send(roomId, `message ${index}${random.below(20) === 0 ? ' @ada' : ''}`);
    counts.message += 1;
    recent.push({ messageId, by: writer });
    if (recent.length > RECENT) recent.shift();
  }
}

async function hand(writer: Switchboard): Promise<void> {
  while ((begun < OPERATIONS || counts.cut < CUTS) && !over) {
    try {
      await operation(writer);
    } catch (error) {
      // Deleted by its author meanwhile; or the writer is eve, who was banned.
      if (!(error instanceof SwitchboardError)) throw error;
      if (writer === eve && banned && error.code !== 'message_not_found') return;
      if (error.code !== 'message_not_found') throw error;
    }
    if (begun >= OPERATIONS / 2 && !banned) {
      banned = { offset: 0 };
      await steady.ban(rooms[0] as string, 'eve');
      await steady.ban(rooms[1] as string, 'eve');
      // What she says after this is refused, and what the others say she is not told.
      banned = { offset: (await bob.send(rooms[0] as string, 'she is banned')).offset };
      counts.message += 1;
    }
    if (begun % 500 === 0) void steady.markRead(random.one(rooms), told[0].last);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const work = writers.flatMap((writer) => Array.from({ length: HANDS }, () => hand(writer)));
await Promise.all([cutter(), ...work]).catch((error: unknown) => {
  over = true;
  throw error;
});
await Promise.all(own);
await until('the cut one is back', () => shaky.status === 'live');
await until(() => `both have heard the end: ${told[0].last} and ${told[1].last}`, () => told[0].last === told[1].last);

// The same was told, in the same order, each once.
assert.deepEqual(told[1].heard, told[0].heard, 'both were told the same');
assert.equal(new Set(told[0].heard).size, told[0].heard.length, 'nothing was told twice');
assert.equal(told[0].resets + told[1].resets, 0, 'no resume was refused, and no gap was found');
assert.ok(banned && told[2].last < banned.offset, `the banned one was told nothing afterwards: ${told[2].last}, ${banned?.offset}`);
assert.deepEqual(eve.view.rooms, []);
assert.equal(counts.cut, CUTS);

// The same is shown, and it is what the server has.
let shown = 0;
for (const roomId of rooms) {
  await same('both show the same', () => lasting(shaky, roomId), () => lasting(steady, roomId));
  const messages: Message[] = [];
  for (;;) {
    const page = await bob.history(roomId, { after: messages.at(-1)?.offset ?? 0, limit: 200 });
    messages.push(...page.messages);
    if (page.messages.length === 0) break;
  }
  assert.deepEqual(steady.view.room(roomId)?.messages, messages.map(read), 'what is shown is what the server has');
  const room = await steady.room(roomId);
  const view = steady.view.room(roomId);
  assert.deepEqual([view?.unread, view?.mentions, view?.head], [room.unread, room.mentions, room.head], 'unread messages as the server counts them');
  shown += messages.length;
}
const said = rooms.flatMap((roomId) => steady.view.room(roomId)?.messages ?? []).filter(({ content }) => content.startsWith('own '));
assert.equal(said.length, counts.own, 'what the cut one said is there');
assert.equal(new Set(said.map(({ content }) => content)).size, counts.own, 'once');
assert.deepEqual(shaky.outbox, []);
// What was acknowledged is what was told: messages no more and no less, whoever was cut off.
const heardOf = (name: LogEventName) => told[0].heard.filter((event) => event.split(' ')[1] === name).length;
assert.equal(heardOf('message'), counts.message + counts.own, 'a message was acknowledged for each that was told');
assert.equal(shown, heardOf('message') - heardOf('deleted'), 'what is shown is what was told, less what was deleted');
const changes = [heardOf('edited') - counts.edit, heardOf('deleted') - counts.deletion, heardOf('reaction') - counts.reaction];
assert.ok(changes.every((more) => (lost === 0 ? more === 0 : more >= 0)), `changes told, but not acknowledged: ${changes.join()}; ${lost} cut off`);

const seconds = Math.round((Date.now() - began) / 1000);
console.log(
  `Client library: ${counts.message + counts.own} messages, ${counts.edit} edits, ${counts.deletion} deletions, ${counts.reaction} reactions and a ban, ` +
  `${counts.cut} cuts (${counts.cutWhileCatchingUp} while catching up): both views show the same ${shown} messages, ` +
  `told ${told[1].heard.length} events once and in order (${seconds} s)`,
);
await Promise.all([steady, shaky, ...writers].map((board) => board.close()));
await line.end();
await server.end();
