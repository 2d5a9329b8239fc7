export * from './types.js';
export * from './error.js';
export { Switchboard } from './client.js';
export type { View } from './view.js';
export { localStorageStorage, memoryStorage } from './storage.js';
