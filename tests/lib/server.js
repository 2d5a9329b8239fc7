// What the runners in JavaScript share: the real binary, started on a port of its own; requests; patience.
'use strict';

const { spawn } = require('node:child_process');
const { mkdtempSync, rmSync } = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..');
const BINARY = path.resolve(ROOT, process.env.SWITCHBOARD_BINARY || 'target/release/switchboard');
const PATIENCE_MS = 30_000;

// Looks until it holds. Patience only bounds how long a test that fails takes: nothing is judged by time.
async function until(what, holds, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${typeof what === 'function' ? what() : what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => resolve(port)); });
  });
}

// One request: its status, headers and text, and what the text is as JSON. A broken connection is a rejection.
function ask(port, method, target, { headers = {}, body, agent } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path: target, headers, agent }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString();
        let json;
        try { json = JSON.parse(text); } catch { json = undefined; }
        resolve({ status: answer.statusCode, headers: answer.headers, text, json });
      });
    });
    request.on('error', reject);
    request.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  });
}

// A server that can be killed and started again on the same port and data.
class Server {
  constructor(settings) {
    this.settings = settings;
    this.data = mkdtempSync(path.join(tmpdir(), 'switchboard-test-'));
  }

  static async start(settings = {}) {
    const server = new Server(settings);
    server.port = await freePort();
    await server.again();
    return server;
  }

  async again() {
    // Nothing of the tester's own environment may reach it.
    const env = { PATH: process.env.PATH, PORT: String(this.port), DATA_DIR: this.data, SHARDS: '2', ...this.settings };
    this.child = spawn(BINARY, [], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.noise = '';
    this.child.stderr.on('data', (bytes) => { this.noise = (this.noise + bytes).slice(-4096); });
    this.child.on('error', (error) => { this.noise += error; });
    await until('the server serves', async () => {
      if (this.child.exitCode !== null) throw new Error(`the server has ended: ${this.noise}`);
      return ask(this.port, 'GET', '/health').then(({ status }) => status === 200, () => false);
    });
  }

  kill() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => { this.child.once('exit', resolve); this.child.kill('SIGKILL'); });
  }

  async end() {
    await this.kill();
    rmSync(this.data, { recursive: true, force: true });
  }

  ask(method, target, more) { return ask(this.port, method, target, more); }

  async connections() { return (await this.ask('GET', '/health')).json.active_connections; }
}

// Runs one of a runner's modes and ends the process: what a runner's last line calls.
function run(main) {
  Promise.resolve().then(main).then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
}

module.exports = { BINARY, PATIENCE_MS, Server, ask, freePort, run, until };
