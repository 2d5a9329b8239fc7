// Copies, and says whether it did: to the eye for a moment, and to a screen reader.

import { useEffect, useState } from 'react';
import { copy } from '../lib/copy';
import { Copy } from './icons';

const SHOWN_MS = 3_000;

interface Props {
  readonly label: string;
  readonly text: string;
  /** Whether the Tab key comes by. */
  readonly tabbed: boolean;
}

export function CopyButton({ label, text, tabbed }: Props) {
  const [outcome, setOutcome] = useState('');
  useEffect(() => {
    if (!outcome) return undefined;
    const timer = setTimeout(() => setOutcome(''), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  return (
    <span class="copy">
      <span class="small quiet" role="status">{outcome}</span>
      <button
        type="button" class="icon-button" tabIndex={tabbed ? 0 : -1} aria-label={label}
        onClick={() => { copy(text).then(() => setOutcome('Copied'), () => setOutcome('Select it instead')); }}
      >
        <Copy />
      </button>
    </span>
  );
}
