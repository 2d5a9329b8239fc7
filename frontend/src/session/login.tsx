// Who are you? In development mode a name will do; otherwise a token is asked for.

import { useEffect, useState } from 'react';
import { Logo } from '../parts/icons';
import { type ServerInfo, SERVER, serverInfo } from '../lib/server';
import type { Session } from './session';

const NAMES = ['alice', 'bob', 'carol', 'dave'];

interface Props {
  /** Why the last session ended, when it was not by choice. */
  readonly refused?: string | undefined;
  onEnter(session: Session): void;
}

export function Login({ refused, onEnter }: Props) {
  const [info, setInfo] = useState<ServerInfo>();
  const [problem, setProblem] = useState<string>();
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    let gone = false;
    setProblem(undefined);
    serverInfo().then(
      (said) => { if (!gone) setInfo(said); },
      () => { if (!gone) setProblem(`Nothing answers at ${SERVER}.`); },
    );
    return () => { gone = true; };
  }, [attempt]);

  return (
    <main class="login">
      <div class="login-card">
        <Logo />
        <h1>Switchboard</h1>
        <p class="quiet">One conversation, five protocols, nothing missed.</p>
        {refused && <p class="notice bad" role="alert">{refused}</p>}
        {problem && (
          <div class="notice bad" role="alert">
            <p>{problem} Is the server running?</p>
            <button type="button" class="button" onClick={() => setAttempt(attempt + 1)}>Try again</button>
          </div>
        )}
        {!info && !problem && <p class="quiet" role="status">Looking for the server…</p>}
        {info && <Form development={info.dev_mode} onEnter={onEnter} />}
        {info && <p class="login-foot quiet">Version {info.version}{info.dev_mode && ' · development mode'}</p>}
      </div>
    </main>
  );
}

function Form({ development, onEnter }: { readonly development: boolean; onEnter(session: Session): void }) {
  const [text, setText] = useState('');
  const token = text.trim();
  const shared = {
    id: 'who', class: 'field', value: text, required: true, autoFocus: true, spellcheck: false, 'aria-describedby': 'who-help',
    onInput: (event: { readonly currentTarget: HTMLInputElement }) => setText(event.currentTarget.value),
  };
  const enter = (name: string) => { if (name) onEnter({ token: name, development }); };
  return (
    <form class="login-form" onSubmit={(event) => { event.preventDefault(); enter(token); }}>
      <label for="who">{development ? 'Your name' : 'Your token'}</label>
      {development
        ? <input {...shared} type="text" autocomplete="username" maxLength={100} />
        : <input {...shared} type="password" autocomplete="off" maxLength={8192} />}
      <p id="who-help" class="quiet small">
        {development
          ? 'Any name: this server runs in development mode and believes everybody.'
          : 'A JSON Web Token from your app, or from `switchboard token issue`. It stays in this tab.'}
      </p>
      <button type="submit" class="button primary" disabled={!token}>Enter</button>
      {development && (
        <div class="login-names">
          <span class="quiet small">or as</span>
          {NAMES.map((name) => (
            <button key={name} type="button" class="chip" onClick={() => enter(name)}>{name}</button>
          ))}
        </div>
      )}
    </form>
  );
}
