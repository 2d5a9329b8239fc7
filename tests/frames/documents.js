// The server's documents as judges, by a JSON Schema validator that isn't the house's own.
//
// What the server says is held to the letter: an object may have no key that isn't described, although clients are told
// to expect some one day. What a client says may have more, for the server ignores that.
'use strict';

const assert = require('node:assert/strict');
const Ajv = require('ajv/dist/2020');
const yaml = require('yaml');

// What an operator's back end says, or is told: anything, so that every frame would be one of these.
const ANYTHING = ['gateway.receive.routed', 'gateway.send.posted'];
const JSON_KIND = 'application/json';
const SHORT = 1000;
const KNOWN_MAX = 10_000;
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

// Objects have the keys that are described, where nothing is said of others.
function closed(value) {
  if (Array.isArray(value)) return value.map(closed);
  if (value === null || typeof value !== 'object') return value;
  const all = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner)]));
  return all.type === 'object' && all.properties && !('additionalProperties' in all) ? { ...all, additionalProperties: false } : all;
}

// `application/json` of `application/json; charset=utf-8`
function kind(type) {
  return (type ?? '').split(';')[0].trim();
}

// What is described, by its kind.
function contents(of, compiled) {
  return new Map(Object.entries(of?.content ?? {}).map(([type, { schema }]) => [kind(type), compiled(schema)]));
}

function decoded(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}

// Whether a path is one of these, `/rooms/{room_id}/connections`; a capture is a segment, and not an empty one.
function fits(pattern, path) {
  const wanted = pattern.split('/');
  const given = path.split('/').map(decoded);
  return wanted.length === given.length
    && wanted.every((part, at) => (/^\{.*\}$/.test(part) ? given[at] !== '' : part === given[at]));
}

class Documents {
  constructor(openapi, asyncapi) {
    this.openapi = openapi;
    this.asyncapi = asyncapi;
    this.known = new Map();
    const schemas = { ...openapi.components.schemas, ...asyncapi.components.schemas };
    const of = (change) => {
      const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false, strictTypes: false, strictTuples: false });
      const root = change({ components: { schemas } });
      ajv.addVocabulary(['components']);
      return (schema) => ajv.compile({ ...root, ...change(schema) });
    };
    const [toTheLetter, withMore] = [of(closed), of((schema) => schema)];
    this.toTheLetter = toTheLetter;
    this.messages = Object.entries(asyncapi.components.messages).filter(([name]) => !ANYTHING.includes(name))
      .map(([name, { payload }]) => ({ name, judge: (name.includes('.send.') ? toTheLetter : withMore)(payload) }));
    this.channels = Object.entries(asyncapi.channels).map(([name, { address }]) => ({ name, address }));
    this.routes = Object.entries(openapi.paths).flatMap(([path, item]) => {
      const whole = this.found(item);
      return METHODS.filter((method) => whole[method]).map((method) => {
        const { responses, requestBody } = whole[method];
        const answers = Object.entries(responses).map(([status, answer]) => [status, contents(this.found(answer), toTheLetter)]);
        const bodies = contents(requestBody && this.found(requestBody), withMore);
        return { method: method.toUpperCase(), path, answers: new Map(answers), bodies };
      });
    });
    this.otherwise = this.routes.map(({ answers }) => answers.get('default')).find(Boolean);
    assert.ok(this.otherwise.has('application/json'), 'the server\'s own words are described');
  }

  static async of(server) {
    const [openapi, asyncapi] = [await server.ask('GET', '/openapi.json'), await server.ask('GET', '/asyncapi.yaml')];
    return new Documents(openapi.json, yaml.parse(asyncapi.text));
  }

  found(value) {
    if (!value.$ref) return value;
    return value.$ref.slice(2).split('/').reduce((at, key) => at[key.replaceAll('~1', '/').replaceAll('~0', '~')], this.openapi);
  }

  // The channel of a socket that was asked for there; undefined for a path that is none's.
  channel(path) {
    // `/ws/chat` before `/ws/{user_id}`; and what `$ref` says is another's path is that one's socket.
    const narrow = ({ address }) => address.split('{').length;
    const fitting = (one) => this.channels.filter(({ address }) => fits(address, one)).sort((a, b) => narrow(a) - narrow(b));
    const straight = fitting(path);
    if (straight.length > 0) return straight[0].name;
    const same = Object.entries(this.openapi.paths).find(([pattern, { $ref }]) => $ref && fits(pattern, path));
    if (!same) return undefined;
    const address = same[1].$ref.replace('#/paths/', '').replaceAll('~1', '/').replaceAll('~0', '~');
    return this.channels.find((channel) => channel.address === address)?.name;
  }

  // Which of the messages that begin with this (`rooms.send.`) a frame is: its name, or why it is none.
  message(prefixes, frame) {
    // Floods say one thing many times.
    const key = `${prefixes} ${JSON.stringify(frame)}`;
    if (key.length < SHORT && this.known.has(key)) return this.known.get(key);
    const found = this.judged(prefixes, frame);
    if (key.length < SHORT && this.known.size < KNOWN_MAX) this.known.set(key, found);
    return found;
  }

  judged(prefixes, frame) {
    const why = [];
    for (const { name, judge } of this.messages) {
      const prefix = prefixes.find((one) => name.startsWith(one));
      if (!prefix) continue;
      if (judge(frame)) return { name: name.slice(prefix.length) };
      // What is wrong deepest inside is wrong with the schema that fits best.
      const depth = Math.max(...judge.errors.map(({ instancePath }) => instancePath.split('/').length));
      why.push({ depth, text: `${name}: ${judge.errors.map(({ instancePath, message }) => `${instancePath || 'it'} ${message}`).join(', ')}` });
    }
    why.sort((a, b) => b.depth - a.depth);
    return { why: `is no message of ${prefixes.join(' or ')}: ${why.slice(0, 2).map(({ text }) => text).join('; ')}` };
  }

  route(method, path) {
    // What has fewer captures is meant more narrowly.
    const narrow = (route) => route.path.split('{').length;
    return this.routes.filter((route) => route.method === method && fits(route.path, path)).sort((a, b) => narrow(a) - narrow(b))[0];
  }

  // What is wrong with an answer; undefined when it is described. The server's own words are everywhere.
  answer(method, path, status, type, text) {
    // Methods that a path doesn't have are answered in the words of those that it has.
    const route = this.route(method, path) ?? METHODS.map((other) => this.route(other.toUpperCase(), path)).find(Boolean);
    const answers = route?.answers ?? new Map();
    const described = answers.get(String(status));
    if (described?.size === 0 && text === '') return undefined;
    const value = kind(type) === JSON_KIND && text !== '' ? JSON.parse(text) : text;
    const why = [];
    for (const contents of [described, answers.get(`${Math.floor(status / 100)}XX`), this.otherwise]) {
      const judge = contents?.get(kind(type));
      if (judge?.(value)) return undefined;
      if (judge) why.push(judge.errors.map(({ instancePath, message }) => `${instancePath || 'it'} ${message}`).join(', '));
    }
    return `${status} ${type} ${text.slice(0, 500)} is no answer that is described: ${why.join('; ')}`;
  }

  // What is wrong with a request's body; undefined when it is described, or there is none.
  request(method, path, text) {
    const route = this.route(method, path);
    if (!route) return 'is not described';
    if (text === '') return undefined;
    const [described, judge] = [...route.bodies][0] ?? [];
    if (!judge) return undefined; // None is wanted, and none is read.
    try {
      return judge(described === JSON_KIND ? JSON.parse(text) : text) ? undefined : `${text.slice(0, 500)}: ${JSON.stringify(judge.errors)}`;
    } catch (error) {
      return `${text.slice(0, 500)}: ${error.message}`;
    }
  }
}

module.exports = { Documents };
