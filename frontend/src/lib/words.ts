// What the server's and the client's codes mean to a person.

import { SwitchboardError } from 'switchboard-client';

const WORDS: Readonly<Record<string, string>> = {
  room_not_found: 'There is no such room.',
  message_not_found: 'That message is gone.',
  edited_elsewhere: 'The message was changed elsewhere meanwhile.',
  user_not_found: 'There is nobody of that name.',
  forbidden: 'That room is not open to you.',
  not_allowed: 'You may not do that here.',
  room_full: 'Every seat in that room is taken.',
  room_limit: 'You have made as many rooms as one may.',
  not_present: 'You do not belong to that room.',
  invalid_content: 'A message has 1 byte to 64 KiB.',
  client_id_reused: 'This message was sent before with other words.',
  last_owner: 'A room keeps an owner.',
  rate_limited: 'Too many messages at once. Wait a moment.',
  storage_full: "The server's disk is full.",
  disconnected: 'The connection broke before the answer came.',
  timeout: 'No answer came in time.',
  invalid: 'The server does not take that.',
};

export function words(error: unknown): string {
  if (error instanceof SwitchboardError) return WORDS[error.code] ?? 'The server can’t do that just now.';
  return error instanceof Error ? error.message : String(error);
}

/** Whether it may be over by itself: without a connection, or when the server is busy. */
export function passes(error: unknown): boolean {
  return error instanceof SwitchboardError && (error.retryable || error.code === 'disconnected' || error.code === 'timeout');
}

export function wordsOfCode(code: string | undefined): string {
  return (code && WORDS[code]) ?? 'It was not sent.';
}
