// Drawn here, so that nothing is fetched from elsewhere. Decoration only: what a button does is said by its label.

import type { ComponentChildren } from 'preact';

function Icon({ children }: { readonly children: ComponentChildren }) {
  return <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{children}</svg>;
}

export const Plus = () => <Icon><path d="M12 5v14M5 12h14" /></Icon>;
export const Back = () => <Icon><path d="M15 5l-7 7 7 7" /></Icon>;
export const Close = () => <Icon><path d="M6 6l12 12M18 6L6 18" /></Icon>;
export const Send = () => <Icon><path d="M5 12h13M12 5l7 7-7 7" /></Icon>;
export const Reply = () => <Icon><path d="M9 8L4 13l5 5M4 13h10a6 6 0 0 1 6 6" /></Icon>;
export const More = () => <Icon><path class="thick" d="M6 12h.01M12 12h.01M18 12h.01" /></Icon>;
export const Smile = () => <Icon><circle cx="12" cy="12" r="8.5" /><path d="M8.5 14.5a4.5 4.5 0 0 0 7 0M9 9.5h.01M15 9.5h.01" /></Icon>;
export const People = () => <Icon><circle cx="9" cy="8.5" r="3.5" /><path d="M2.5 19.5c.6-3.6 3.2-5.5 6.5-5.5s5.9 1.9 6.5 5.5M16 5.5a3.5 3.5 0 0 1 0 6.5M18.5 14.6c1.7.9 2.7 2.5 3 4.9" /></Icon>;
export const Doors = () => <Icon><path d="M4 6c7 0 9 12 16 12M4 18c7 0 9-12 16-12M4 12h16" /></Icon>;
export const Search = () => <Icon><circle cx="11" cy="11" r="6.5" /><path d="M16 16l4.5 4.5" /></Icon>;
export const Down = () => <Icon><path d="M12 5v14M6 13l6 6 6-6" /></Icon>;
export const Copy = () => <Icon><rect x="9" y="9" width="11" height="11" rx="2" /><path d="M5 15V6a2 2 0 0 1 2-2h8" /></Icon>;
export const Leave = () => <Icon><path d="M14 5H6v14h8M11 12h9M17 8.5l3.5 3.5-3.5 3.5" /></Icon>;
export const Lock = () => <Icon><rect x="5.5" y="11" width="13" height="8.5" rx="2" /><path d="M8.5 11V8a3.5 3.5 0 0 1 7 0v3" /></Icon>;

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" />
      <path d="M8 9c7 0 9 14 16 14M8 23c7 0 9-14 16-14M8 16h16" />
      {[9, 16, 23].flatMap((y) => [8, 24].map((x) => <circle key={`${x}-${y}`} cx={x} cy={y} r="2.3" />))}
    </svg>
  );
}

/** One tick: stored. Two: delivered, or read when they are lit. */
export function Ticks({ state }: { readonly state: 'sending' | 'sent' | 'delivered' | 'read' }) {
  return (
    <svg class={`ticks ${state}`} viewBox="0 0 22 14" aria-hidden="true" focusable="false">
      {state === 'sending' && <><circle cx="11" cy="7" r="5" /><path d="M11 4.5V7l1.8 1.2" /></>}
      {state !== 'sending' && <path d="M2 7.5l4 4 8-9" />}
      {(state === 'delivered' || state === 'read') && <path d="M9.5 10.2l1.5 1.3 8-9" />}
    </svg>
  );
}
