// A modal dialog: the browser's own, which keeps the focus inside. It goes back to where it was.

import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'react';
import { Close } from './icons';

interface Props {
  readonly title: string;
  readonly children: ComponentChildren;
  onShut(): void;
}

export function Dialog({ title, children, onShut }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before the browser gives the focus to the field that wants it: where it was would not be known any more.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const box = dialog.current;
    box?.showModal();
    return () => {
      // While it is open, nothing behind it can be focused.
      box?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-label={title} onCancel={(event) => { event.preventDefault(); onShut(); }} onClick={(event) => { if (event.target === dialog.current) onShut(); }}>
      <div class="dialog-body">
        <header><h2>{title}</h2><button type="button" class="icon-button" aria-label="Close" onClick={onShut}><Close /></button></header>
        {children}
      </div>
    </dialog>
  );
}
