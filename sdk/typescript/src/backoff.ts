// How long to wait before the next attempt: doubled each time up to a bound, and jittered, so that the clients of a server
// that was down do not come back all at once.

import type { Backoff } from './types.js';

export const BACKOFF: Backoff = { firstMs: 500, maxMs: 30_000, factor: 2, jitterMin: 0.5 };

/** The wait after `failures` (0, 1, 2, …) earlier ones; `random` is in [0, 1). */
export function waitMs(backoff: Backoff, failures: number, random: number): number {
  // The exponent is bounded: a factor to the power of a thousand is no number any more.
  const grown = Math.min(backoff.maxMs, backoff.firstMs * backoff.factor ** Math.min(failures, 64));
  return grown * (backoff.jitterMin + (1 - backoff.jitterMin) * random);
}
