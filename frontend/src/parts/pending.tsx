// A message of one's own that the server has not taken: on its way, or refused, and then it is for its author to decide.

import type { OutboxEntry } from 'switchboard-client';
import type { PendingRow } from '../lib/rows';
import { wordsOfCode } from '../lib/words';
import { useClient, useMe } from '../session/client';
import { Avatar } from './avatar';
import { Ticks } from './icons';

export function Pending({ row, index, count }: { readonly row: PendingRow; readonly index: number; readonly count: number }) {
  const { entry } = row;
  const me = useMe();
  const failed = entry.state === 'failed';
  return (
    <article
      class={`message own pending ${row.leads ? 'leads' : ''} ${failed ? 'failed' : ''}`} role="article" tabIndex={-1}
      aria-posinset={index + 1} aria-setsize={count} data-pending={entry.client_id}
      aria-label={`You, ${failed ? 'not sent' : 'sending'}, ${entry.content}`}
    >
      <div class="gutter">{row.leads && <Avatar id={me.id} name={me.name} />}</div>
      <div class="said">
        {row.leads && <div class="author"><strong>{me.name}</strong></div>}
        <div class="words"><span class="content">{entry.content}</span></div>
        {failed && <Failed entry={entry} />}
      </div>
      {!failed && <span class="tick" title="Sending" data-state="sending"><Ticks state="sending" /><span class="unseen">Sending</span></span>}
    </article>
  );
}

function Failed({ entry }: { readonly entry: OutboxEntry }) {
  const client = useClient();
  return (
    <div class="failed-line" role="alert">
      <span>{wordsOfCode(entry.code)}</span>
      <button type="button" class="link" onClick={() => client.retry(entry.client_id)}>Send again</button>
      <button type="button" class="link" onClick={() => client.discard(entry.client_id)}>Discard</button>
    </div>
  );
}
