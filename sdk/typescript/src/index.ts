export * from './types.js';
export * from './error.js';
export { Switchboard } from './client.js';
export { localStorageStorage, memoryStorage } from './storage.js';
