// The one error that calls reject with.

/** What only this side can say. Everything else is a code of the server's, see its PROTOCOL.md, "Errors". */
export type LocalErrorCode =
  /** The connection ended before the answer came; it is not known whether anything was done. */
  | 'disconnected'
  /** No answer in time. */
  | 'timeout'
  /** `close()` was called, or `connect()` never. */
  | 'closed'
  /** An unsent message was discarded. */
  | 'discarded';

export type ServerErrorCode =
  | 'invalid'
  | 'room_not_found'
  | 'message_not_found'
  | 'member_not_found'
  | 'user_not_found'
  | 'forbidden'
  | 'not_allowed'
  | 'room_full'
  | 'room_limit'
  | 'not_present'
  | 'invalid_content'
  | 'client_id_reused'
  | 'last_owner'
  | 'rate_limited'
  | 'denied'
  | 'busy'
  | 'contended'
  | 'unavailable'
  | 'storage_full'
  | 'outcome_unknown';

// The server may learn new codes; the second half keeps the known ones in an editor's completion.
export type ErrorCode = LocalErrorCode | ServerErrorCode | (string & Record<never, never>);

/** What goes away by itself: the same again, later, may do. */
const RETRYABLE: ReadonlySet<string> = new Set<ErrorCode>([
  'busy', 'contended', 'unavailable', 'storage_full', 'outcome_unknown', 'rate_limited',
]);

export class SwitchboardError extends Error {
  override readonly name = 'SwitchboardError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }
}
