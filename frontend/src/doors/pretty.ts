// Cuts a frame into coloured pieces of text. JSON is laid out; whatever stands before it (Socket.IO's digits, a line of
// HTTP) stays as it is.

export interface Piece {
  readonly kind: 'key' | 'text' | 'number' | 'word' | 'plain' | 'prefix';
  readonly text: string;
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)/gu;
/** A frame longer than this is not laid out: it would take longer than it helps. */
const LAID_OUT_MAX = 20_000;

export function pretty(frame: string): readonly Piece[] {
  const start = frame.search(/[[{]/u);
  const value = start < 0 || frame.length > LAID_OUT_MAX ? undefined : parsed(frame.slice(start));
  if (value === undefined) return [{ kind: 'plain', text: frame }];
  const pieces: Piece[] = start > 0 ? [{ kind: 'prefix', text: `${frame.slice(0, start).trim()}\n` }] : [];
  const text = JSON.stringify(value, null, 1);
  let at = 0;
  for (const found of text.matchAll(TOKEN)) {
    if (found.index > at) pieces.push({ kind: 'plain', text: text.slice(at, found.index) });
    const [all, quoted, colon, number] = found;
    if (quoted !== undefined && colon !== undefined) pieces.push({ kind: 'key', text: quoted }, { kind: 'plain', text: colon });
    else pieces.push({ kind: quoted !== undefined ? 'text' : number !== undefined ? 'number' : 'word', text: all });
    at = found.index + all.length;
  }
  if (at < text.length) pieces.push({ kind: 'plain', text: text.slice(at) });
  return pieces;
}

function parsed(text: string): unknown {
  try { return JSON.parse(text); } catch { return undefined; }
}
