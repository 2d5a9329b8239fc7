// What a room is called, wherever it is named.

/** A conversation is called as the other one is. */
export function nameOf(room: { readonly title: string; readonly with?: { readonly id: string; readonly name: string } }, me: string): string {
  if (!room.with) return room.title;
  return room.with.id === me ? `${room.with.name} (you)` : room.with.name;
}
