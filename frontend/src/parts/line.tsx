// One line of a room: what stands above it, its author, its words, its reactions and its ticks. Words are text nodes,
// whatever is in them.

import { memo } from 'react';
import type { MessageView, RoomView } from 'switchboard-client';
import type { MessageRow, Row } from '../lib/rows';
import { clock, full } from '../lib/time';
import { useMe } from '../session/client';
import type { Edit } from '../session/edits';
import { Avatar } from './avatar';
import { Ticks } from './icons';
import { LineMenu } from './line-menu';
import { Pending } from './pending';
import { Reactions } from './reactions';
import { Unsaved } from './unsaved';

/** What can be done with a message; the room knows how. */
export interface LineDo {
  reply(message: MessageView): void;
  edit(message: MessageView): void;
  remove(message: MessageView): void;
  copy(message: MessageView): void;
  react(message: MessageView, emoji: string, on: boolean): void;
}

interface Props {
  readonly row: Row;
  readonly index: number;
  /** How many there are, -1 while that is not known. */
  readonly count: number;
  readonly room: RoomView;
  /** How far a message of one's own has got. */
  readonly tick: Tick | undefined;
  readonly act: LineDo;
  readonly flash: boolean;
  /** Its words as they are to be, while they are not saved. */
  readonly edit: Edit | undefined;
  show(messageId: string): void;
}

export const Line = memo((props: Props) => {
  const { row, index } = props;
  return (
    <div class="row" data-row={index}>
      {row.day && <div class="day"><span>{row.day}</span></div>}
      {row.unreadFromHere && <div class="unread-line"><span>Unread from here</span></div>}
      {row.type === 'message' ? <Said {...props} row={row} /> : <Pending row={row} index={index} count={props.count} />}
    </div>
  );
}, (a, b) => a.row === b.row && a.index === b.index && a.count === b.count && a.flash === b.flash && a.act === b.act && a.edit === b.edit
  && a.tick === b.tick && a.room.role === b.room.role && quoted(a) === quoted(b));

function quoted({ row, room }: Props): MessageView | undefined {
  const id = row.type === 'message' ? row.message.reply_to : row.entry.reply_to;
  return id === undefined ? undefined : room.messages.find((message) => message.message_id === id);
}

function Said({ row, index, count, room, tick, act, flash, edit, show }: Props & { readonly row: MessageRow }) {
  const me = useMe();
  const message = edit ? { ...row.message, content: edit.content } : row.message;
  const own = message.by.id === me.id;
  if (message.kind === 'system') {
    return (
      <article class="system" role="article" tabIndex={-1} aria-posinset={index + 1} aria-setsize={count} data-message={message.message_id}>
        <span>{message.content}</span> <time dateTime={message.at}>{clock(message.at)}</time>
      </article>
    );
  }
  return (
    <article
      class={`message ${row.leads ? 'leads' : ''} ${own ? 'own' : ''} ${flash ? 'flash' : ''} ${edit ? `pending ${edit.state}` : ''}`} role="article" tabIndex={-1}
      aria-posinset={index + 1} aria-setsize={count} aria-label={labelOf(message, own, me.number, tick, edit)} data-message={message.message_id}
    >
      <div class="gutter">
        {row.leads ? <Avatar id={message.by.id} name={message.by.name} /> : <time class="hover-time" dateTime={message.at}>{clock(message.at)}</time>}
      </div>
      <div class="said">
        {row.leads && <Author message={message} />}
        {message.reply_to && <Quote id={message.reply_to} room={room} show={show} />}
        <div class="words">
          <span class="content">{message.content}</span>
          {edit?.state === 'saving' && <span class="edited"> (being saved)</span>}
          {!edit && message.edited_at && <span class="edited" title={`Edited ${full(message.edited_at)}`}> (edited)</span>}
        </div>
        {edit?.state === 'failed' && <Unsaved edit={edit} now={row.message.content} />}
        <Reactions message={message} onReact={act.react} />
      </div>
      {tick && <span class="tick" title={TICKS[tick]} data-state={tick}><Ticks state={tick} /><span class="unseen">{TICKS[tick]}</span></span>}
      <LineMenu message={message} own={own} mayDelete={own || room.role === 'owner' || room.role === 'moderator'} act={act} />
    </article>
  );
}

function Author({ message }: { readonly message: MessageView }) {
  return (
    <div class="author">
      <strong>{message.by.name}</strong>
      {message.kind === 'broadcast' && <span class="tag">broadcast</span>}
      <time dateTime={message.at} title={full(message.at)}>{clock(message.at)}</time>
    </div>
  );
}

const TICKS = { sent: 'Sent', delivered: 'Delivered', read: 'Read' } as const;
export type Tick = keyof typeof TICKS;

function labelOf(message: MessageView, own: boolean, me: number, tick: Tick | undefined, edit: Edit | undefined): string {
  const parts = [own ? 'You' : message.by.name, clock(message.at), message.content];
  if (message.edited_at || edit) parts.push('edited');
  if (edit) parts.push(edit.state === 'failed' ? 'not saved' : 'being saved');
  for (const { emoji, count, users } of message.reactions) parts.push(`${emoji} ${count}${users.includes(me) ? ', including yours' : ''}`);
  if (tick) parts.push(TICKS[tick]);
  return parts.join(', ');
}

function Quote({ id, room, show }: { readonly id: string; readonly room: RoomView; show(messageId: string): void }) {
  const message = room.messages.find((found) => found.message_id === id);
  return (
    <button type="button" class="quote" tabIndex={-1} onClick={() => show(id)} aria-label={message ? `In reply to ${message.by.name}: ${message.content}` : 'In reply to an older message'}>
      {message ? <><strong>{message.by.name}</strong> <span>{message.content}</span></> : <span>An older message</span>}
    </button>
  );
}
