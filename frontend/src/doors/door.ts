// What each of the five doors has in common for this pane: a socket, the frames on it, and a way to say something. The
// doors are spoken by hand and raw, so that what is shown is what goes over the wire.

import type { Person, RoomView } from 'switchboard-client';

export interface Frame {
  readonly number: number;
  readonly out: boolean;
  readonly text: string;
  readonly at: number;
}

export interface Who {
  /** The token; in development mode a name. */
  readonly token: string;
  readonly id: string;
  /** The server's number of the user, where it is known. */
  readonly number?: number;
}

/** Where and as whom a door is opened. */
export interface Place {
  readonly room: RoomView;
  readonly who: Who;
  /** The other one of a conversation of two. */
  readonly other: Person | undefined;
}

/** A door's wire, in the hands of one of the files beside this one. */
export interface Wire {
  /** Puts a frame on the socket, and shows it. */
  send(text: string): void;
  /** Shows what goes over HTTP like a frame. */
  note(out: boolean, text: string): void;
  /** The door is open: something can be said. */
  ready(): void;
}

export interface Talk {
  opened?(): void;
  heard?(text: string): void;
  say(content: string): void;
}

export interface Door {
  readonly name: string;
  readonly about: string;
  /** Whether the room can be seen through it. */
  fits(room: RoomView): boolean;
  /** With the token hidden where `show` is true. */
  url(place: Place, show: boolean): string;
  talk(place: Place, wire: Wire): Talk;
  /** What has to be done before, if anything. */
  before?(place: Place): Promise<void>;
}

export const always = (): boolean => true;

export function token(place: Place, show: boolean): string {
  // A JSON Web Token is nothing to show on a screen; a name is.
  return show && place.who.token.length > 40 ? '…' : encodeURIComponent(place.who.token);
}

export const json = (value: unknown): string => JSON.stringify(value);
