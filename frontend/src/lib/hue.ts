// A face for everybody, from the id alone: the same colour and letters wherever they appear.

/** 0 to 359, evenly spread, the same for the same id. */
export function hue(id: string): number {
  let hash = 2166136261;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 16777619);
  // FNV leaves short names close together; this spreads them (the end of MurmurHash3).
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % 360;
}

/** One or two letters: of the first and last word, or the first of a single one. Whole characters, emoji too. */
export function initials(name: string): string {
  const words = name.replace(/^(dm|GUILD)[-#]/u, '').split(/[\s._#@-]+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => [...(word ?? '?')][0] ?? '?').join('').toUpperCase();
}
