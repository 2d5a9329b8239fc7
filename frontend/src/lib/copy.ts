// Text into the clipboard. The browser's own way is there in secure contexts only, and may be forbidden; the old one, a
// selected field, is everywhere. Rejects when neither works.

export async function copy(text: string): Promise<void> {
  const clipboard: Clipboard | undefined = navigator.clipboard;
  const copied = clipboard ? await clipboard.writeText(text).then(() => true, () => false) : false;
  if (!copied && !copySelected(text)) throw new Error('The browser does not let this page copy. Select the text instead.');
}

function copySelected(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement('textarea');
  field.className = 'unseen';
  field.value = text;
  field.readOnly = true;
  document.body.append(field);
  try {
    field.select();
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    field.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  }
}
