// Showing a token, and knowing when it ends.

/** What may stand in `Sec-WebSocket-Protocol` (RFC 7230, "token"). JWTs do. */
const PROTOCOL_WORD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The socket's address and protocols. A token goes into a header where it can: addresses end up in logs. */
export function address(url: string, token: string): { readonly url: string; readonly protocols: string[] } {
  const parsed = new URL(url);
  if (parsed.protocol === 'http:') parsed.protocol = 'ws:';
  if (parsed.protocol === 'https:') parsed.protocol = 'wss:';
  if (parsed.pathname === '/') parsed.pathname = '/ws/chat';
  if (PROTOCOL_WORD.test(token) && token !== 'bearer') return { url: parsed.href, protocols: ['bearer', token] };
  parsed.searchParams.set('token', token);
  return { url: parsed.href, protocols: [] };
}

/** When a JWT ends, in milliseconds; undefined for whatever is none. Read, not checked: that is the server's part. */
export function endsAt(token: string): number | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    if (typeof claims === 'object' && claims !== null && 'exp' in claims && typeof claims.exp === 'number') return claims.exp * 1000;
  } catch {
    // Three words with dots between them, and no JWT.
  }
  return undefined;
}
