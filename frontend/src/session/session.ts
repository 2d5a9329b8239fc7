// Who one is in this tab. Kept for the tab alone, so that two tabs can be two people.

export interface Session {
  readonly token: string;
  /** Development mode: the token is a name, and other names would do as well. */
  readonly development: boolean;
}

const KEY = 'switchboard.session';
const WHOSE = 'switchboard.whose';

export function restore(): Session | undefined {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    if (typeof kept !== 'object' || kept === null) return undefined;
    const { token, development } = kept as Partial<Session>;
    return typeof token === 'string' && token ? { token, development: development === true } : undefined;
  } catch {
    return undefined;
  }
}

export function keep(session: Session | undefined): void {
  if (session) sessionStorage.setItem(KEY, JSON.stringify(session));
  else sessionStorage.removeItem(KEY);
}

/** Notes whose the address in this tab is from now on. Whether it was another's. */
export function takesOver(user: string): boolean {
  const before = sessionStorage.getItem(WHOSE);
  sessionStorage.setItem(WHOSE, user);
  return before !== null && before !== user;
}

/** A name for what is kept on disk: two people on one machine must not share an outbox. */
export function storageName({ token, development }: Session): string {
  // Of a token that does not say whose it is, the end: enough to tell it from others, and of no use to who finds it.
  return `switchboard:${claimed(token) ?? (development ? token : token.slice(-16))}`;
}

function claimed(token: string): unknown {
  const claims = token.split('.')[1];
  if (!claims) return undefined;
  try {
    const { sub, id, user_id: user, userId } = JSON.parse(atob(claims.replace(/-/gu, '+').replace(/_/gu, '/')));
    return sub ?? id ?? user ?? userId;
  } catch {
    return undefined;
  }
}
