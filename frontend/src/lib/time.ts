// Times as a reader wants them, in the browser's language and zone.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: 'long' });
const SHORT_DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const LONG_DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const DAY_MS = 86_400_000;

function midnight(time: Date): number {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();
}

/** How many midnights lie between then and now. */
function daysAgo(then: Date, now: Date): number {
  return Math.round((midnight(now) - midnight(then)) / DAY_MS);
}

export function clock(at: string): string {
  return CLOCK.format(new Date(at));
}

/** What a tooltip says. */
export function full(at: string): string {
  return FULL.format(new Date(at));
}

/** A key that is the same for all times of one day. */
export function dayOf(at: string): number {
  return midnight(new Date(at));
}

/** The heading of a day. */
export function dayName(at: string, now = new Date()): string {
  const then = new Date(at);
  const days = daysAgo(then, now);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return days > 0 && days < 7 ? WEEKDAY.format(then) : LONG_DAY.format(then);
}

/** As short as a list wants it: the time today, else the day. */
export function brief(at: string, now = new Date()): string {
  const then = new Date(at);
  const days = daysAgo(then, now);
  if (days === 0) return CLOCK.format(then);
  if (days === 1) return 'Yesterday';
  return SHORT_DAY.format(then);
}
