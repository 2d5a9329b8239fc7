// The browser's sockets, ended at once when it says that there is no network: otherwise nobody would notice for a minute.

import type { Socket } from 'switchboard-client';

type Handlers = Pick<Socket, 'onclose'>;
const open = new Set<WebSocket>();

export class NoticingWebSocket extends WebSocket {
  constructor(url: string, protocols?: string[]) {
    super(url, protocols);
    open.add(this);
    this.addEventListener('close', () => open.delete(this));
  }
}

// The closing handshake can't come through, so its end is not waited for.
addEventListener('offline', () => {
  for (const socket of open) {
    open.delete(socket);
    const { onclose } = socket;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
    (onclose as Handlers['onclose'])?.call(socket, new CloseEvent('close', { code: 1006, reason: 'offline' }) as never);
  }
});
