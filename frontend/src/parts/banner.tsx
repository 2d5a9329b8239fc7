// Tells that the connection is gone, and until when. Quiet for the first moment: most breaks are over by then.

import { useEffect, useState } from 'react';
import { useClient, useStatus } from '../session/client';

const QUIET_MS = 600;

export function Banner() {
  const client = useClient();
  const change = useStatus();
  const [shown, setShown] = useState(false);
  const [left, setLeft] = useState(0);
  const away = change.status !== 'live';
  useEffect(() => {
    if (!away) return setShown(false);
    const timer = setTimeout(() => setShown(true), QUIET_MS);
    return () => clearTimeout(timer);
  }, [away]);
  useEffect(() => {
    if (change.status !== 'waiting') return undefined;
    const until = Date.now() + (change.retryInMs ?? 0);
    const tick = () => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1000)));
    tick();
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [change]);
  return (
    <div class={`banner ${shown && away ? 'shown' : ''}`} role="status">
      {shown && away && (
        <>
          <span class="spinner" />
          {change.status === 'waiting' && <span>No connection. What you say is kept and sent later.{left > 0 && <span aria-hidden="true"> Next try in {left} s.</span>}</span>}
          {change.status === 'connecting' && <span>Connecting…</span>}
          {change.status === 'catching-up' && <span>Catching up on what you missed…</span>}
          {change.status === 'waiting' && <button type="button" class="link" onClick={() => { client.connect().catch(() => undefined); }}>Try now</button>}
        </>
      )}
    </div>
  );
}
