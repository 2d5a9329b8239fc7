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
const { play } = require('./recording.js');
const { selfTest } = require('./self-test.js');

const SHOWN = Number(process.env.FRAMES_SHOWN || 20);

async function documents() {
  const server = await Server.start();
  try {
    return await Documents.of(server);
  } finally {
    await server.end();
  }
}

async function main(folder) {
  if (folder === '--self-test') return selfTest(await documents());
  const judge = new Judge(await documents());
  await until('the taps have ended', () => !readdirSync(folder).some((name) => name.endsWith('.part')));
  const trouble = path.join(folder, 'trouble');
  if (existsSync(trouble) && readFileSync(trouble, 'utf8') !== '') throw new Error(readFileSync(trouble, 'utf8'));
  const files = readdirSync(folder).filter((name) => name.endsWith('.tap')).sort();
  for (const file of files) play(path.join(folder, file), (connection, settings) => judge.listener(`${file}#${connection}`, settings));
  judge.end();
  const { said, heard, answers, requests, broken } = judge.looked;
  for (const wrong of judge.wrong.slice(0, SHOWN)) console.error(wrong);
  if (judge.wrong.length > SHOWN) console.error(`and ${judge.wrong.length - SHOWN} more`);
  if (process.env.FRAMES_KINDS) console.log([...judge.kinds].sort().join('\n'));
  if (said + heard + answers === 0) throw new Error('nothing was kept: a tap before no server');
  console.log(`Frames: ${said} said, of which ${broken} were refused, ${heard} heard; HTTP: ${answers} answers, ${requests} bodies; `
    + `${judge.kinds.size} kinds, ${files.length} servers; ${judge.wrong.length} not as described`);
  if (judge.wrong.length > 0) throw new Error('the documents describe something else');
  return undefined;
}

run(() => main(process.argv[2]));
