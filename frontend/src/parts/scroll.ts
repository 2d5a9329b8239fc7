// A list of any length of which only what can be seen is drawn. The truth is an anchor (a row and where it stands in
// the window, or "the end"), never a number of pixels: rows that turn out higher, and older ones that are put in front,
// move nothing that is being read. What is hidden (`display: none` on a narrow window) has no measures: nothing is learned
// from it, and the anchor waits for when it is shown again.

import { useCallback, useLayoutEffect, useReducer, useRef } from 'react';
import { Heights, type Measured } from '../lib/heights';

type Anchor =
  | { readonly at: 'end' }
  /** Its top stands so many pixels below the upper edge. */
  | { readonly at: 'row'; readonly key: string; readonly below: number }
  /** Its bottom does: the topmost row's, whose heading may go when older ones come, while its words stay. */
  | { readonly at: 'foot'; readonly key: string; readonly below: number };

/** Drawn beyond what is seen, so that nothing flashes. */
const BEYOND_PX = 700;
/** This near to the end counts as there. */
const END_PX = 32;

export interface Drawn {
  readonly first: number;
  /** Behind the last. */
  readonly end: number;
  readonly spaceAbove: number;
  readonly spaceBelow: number;
}

export interface Seen {
  readonly first: number;
  readonly last: number;
  readonly atEnd: boolean;
}

export interface Scroll {
  readonly drawn: Drawn;
  readonly attach: (element: HTMLDivElement | null) => void;
  /** On the element's scroll event. */
  readonly scrolled: () => void;
  toEnd(): void;
  /** A row, so many pixels below the upper edge. */
  toRow(key: string, below: number): void;
  /** Undefined while it is hidden. */
  seen(): Seen | undefined;
}

/** `head`: pixels of what always stands above the rows. `start`: the row to begin at; the end when there is none. */
export function useScroll(rows: readonly Measured[], head: number, start: string | undefined, onMove: () => void): Scroll {
  const element = useRef<HTMLDivElement | null>(null);
  const heights = useRef<Heights>(null as unknown as Heights);
  heights.current ??= new Heights();
  const anchor = useRef<Anchor>(start ? { at: 'row', key: start, below: 96 } : { at: 'end' });
  const size = useRef({ width: 0, height: 800 });
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const now = useRef(rows);
  /** Where it was when last looked at. Elsewhere now: it was scrolled, and the event that says so is still to come. */
  const top = useRef(0);
  const wasHidden = useRef(false);
  const box = element.current;
  if (box && isHidden(box)) wasHidden.current = true;
  // Being hidden may have put it to the top, which nobody asked for.
  else if (box && !wasHidden.current && Math.abs(box.scrollTop - top.current) > 1) {
    top.current = box.scrollTop;
    anchor.current = anchorAt(heights.current, now.current, top.current - head, isAtEnd(box));
  }
  now.current = rows;

  heights.current.lay(rows);
  const wanted = wantedTop(anchor.current, heights.current, head, size.current.height);
  const drawn = draw(heights.current, rows.length, wanted - head, size.current.height);
  const shown = useRef(drawn);
  shown.current = drawn;

  useLayoutEffect(() => {
    const box = element.current;
    if (!box) return;
    wasHidden.current = isHidden(box);
    if (wasHidden.current) return;
    let news = false;
    for (const node of box.querySelectorAll<HTMLElement>('[data-row]')) {
      const row = rows[Number(node.dataset['row'])];
      if (row) news = heights.current.note(row, node.getBoundingClientRect().height) || news;
    }
    if (!news && Math.abs(box.scrollTop - wanted) > 1) box.scrollTop = wanted;
    top.current = box.scrollTop;
    if (news) return redraw(undefined);
    onMove();
  });

  const scrolled = useCallback(() => {
    const box = element.current;
    if (!box || isHidden(box) || wasHidden.current) return;
    top.current = box.scrollTop;
    anchor.current = anchorAt(heights.current, now.current, top.current - head, isAtEnd(box));
    const next = draw(heights.current, now.current.length, top.current - head, size.current.height);
    // Some rows of room to spare on both sides: then nothing has to be drawn yet.
    if (Math.abs(next.first - shown.current.first) > 3 || Math.abs(next.end - shown.current.end) > 3) redraw(undefined);
    onMove();
  }, [onMove, head]);

  const attach = useSized(element, size, heights, wasHidden, redraw);
  const go = (to: Anchor) => {
    anchor.current = to;
    top.current = element.current?.scrollTop ?? 0;
    redraw(undefined);
  };
  const toEnd = useCallback(() => go({ at: 'end' }), []);
  const toRow = useCallback((key: string, below: number) => go({ at: 'row', key, below }), []);
  const seen = useCallback((): Seen | undefined => {
    if (!element.current || isHidden(element.current)) return undefined;
    const from = element.current.scrollTop - head;
    const [first, last] = [heights.current.at(from), heights.current.at(from + element.current.clientHeight - 4)];
    return { first, last, atEnd: anchor.current.at === 'end' };
  }, [head]);
  return { drawn, attach, scrolled, toEnd, toRow, seen };
}

function isHidden(box: HTMLElement): boolean {
  return box.clientHeight === 0;
}

function isAtEnd(box: HTMLElement): boolean {
  return box.scrollTop + box.clientHeight >= box.scrollHeight - END_PX;
}

function wantedTop(anchor: Anchor, heights: Heights, head: number, height: number): number {
  const most = Math.max(0, head + heights.total - height);
  if (anchor.at === 'end') return most;
  const place = heights.place(anchor.key);
  if (place === undefined) return most;
  const edge = heights.top(anchor.at === 'foot' ? place + 1 : place);
  return Math.max(0, Math.min(most, head + edge - anchor.below));
}

function draw(heights: Heights, count: number, top: number, height: number): Drawn {
  const first = count === 0 ? 0 : heights.at(top - BEYOND_PX);
  const end = count === 0 ? 0 : heights.at(top + height + BEYOND_PX) + 1;
  return { first, end, spaceAbove: heights.top(first), spaceBelow: heights.total - heights.top(end) };
}

function anchorAt(heights: Heights, rows: readonly Measured[], top: number, atEnd: boolean): Anchor {
  const index = heights.at(top);
  const row = rows[index];
  return atEnd || !row ? { at: 'end' } : { at: 'foot', key: row.key, below: heights.top(index + 1) - top };
}

/** Attaches the element, and draws anew when its size changes. */
function useSized(
  element: { current: HTMLDivElement | null }, size: { current: { width: number; height: number } },
  heights: { current: Heights }, wasHidden: { current: boolean }, redraw: (nothing: undefined) => void,
): (next: HTMLDivElement | null) => void {
  const observer = useRef<ResizeObserver | undefined>(undefined);
  return useCallback((next: HTMLDivElement | null) => {
    observer.current?.disconnect();
    element.current = next;
    if (!next) return;
    wasHidden.current = isHidden(next);
    if (!wasHidden.current) size.current = { width: next.clientWidth, height: next.clientHeight };
    observer.current = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = next;
      if (isHidden(next)) {
        wasHidden.current = true;
        return;
      }
      if (!wasHidden.current && width === size.current.width && height === size.current.height) return;
      if (width !== size.current.width) heights.current.forget();
      size.current = { width, height };
      redraw(undefined);
    });
    observer.current.observe(next);
  }, []);
}
