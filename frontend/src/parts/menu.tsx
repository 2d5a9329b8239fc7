// A menu: arrows move, Enter chooses, Escape and a press elsewhere close it. Opens to where there is room.

import { useEffect, useLayoutEffect, useRef, useState } from 'react';

export interface MenuItem {
  readonly name: string;
  readonly bad?: boolean;
  /** One that is given or taken back: whether it is given. */
  readonly checked?: boolean;
  /** Choosing it does not close the menu: another one comes in its place. */
  readonly stays?: boolean;
  run(): void;
}

interface Props {
  readonly label: string;
  readonly items: readonly MenuItem[];
  /** Side by side instead of one below the other. */
  readonly across?: boolean;
  /** `back`: by key or choice, so the focus goes back to where it was. */
  onShut(back: boolean): void;
}

export function Menu({ label, items, across, onShut }: Props) {
  const menu = useRef<HTMLDivElement>(null);
  const [upwards, setUpwards] = useState(false);
  useLayoutEffect(() => {
    const box = menu.current;
    if (!box) return;
    const limit = box.closest('.scroller')?.getBoundingClientRect().bottom ?? innerHeight;
    setUpwards(box.getBoundingClientRect().bottom > limit);
    box.querySelector<HTMLElement>('[role^=menuitem]')?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (event.target instanceof Node && !menu.current?.parentElement?.contains(event.target)) onShut(false);
    };
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [onShut]);

  const keys = (event: KeyboardEvent) => {
    event.stopPropagation();
    const all = [...(menu.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = {
      ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: -1,
    }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      all.at(next >= all.length ? 0 : next)?.focus();
    } else if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault();
      onShut(true);
    }
  };
  return (
    <div ref={menu} class={`menu ${across ? 'across' : ''} ${upwards ? 'upwards' : ''}`} role="menu" aria-label={label} onKeyDown={keys}>
      {items.map((item) => (
        <button
          key={item.name} type="button" tabIndex={-1}
          role={item.checked === undefined ? 'menuitem' : 'menuitemcheckbox'} aria-checked={item.checked} class={item.bad ? 'bad' : ''}
          onClick={() => { if (!item.stays) onShut(true); item.run(); }}
        >
          {item.name}
        </button>
      ))}
    </div>
  );
}
