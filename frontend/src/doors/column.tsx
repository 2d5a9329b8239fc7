// One door: where it is, what goes through it, and a line to say something.

import { memo, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { CopyButton } from '../parts/copy-button';
import { Send } from '../parts/icons';
import type { Door, Frame, Place } from './door';
import { OpenDoor } from './open';
import { pretty } from './pretty';

/** Heartbeats, ticks and the like, as the different doors word them. */
const SIGNAL = /^[23]$|^42\["(messages_read|user_typing)"|^\{"type":"(heartbeat|ping|pong|presence|here|receipt|typing|typing_started|typing_stopped|messageStatus|presenceUpdate|user_status)"/u;
/** A frame of more lines is folded at first. */
const LINES_MAX = 22;

interface Props {
  readonly door: Door;
  readonly place: Place;
  /** On a narrow screen one is shown at a time. */
  readonly shown: boolean;
  readonly quiet: boolean;
}

export function Column({ door, place, shown, quiet }: Props) {
  const [attempt, setAttempt] = useState(0);
  const open = useMemo(() => new OpenDoor(door, place), [door, place, attempt]);
  useEffect(() => () => open.close(), [open]);
  const state = useSyncExternalStore(open.subscribe, open.read);
  const [text, setText] = useState('');
  const list = useRef<HTMLDivElement>(null);
  const frames = quiet ? state.frames.filter(({ text: frame }) => !SIGNAL.test(frame)) : state.frames;
  const last = frames.at(-1)?.number;
  useEffect(() => { if (list.current) list.current.scrollTop = list.current.scrollHeight; }, [last]);
  const say = () => {
    if (!text.trim()) return;
    open.say(text.trim());
    setText('');
  };
  return (
    <section class={`column ${shown ? 'shown' : ''}`} aria-label={door.name} data-door={door.name} data-state={state.is}>
      <header>
        <h3><span class={`dot ${state.is === 'open' ? 'on' : ''}`} />{door.name}</h3>
        <p class="quiet small">{door.about}</p>
        <code class="url" title={door.url(place, true)}>{door.url(place, true)}</code>
      </header>
      <div class="frames" ref={list} tabIndex={0} role="log" aria-live="off" aria-label={`Frames of ${door.name}`}>
        {frames.map((frame) => <FrameBox key={frame.number} frame={frame} />)}
        {frames.length === 0 && state.is === 'open' && <p class="quiet small">Open, and nothing went through it yet. Say something.</p>}
        {state.is === 'shut' && <p class="notice bad">{state.why}. <button type="button" class="link" onClick={() => setAttempt(attempt + 1)}>Open again</button></p>}
      </div>
      <form class="line-form" onSubmit={(event) => { event.preventDefault(); say(); }}>
        <input class="field" value={text} aria-label={`Say something at ${door.name}`} placeholder="Say it here" disabled={state.is !== 'open'} onInput={(event) => setText(event.currentTarget.value)} />
        <button type="submit" class="send" aria-label={`Send through ${door.name}`} disabled={state.is !== 'open' || !text.trim()}><Send /></button>
      </form>
    </section>
  );
}

const FrameBox = memo(({ frame }: { readonly frame: Frame }) => {
  const pieces = useMemo(() => pretty(frame.text), [frame.text]);
  const lines = pieces.reduce((sum, { text }) => sum + text.split('\n').length - 1, 1);
  const [folded, setFolded] = useState(lines > LINES_MAX);
  return (
    <div class={`frame ${frame.out ? 'out' : 'in'}`}>
      <div class="frame-head small"><span>{frame.out ? '→ sent' : '← received'}</span><CopyButton label="Copy this frame" text={frame.text} tabbed={false} /></div>
      <pre class={folded ? 'folded' : ''}>{pieces.map(({ kind, text }, index) => <span key={index} class={kind}>{text}</span>)}</pre>
      {lines > LINES_MAX && <button type="button" class="link" tabIndex={-1} onClick={() => setFolded(!folded)}>{folded ? `All ${lines} lines` : 'Less'}</button>}
    </div>
  );
});
