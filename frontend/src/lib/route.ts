// Where in the app one is, kept in the part of the address behind `#`, so that back, forward and bookmarks work.

import { useSyncExternalStore } from 'react';

export type Route =
  | { readonly at: 'home' }
  | { readonly at: 'room'; readonly id: string; readonly doors: boolean }
  /** The conversation with somebody, which may not be made yet. */
  | { readonly at: 'user'; readonly id: string };

export function parse(hash: string): Route {
  const [, at, id, rest] = hash.split('/');
  if (!id) return { at: 'home' };
  try {
    const decoded = decodeURIComponent(id);
    if (at === 'room') return { at: 'room', id: decoded, doors: rest === 'doors' };
    if (at === 'user') return { at: 'user', id: decoded };
  } catch { /* What is no address leads home. */ }
  return { at: 'home' };
}

export function address(route: Route): string {
  switch (route.at) {
    case 'home': return '#/';
    case 'room': return `#/room/${encodeURIComponent(route.id)}${route.doors ? '/doors' : ''}`;
    case 'user': return `#/user/${encodeURIComponent(route.id)}`;
  }
}

export function go(route: Route): void {
  location.hash = address(route);
}

/** Home, in place of the address that is left: one does not go back to it. */
export function goHome(): void {
  location.replace(address({ at: 'home' }));
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}

let last: { hash: string; route: Route } | undefined;

function current(): Route {
  if (last?.hash !== location.hash) last = { hash: location.hash, route: parse(location.hash) };
  return last.route;
}

export function useRoute(): Route {
  return useSyncExternalStore(subscribe, current);
}
