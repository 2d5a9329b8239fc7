// The reactions under a message: one's own are lit, pressing gives or takes back.

import { memo } from 'react';
import type { MessageView } from 'switchboard-client';
import { useClient, useMe } from '../session/client';

interface Props {
  readonly message: MessageView;
  readonly onReact: (message: MessageView, emoji: string, on: boolean) => void;
}

export const Reactions = memo(({ message, onReact }: Props) => {
  const client = useClient();
  const me = useMe();
  if (message.reactions.length === 0) return null;
  return (
    <div class="reactions">
      {message.reactions.map(({ emoji, count, users }) => {
        const mine = users.includes(me.number);
        const names = users.map((number) => (number === me.number ? 'you' : client.view.person(number)?.name ?? 'somebody'));
        return (
          <button
            key={emoji} type="button" tabIndex={-1} class="reaction" aria-pressed={mine} title={names.join(', ')}
            aria-label={`${emoji}, ${count}: ${names.join(', ')}`} onClick={() => onReact(message, emoji, !mine)}
          >
            <span>{emoji}</span><span class="count">{count}</span>
          </button>
        );
      })}
    </div>
  );
});
