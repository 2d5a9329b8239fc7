// A session, or the question who one is.

import { useCallback, useEffect, useMemo, useState } from 'react';
import { LinkProvider, link, useStatus } from './session/client';
import { Login } from './session/login';
import { goHome } from './lib/route';
import { refuses } from './lib/server';
import { type Session, keep, restore, takesOver } from './session/session';
import { Workspace } from './parts/workspace';
import { Logo } from './parts/icons';
import { useClient } from './session/client';

/** `closed` with one of these: the server does not take us, so another token is needed. */
const REFUSED = 'Your session has ended. Enter again.';

export function App() {
  const [session, setSession] = useState<Session | undefined>(restore);
  const [refused, setRefused] = useState<string>();
  const change = useCallback((next: Session | undefined, why?: string) => {
    keep(next);
    // Who leaves by choice leaves the room as well; whose session has ended comes back to it.
    if (!next && why === undefined) goHome();
    setRefused(why);
    setSession(next);
  }, []);
  if (!session) return <Login refused={refused} onEnter={change} />;
  return <Linked key={session.token} session={session} onLeave={(why) => change(undefined, why)} />;
}

function Linked({ session, onLeave }: { readonly session: Session; onLeave(why?: string): void }) {
  const made = useMemo(() => link(session), [session]);
  useEffect(() => {
    const { client } = made;
    const off = client.on('status', ({ status, reason }) => {
      if (status === 'waiting') refuses(session.token).then((no) => { if (no) onLeave('The server does not take this token (any more).'); }, () => undefined);
      if (status === 'closed') onLeave(reason ? `${REFUSED} (${reason})` : REFUSED);
    });
    // How it goes is told by `status`.
    client.connect().catch(() => undefined);
    const again = () => { client.connect().catch(() => undefined); };
    addEventListener('online', again);
    return () => { removeEventListener('online', again); off(); void client.close(); };
  }, [made]);
  return (
    <LinkProvider value={made}>
      <Gate onLeave={onLeave} />
    </LinkProvider>
  );
}

/** Until the server has said who we are, there is nothing to show. */
function Gate({ onLeave }: { onLeave(why?: string): void }) {
  const client = useClient();
  const status = useStatus();
  const [known, setKnown] = useState(client.me !== undefined);
  useEffect(() => client.on('hello', ({ user }) => {
    // The address may be of somebody who was here before: whoever has a room's id comes in by it.
    if (takesOver(user.id)) goHome();
    setKnown(true);
  }), [client]);
  if (known || client.me) return <Workspace onLeave={() => onLeave()} />;
  return (
    <main class="login">
      <div class="login-card" role="status">
        <Logo />
        <p>{status.status === 'waiting' ? 'The server can’t be reached. Trying again…' : 'Connecting…'}</p>
        <button type="button" class="button" onClick={() => onLeave()}>Somebody else</button>
      </div>
    </main>
  );
}
