// Whether a message names somebody: the server's own rule, so that counting on here gives what it would count.

const PART = /[\p{Alphabetic}\p{N}_]/u;
/** What belongs to a name only where the name goes on behind it. */
const JOINT = /[.\-~@]/;

/** Whether a text has `@` and this name, not as a part of a longer name or of an address. Case is not minded. */
export function names(content: string, name: string): boolean {
  if (name === '' || !content.includes('@')) return false;
  const text = content.toLowerCase();
  const sought = `@${name.toLowerCase()}`;
  for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + 1)) {
    const before = [...text.slice(Math.max(0, at - 2), at)].at(-1);
    const [next, afterNext] = [...text.slice(at + sought.length, at + sought.length + 4)];
    if (before !== undefined && PART.test(before)) continue;
    if (next === undefined) return true;
    const goesOn = JOINT.test(next) ? afterNext !== undefined && PART.test(afterNext) : PART.test(next);
    if (!goesOn) return true;
  }
  return false;
}
