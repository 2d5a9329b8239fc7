// Every frame and every answer that a suite exchanged with the real binary, as a tap before it has kept them, held
// against the documents of that very binary: `/asyncapi.yaml` and `/openapi.json`.
//
//   node tests/frames/run.js FOLDER        SWITCHBOARD_BINARY says which binary; FOLDER is the tap's. FRAMES_SHOWN: how many
//                                          wrong ones are shown; FRAMES_KINDS: also which kinds were seen
//   node tests/frames/run.js --self-test   shows that the judge can say no
'use strict';

const { readdirSync, readFileSync, existsSync } = require('node:fs');
const path = require('node:path');
const { Server, run, until } = require('../lib/server.js');
const { Documents } = require('./documents.js');
const { Judge } = require('./judge.js');
const { play, settings } = require('./recording.js');
const { selfTest } = require('./self-test.js');

const SHOWN = Number(process.env.FRAMES_SHOWN || 20);

// The documents of a server with these settings.
async function documents(settings) {
  const server = await Server.start(settings);
  try {
    return await Documents.of(server);
  } finally {
    await server.end();
  }
}

async function main(folder) {
  if (folder === '--self-test') return selfTest(await documents({}));
  await until('the taps have ended', () => !readdirSync(folder).some((name) => name.endsWith('.part')));
  const trouble = path.join(folder, 'trouble');
  if (existsSync(trouble) && readFileSync(trouble, 'utf8') !== '') throw new Error(readFileSync(trouble, 'utf8'));
  const files = readdirSync(folder).filter((name) => name.endsWith('.tap')).sort();
  const judges = new Map(); // By the servers' settings: a session goes on in the next server of its kind.
  for (const file of files) {
    const { GATEWAY_INTEGRATION_ROUTES: routes, ...paths } = settings(path.join(folder, file));
    const key = JSON.stringify([routes, paths]);
    if (!judges.has(key)) judges.set(key, new Judge(await documents(paths), { isRouted: Boolean(routes) }));
    play(path.join(folder, file), (connection) => judges.get(key).listener(`${file}#${connection}`));
  }
  for (const judge of judges.values()) judge.end();
  const all = [...judges.values()];
  const wrong = all.flatMap((judge) => judge.wrong);
  const kinds = new Set(all.flatMap((judge) => [...judge.kinds]));
  const sum = (what) => all.reduce((total, { looked }) => total + looked[what], 0);
  for (const one of wrong.slice(0, SHOWN)) console.error(one);
  if (wrong.length > SHOWN) console.error(`and ${wrong.length - SHOWN} more`);
  if (process.env.FRAMES_KINDS) console.log([...kinds].sort().join('\n'));
  if (sum('said') + sum('heard') + sum('answers') === 0) throw new Error('nothing was kept: a tap before no server');
  console.log(`Frames: ${sum('said')} said, of which ${sum('broken')} were refused, ${sum('heard')} heard; HTTP: ${sum('answers')} answers, `
    + `${sum('requests')} bodies; ${kinds.size} kinds, ${files.length} recordings; ${wrong.length} not as described`);
  if (wrong.length > 0) throw new Error('the documents describe something else');
  return undefined;
}

run(() => main(process.argv[2]));
