// The broker that the feed is tested against: the one that runs here, or a private one, and a door to it that can be shut.
'use strict';

const { spawn, spawnSync } = require('node:child_process');
const { existsSync, mkdtempSync, readdirSync, rmSync } = require('node:fs');
const net = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');
const amqp = require('amqplib');
const { freePort, until } = require('../lib/server.js');

const START_MS = 120_000; // Erlang's start on a busy machine.

const connect = (url) => amqp.connect(url, { timeout: 5000 });
const answers = (url) => connect(url).then((connection) => connection.close().then(() => true), () => false);

// A TCP relay in front of the broker: what the server sees of it can go and come, whoever else uses it.
class Door {
  static async open(port) {
    const door = new Door();
    door.broker = port;
    door.port = await freePort();
    door.lines = new Set();
    await door.up();
    return door;
  }

  async up() {
    this.server = net.createServer((near) => {
      const far = net.connect(this.broker, '127.0.0.1');
      for (const [one, other] of [[near, far], [far, near]]) {
        this.lines.add(one);
        one.on('error', () => {});
        one.on('close', () => { this.lines.delete(one); other.destroy(); });
        one.pipe(other);
      }
    });
    await new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
  }

  async down() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.lines.forEach((line) => line.destroy());
    await closed;
  }
}

// One that runs already. It is somebody's: it is never stopped, and what we made on it goes at the end.
class Found {
  constructor(url) { this.url = url; this.kind = 'the one that runs here'; }

  async open() {
    const url = new URL(this.url.replace(/^amqp:/, 'http:'));
    if (!/^amqp:/.test(this.url) || !['localhost', '127.0.0.1'].includes(url.hostname)) throw new Error('RABBITMQ_URL has to be amqp: and on this machine');
    this.door = await Door.open(Number(url.port || 5672));
    [url.hostname, url.port] = ['127.0.0.1', String(this.door.port)];
    this.through = url.href.replace(/^http:/, 'amqp:');
  }

  stop() { return this.door.down(); }

  start() { return this.door.up(); }

  end() { return this.door.down().catch(() => {}); }
}

// One of our own: its own node name, ports, files and cookie, on loopback only.
class Private {
  constructor(script) { this.script = script; this.kind = 'a private one'; }

  async open() {
    this.dir = mkdtempSync(path.join(tmpdir(), 'switchboard-rabbitmq-'));
    [this.port, this.distribution, this.epmd] = [await freePort(), await freePort(), await freePort()];
    this.url = `amqp://guest:guest@127.0.0.1:${this.port}`;
    this.through = this.url;
    const at = (name) => path.join(this.dir, name);
    this.env = {
      PATH: process.env.PATH, HOME: this.dir, LANG: 'C.UTF-8',
      RABBITMQ_NODENAME: `switchboard${process.pid}@localhost`, RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(this.port), RABBITMQ_DIST_PORT: String(this.distribution),
      RABBITMQ_MNESIA_BASE: at('mnesia'), RABBITMQ_LOG_BASE: at('log'), RABBITMQ_CONFIG_FILE: at('none'),
      RABBITMQ_ADVANCED_CONFIG_FILE: at('none'), RABBITMQ_CONF_ENV_FILE: at('none.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: at('plugins'), RABBITMQ_PID_FILE: at('pid'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
      ERL_EPMD_PORT: String(this.epmd), ERL_EPMD_ADDRESS: '127.0.0.1',
    };
    await this.start();
  }

  async start() {
    this.child = spawn(this.script, [], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let noise = '';
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (bytes) => { noise = (noise + bytes).slice(-4096); });
    this.child.on('error', (error) => { noise += error; });
    await until(() => `the broker answers: ${noise}`, () => {
      if (this.child.exitCode !== null) throw new Error(`the broker has ended: ${noise}`);
      return answers(this.url);
    }, START_MS);
  }

  stop() {
    if (!this.child || this.child.exitCode !== null) return Promise.resolve();
    return new Promise((resolve) => { this.child.once('exit', resolve); this.child.kill('SIGTERM'); });
  }

  async end() {
    await this.stop();
    spawnSync('epmd', ['-port', String(this.epmd), '-kill'], { env: this.env });
    rmSync(this.dir, { recursive: true, force: true });
  }
}

// Debian's own command changes to the broker's user, who may write only its own directories.
function script() {
  const base = '/usr/lib/rabbitmq/lib';
  const versions = existsSync(base) ? readdirSync(base).map((name) => path.join(base, name, 'sbin', 'rabbitmq-server')) : [];
  return versions.find((file) => existsSync(file)) || 'rabbitmq-server';
}

async function broker() {
  const said = process.env.RABBITMQ_URL || process.env.AMQP_URL;
  const usual = 'amqp://guest:guest@127.0.0.1:5672';
  const chosen = process.argv.includes('--private') ? new Private(script())
    : said ? new Found(said)
      : (await answers(usual)) ? new Found(usual) : new Private(script());
  await chosen.open();
  const connection = await connect(chosen.url);
  const { product, version } = connection.connection.serverProperties;
  await connection.close();
  chosen.version = `${product} ${version}`;
  return chosen;
}

module.exports = { broker, connect };
