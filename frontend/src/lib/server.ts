// The server that this page belongs to, and what it says about itself.

export const SERVER: string = import.meta.env.DEV ? import.meta.env.SWITCHBOARD_URL : location.origin;

/** The same for sockets. */
export const SOCKETS: string = SERVER.replace(/^http/u, 'ws');

export interface ServerInfo {
  readonly version: string;
  readonly dev_mode: boolean;
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
}

/**
 * Whether the server says that it doesn't take a token. A browser can't tell why a socket was refused, so a call over HTTP
 * asks; where no door answers it, it stays unknown.
 */
export async function refuses(token: string): Promise<boolean> {
  const { endpoints } = await serverInfo();
  const path = Object.values(endpoints).flat().map((door) => /^GET (\S+\/conversations\/)$/u.exec(door)?.[1]).find(Boolean);
  if (!path) return false;
  const answer = await fetch(`${SERVER}${path}`, { headers: { Authorization: `Bearer ${token}` } });
  return answer.status === 401;
}

export async function serverInfo(): Promise<ServerInfo> {
  const answer = await fetch(`${SERVER}/`, { headers: { Accept: 'application/json' } });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return await answer.json() as ServerInfo;
}
