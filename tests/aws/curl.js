// curl, as a shell script has it: by a service key, and signed as AWS would have it signed; by curls that can't, signed over
// what they would have had to sign.
'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');

const run = promisify(execFile);

// Speaks to a connection by each of the ways that the protocol's page names; gives what was said.
module.exports = async function curls(port, key, id) {
  const { stdout: version } = await run('curl', ['--version']);
  const path = `/production/@connections/${id}`;
  const post = async (body, ...more) => {
    const sign = ['--aws-sigv4', 'aws:amz:any:execute-api', '-u', `${key.accessKeyId}:${key.secretAccessKey}`];
    const { stdout } = await run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', ...sign, '-d', body, ...more]);
    return Number(stdout);
  };
  // Which kind it is shows here; the kinds that are known are told apart in the adapters' tests.
  const plain = await post('plain', `http://127.0.0.1:${port}${path}`);
  assert.ok(plain === 200 || plain === 403, `${plain} ${version}`);
  if (plain === 200) return ['plain'];
  const encoded = path.replace('@', '%40').replace('=', '%3D');
  assert.equal(await post('by two paths', '--request-target', path, `http://127.0.0.1:${port}${encoded}`), 200, version);
  assert.equal(await post('by another', '--request-target', `${path}x`, `http://127.0.0.1:${port}${encoded}`), 403, version);
  return ['by two paths'];
};
