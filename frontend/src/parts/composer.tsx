// Where one says something: Enter sends, Shift+Enter breaks the line, Up takes up one's last message, Escape lets go.

import { useLayoutEffect, useRef, useState } from 'react';
import type { MessageView } from 'switchboard-client';
import type { Draft, Target } from '../lib/drafts';
import { composes, modified } from '../lib/keys';
import { useClient } from '../session/client';
import { Close, Send } from './icons';

interface Props {
  /** Where what is not sent yet is kept. */
  readonly draft: Draft;
  readonly label: string;
  readonly muted: boolean;
  readonly target: Target | undefined;
  onTarget(target: Target | undefined): void;
  onEditLast(): void;
  onShow(messageId: string): void;
  onSay(content: string, replyTo: string | undefined): void;
  onEdit(message: MessageView, content: string): void;
  onTyping(on: boolean): void;
}

const BYTES = new TextEncoder();

export function Composer(props: Props) {
  const { draft, label, muted, target, onTarget, onTyping } = props;
  const client = useClient();
  const [text, setText] = useState(() => kept(draft, target));
  const area = useRef<HTMLTextAreaElement>(null);
  const bytesMax = client.server?.limits.content_bytes ?? 65_536;
  const tooLong = text.length > bytesMax / 4 && BYTES.encode(text).length > bytesMax;
  const editing = target?.how === 'edit';

  // At once, not after the next painting: a key that is pressed meanwhile would go nowhere.
  useLayoutEffect(() => {
    setText(kept(draft, target));
    if (target) area.current?.focus();
  }, [target]);
  useLayoutEffect(() => { if (matchMedia('(hover: hover)').matches) area.current?.focus({ preventScroll: true }); }, []);
  useLayoutEffect(() => {
    const box = area.current;
    if (!box) return;
    box.style.height = 'auto';
    box.style.height = `${box.scrollHeight}px`;
  }, [text]);

  const write = (next: string) => {
    setText(next);
    if (editing) draft.edits.set(target.message.message_id, next);
    else draft.text = next;
    onTyping(next !== '');
  };
  const letGo = () => {
    if (editing) draft.edits.delete(target.message.message_id);
    onTarget(undefined);
  };
  const say = () => {
    const content = text.trim();
    if (!content || tooLong || muted) return;
    if (editing) {
      if (content !== target.message.content) props.onEdit(target.message, content);
      letGo();
      return;
    }
    props.onSay(content, target?.message.message_id);
    write('');
    onTarget(undefined);
  };
  const keys = (event: KeyboardEvent) => {
    if (composes(event)) return;
    if (event.key === 'Enter' && !event.shiftKey) { event.preventDefault(); say(); }
    if (event.key === 'Escape' && target) { event.preventDefault(); letGo(); }
    if (event.key === 'ArrowUp' && !modified(event) && text === '' && !target) { event.preventDefault(); props.onEditLast(); }
  };
  return (
    <form class={`composer ${target ? 'targeted' : ''}`} onSubmit={(event) => { event.preventDefault(); say(); }}>
      {target && (
        <div class="target">
          <button type="button" class="target-words" onClick={() => props.onShow(target.message.message_id)}>
            <strong>{editing ? 'Editing' : `Replying to ${target.message.by.name}`}</strong> <span class="cut">{target.message.content}</span>
          </button>
          <button type="button" class="icon-button" aria-label={editing ? 'Stop editing' : 'Do not reply'} onClick={letGo}><Close /></button>
        </div>
      )}
      <div class="composer-line">
        <textarea
          ref={area} rows={1} value={text} aria-label={label} placeholder={muted ? 'You are muted here' : label} disabled={muted}
          onInput={(event) => write(event.currentTarget.value)} onKeyDown={keys} aria-invalid={tooLong}
        />
        <button type="submit" class="send" aria-label={editing ? 'Save' : 'Send'} disabled={!text.trim() || tooLong || muted}><Send /></button>
      </div>
      {tooLong && <p class="small bad-text" role="alert">A message has 64 KiB at most.</p>}
    </form>
  );
}

/** What stands in the box: what was typed last, or what is up for editing. */
function kept(draft: Draft, target: Target | undefined): string {
  return target?.how === 'edit' ? draft.edits.get(target.message.message_id) ?? target.message.content : draft.text;
}
