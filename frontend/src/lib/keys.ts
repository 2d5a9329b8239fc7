// What a key press is not: a shortcut of the browser's, or a step of an input method.

type Press = Pick<KeyboardEvent, 'ctrlKey' | 'altKey' | 'metaKey'>;

export function modified(event: Press): boolean {
  return event.ctrlKey || event.altKey || event.metaKey;
}

/** An input method composes: its Enter takes a word. Safari says so only by the code, when the composing has just ended. */
export function composes(event: Pick<KeyboardEvent, 'isComposing' | 'keyCode'>): boolean {
  return event.isComposing || event.keyCode === 229;
}
