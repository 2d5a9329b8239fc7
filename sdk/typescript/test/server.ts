// The real server, started as the other steps start it, and a line to it that can be cut at any byte.

import { createRequire } from 'node:module';
import net from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import { Switchboard } from '../src/index.js';
import type { Options } from '../src/index.js';

export interface Server {
  readonly port: number;
  /** The end of what it logged. */
  readonly noise: string;
  kill(): Promise<void>;
  again(): Promise<void>;
  end(): Promise<void>;
}

interface Library {
  readonly Server: { start(settings?: Record<string, string>): Promise<Server> };
  until(what: string | (() => string), holds: () => boolean | Promise<boolean>, patience?: number): Promise<void>;
}

// From build/test, where the compiled tests are.
const library = createRequire(import.meta.url)('../../../../tests/lib/server.js') as Library;

export const { until } = library;

/** Without limits of messages a minute and frames a second: the tests say more than people do. */
export function start(settings: Record<string, string> = {}): Promise<Server> {
  return library.Server.start({ MAX_MESSAGES_PER_MIN: '0', FRAMES_PER_SECOND: '1000000', ...settings });
}

/** Passes bytes on until it is cut; what is under way then is lost, acknowledgements and half frames included. */
export class Line {
  readonly #server: net.Server;
  readonly #ends = new Set<net.Socket>();
  /** While down, nobody gets through. */
  down = false;
  port = 0;

  private constructor(to: () => number) {
    this.#server = net.createServer((near) => {
      if (this.down) return void near.destroy();
      const far = net.connect(to(), '127.0.0.1');
      for (const [end, other] of [[near, far], [far, near]] as const) {
        this.#ends.add(end);
        end.on('error', () => {});
        end.on('close', () => { this.#ends.delete(end); other.destroy(); });
        end.pipe(other);
      }
    });
  }

  static async to(server: Server): Promise<Line> {
    const line = new Line(() => server.port);
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve));
    line.port = (line.#server.address() as net.AddressInfo).port;
    return line;
  }

  /** How many connections there are. */
  get count(): number {
    return this.#ends.size / 2;
  }

  cut(): void {
    for (const end of this.#ends) end.destroy();
  }

  async end(): Promise<void> {
    this.down = true;
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export interface Client {
  readonly board: Switchboard;
  readonly problems: unknown[];
}

/** A client that comes back quickly, and says what went wrong in the test's own error. */
export function client(port: number, user: string, more: Partial<Options> = {}): Client {
  const board = new Switchboard({
    url: `http://127.0.0.1:${port}`,
    token: user,
    WebSocket,
    backoff: { firstMs: 5, maxMs: 200 },
    ...more,
  });
  const problems: unknown[] = [];
  board.on('problem', (error) => problems.push(error));
  return { board, problems };
}

/**
 * A room as it is shown, without what is true only now, and what only this connection knows. How far each message has got is
 * compared, not how far each member: of what is read already, and in public rooms, the server tells no deliveries as they
 * happen, so that whoever asks later knows more of them.
 */
export function lasting({ view }: Switchboard, roomId: string): object | undefined {
  const room = view.room(roomId);
  if (!room) return undefined;
  const { typing: _typing, here: _here, pending: _pending, loadingOlder: _loading, receipts, members, ...rest } = room;
  const isTold = room.kind === 'private' || room.kind === 'direct';
  const sorted = <Item>(map: ReadonlyMap<string, Item> | undefined) => map && [...map].sort(([one], [other]) => (one < other ? -1 : 1));
  const marks = sorted(receipts)?.filter(([, { read }]) => read > 0).map(([, { user, read }]) => [user, read]);
  const ticks = room.messages.map(({ offset }) => view.tick(roomId, offset)).map((tick) => (tick === 'read' || isTold ? tick : undefined));
  return { ...rest, marks, ticks, members: sorted(members) };
}

/** Waits until both are the same; then, or when that does not happen, says in what they differ. */
export async function same(what: string, one: () => unknown, other: () => unknown, patience = 30_000): Promise<void> {
  await until(what, () => isDeepStrictEqual(one(), other()), patience).catch(() => {});
  try {
    assert.deepEqual(one(), other(), what);
  } catch (error) {
    // Of views of many thousand messages, where they differ is enough.
    throw new Error(String((error as Error).message).slice(0, 4000));
  }
}
