// Where cursor and outbox are kept: in memory, or in a browser's localStorage.

import type { Storage } from './types.js';

/** Lives as long as the page or process. */
export function memoryStorage(): Storage {
  const kept = new Map<string, string>();
  return {
    get: (key) => kept.get(key) ?? null,
    set: (key, value) => { kept.set(key, value); },
    remove: (key) => { kept.delete(key); },
    keys: (prefix) => [...kept.keys()].filter((key) => key.startsWith(prefix)),
  };
}

/** As much of the browser's `Storage` as is used. */
export interface KeyValue {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * In `localStorage`, which all tabs of a page share: each unsent message has a key of its own, so that two tabs never
 * write over each other's. `name` keeps two servers apart.
 */
export function localStorageStorage(name = 'switchboard', within: KeyValue = globalThis.localStorage): Storage {
  const own = (key: string) => `${name}/${key}`;
  return {
    get: (key) => within.getItem(own(key)),
    set: (key, value) => within.setItem(own(key), value),
    remove: (key) => within.removeItem(own(key)),
    keys: (prefix) => {
      const found: string[] = [];
      for (let index = 0; index < within.length; index += 1) {
        const key = within.key(index);
        if (key?.startsWith(own(prefix))) found.push(key.slice(name.length + 1));
      }
      return found;
    },
  };
}
