/**
 * An id for what is said, drawn at random: 32 to 36 characters. `randomUUID` is there in secure contexts only; random numbers
 * are everywhere.
 */
export function drawn(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
