// What can be done with a message: two quick buttons and a menu, by pointer or keyboard (Enter on a message opens it). Of the
// reactions one's own are checked: chosen again, they are taken back.

import { useEffect, useRef, useState } from 'react';
import type { MessageView } from 'switchboard-client';
import { modified } from '../lib/keys';
import { useMe } from '../session/client';
import { More, Reply, Smile } from './icons';
import type { LineDo } from './line';
import { Menu, type MenuItem } from './menu';

const EMOJI = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏', '👀'];

interface Props {
  readonly message: MessageView;
  readonly own: boolean;
  readonly mayDelete: boolean;
  readonly act: LineDo;
}

export function LineMenu({ message, own, mayDelete, act }: Props) {
  const me = useMe();
  const [open, setOpen] = useState<'menu' | 'emoji'>();
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const line = bar.current?.closest<HTMLElement>('[role=article]');
    if (!line) return undefined;
    const keys = (event: KeyboardEvent) => {
      // With Ctrl, Alt or Cmd they are the browser's.
      if (event.target !== line || modified(event)) return;
      if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); setOpen('menu'); }
      if (event.key === 'r') { event.preventDefault(); act.reply(message); }
      if (event.key === 'e' && own) { event.preventDefault(); act.edit(message); }
      if (event.key === '+') { event.preventDefault(); setOpen('emoji'); }
    };
    line.addEventListener('keydown', keys);
    return () => line.removeEventListener('keydown', keys);
  }, [message, act, own]);

  const shut = (focusLine: boolean) => {
    setOpen(undefined);
    if (focusLine) bar.current?.closest<HTMLElement>('[role=article]')?.focus({ preventScroll: true });
  };
  const items: MenuItem[] = [
    { name: 'React…', run: () => setOpen('emoji'), stays: true },
    { name: 'Reply', run: () => act.reply(message) },
    { name: 'Copy text', run: () => act.copy(message) },
    ...(own ? [{ name: 'Edit', run: () => act.edit(message) }] : []),
    ...(mayDelete ? [{ name: 'Delete', bad: true, run: () => act.remove(message) }] : []),
  ];
  const given = message.reactions.filter(({ users }) => users.includes(me.number)).map(({ emoji: name }) => name);
  // One's own from another client may be any: they are to be taken back here as well.
  const emoji: MenuItem[] = [...new Set([...EMOJI, ...given])].map((name) => {
    const checked = given.includes(name);
    return { name, checked, run: () => act.react(message, name, !checked) };
  });
  return (
    <div class={`bar ${open ? 'open' : ''}`} ref={bar}>
      <button type="button" tabIndex={-1} class="icon-button" aria-label="React" aria-haspopup="menu" aria-expanded={open === 'emoji'} onClick={() => setOpen(open === 'emoji' ? undefined : 'emoji')}><Smile /></button>
      <button type="button" tabIndex={-1} class="icon-button" aria-label="Reply" onClick={() => act.reply(message)}><Reply /></button>
      <button type="button" tabIndex={-1} class="icon-button" aria-label="More" aria-haspopup="menu" aria-expanded={open === 'menu'} onClick={() => setOpen(open === 'menu' ? undefined : 'menu')}><More /></button>
      {open === 'menu' && <Menu label="What to do with the message" items={items} onShut={shut} />}
      {open === 'emoji' && <Menu label="Reactions" items={emoji} across onShut={shut} />}
    </div>
  );
}
