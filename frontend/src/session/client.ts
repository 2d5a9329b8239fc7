// The SDK's client and its view, as hooks: a part of the page is drawn again when what it shows has changed.

import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import { type OutboxEntry, type Person, type RoomView, type StatusChange, Switchboard, localStorageStorage } from 'switchboard-client';
import { SOCKETS } from '../lib/server';
import { type Edit, Edits } from './edits';
import { type Session, storageName } from './session';
import { NoticingWebSocket } from './socket';

/** A client, the last it said about its connection, and who it is for. */
export interface Link {
  readonly client: Switchboard;
  readonly session: Session;
  readonly edits: Edits;
  status(): StatusChange;
  /** Whether the list of rooms is known: until then none means nothing. */
  listed(): boolean;
  /** Told when the status changes. */
  follow(listener: () => void): () => void;
}

export function link(session: Session): Link {
  const storage = localStorageStorage(storageName(session));
  // The cursor is kept with the outbox: what was said while the page was shut is told as after a cut, which is how its authors
  // come to know that it was delivered.
  const client = new Switchboard({ url: SOCKETS, token: session.token, storage, WebSocket: NoticingWebSocket });
  let last: StatusChange = { status: client.status };
  let listed = false;
  // First of all listeners, so that the others find what it has noted.
  client.on('status', (change) => { last = change; });
  client.on('rooms', () => { listed = true; });
  client.on('problem', (problem) => console.error(problem));
  const edits = new Edits(client, storage);
  return { client, session, edits, status: () => last, listed: () => listed, follow: (listener) => client.on('status', listener) };
}

const Context = createContext<Link | undefined>(undefined);
export const LinkProvider = Context.Provider;

export function useLink(): Link {
  const found = useContext(Context);
  if (!found) throw new Error('outside of a session');
  return found;
}

export function useClient(): Switchboard {
  return useLink().client;
}

/** Oneself. Parts below the session are drawn only when it is known. */
export function useMe(): Person {
  const { me } = useClient();
  if (!me) throw new Error('nobody yet');
  return me;
}

export function useStatus(): StatusChange {
  const { follow, status } = useLink();
  return useSyncExternalStore(follow, status);
}

function useView<Value>(value: (client: Switchboard) => Value): Value {
  const client = useClient();
  const subscribe = useCallback((listener: () => void) => client.view.subscribe(() => listener()), [client]);
  return useSyncExternalStore(subscribe, () => value(client));
}

/** Whether one's rooms are known. */
export function useListed(): boolean {
  const { client, listed } = useLink();
  const subscribe = useCallback((listener: () => void) => client.on('rooms', listener), [client]);
  return useSyncExternalStore(subscribe, listed);
}

export function useRooms(): readonly RoomView[] {
  return useView((client) => client.view.rooms);
}

/** Unsent messages of all rooms. */
export function useOutbox(): readonly OutboxEntry[] {
  const client = useClient();
  const subscribe = useCallback((listener: () => void) => client.on('outbox', () => listener()), [client]);
  return useSyncExternalStore(subscribe, () => client.outbox);
}

/** Edits that are not saved yet, by message. */
export function useEdits(): ReadonlyMap<string, Edit> {
  const { edits } = useLink();
  return useSyncExternalStore(edits.subscribe, edits.read);
}

export function useOnline(): ReadonlyMap<string, Person> {
  return useView((client) => client.view.online);
}

export function useRoom(id: string | undefined): RoomView | undefined {
  return useView((client) => (id === undefined ? undefined : client.view.room(id)));
}

/** The conversation with somebody, once there is one. */
export function useDirect(userId: string | undefined): RoomView | undefined {
  return useView((client) => (userId === undefined ? undefined : client.view.direct(userId)));
}
