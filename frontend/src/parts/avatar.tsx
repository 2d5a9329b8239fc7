// Somebody's face: their letters on their colour, and whether they are here.

import { memo } from 'react';
import { hue, initials } from '../lib/hue';

interface Props {
  readonly id: string;
  readonly name: string;
  readonly size?: 'small' | 'large';
  readonly square?: boolean;
  /** A dot in the corner: here or not. None when it is not known. */
  readonly online?: boolean | undefined;
}

export const Avatar = memo(({ id, name, size, square, online }: Props) => (
  <span class={`avatar ${size ?? ''} ${square ? 'square' : ''}`} style={{ '--hue': String(hue(id)) }} aria-hidden="true">
    {initials(name)}
    {online !== undefined && <span class={`dot ${online ? 'on' : ''}`} />}
  </span>
));
