// The server that this page belongs to, and what it says about itself.

export const SERVER: string = import.meta.env.DEV ? import.meta.env.SWITCHBOARD_URL : location.origin;

/** The same for sockets. */
export const SOCKETS: string = SERVER.replace(/^http/u, 'ws');

export interface ServerInfo {
  readonly version: string;
  readonly dev_mode: boolean;
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
}

export async function serverInfo(): Promise<ServerInfo> {
  const answer = await fetch(`${SERVER}/`, { headers: { Accept: 'application/json' } });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return await answer.json() as ServerInfo;
}
