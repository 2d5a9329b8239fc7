// A door that is open: its socket, what went over it, and whether one can say something.

import type { Door, Frame, Place, Talk, Wire } from './door';

/** So many frames are kept. */
const FRAMES_MAX = 200;

export interface State {
  readonly is: 'opening' | 'open' | 'shut';
  readonly frames: readonly Frame[];
  /** Why it is shut. */
  readonly why?: string;
}

export class OpenDoor {
  private state: State = { is: 'opening', frames: [] };
  private readonly listeners = new Set<() => void>();
  private readonly socket: WebSocket;
  private readonly talk: Talk;
  private count = 0;

  constructor(door: Door, place: Place) {
    this.socket = new WebSocket(door.url(place, false));
    const wire: Wire = {
      send: (text) => { this.socket.send(text); this.note(true, text); },
      note: (out, text) => this.note(out, text),
      ready: () => { if (this.state.is === 'opening') this.set({ ...this.state, is: 'open' }); },
    };
    this.talk = door.talk(place, wire);
    this.socket.onopen = () => this.talk.opened?.();
    this.socket.onmessage = ({ data }) => {
      this.note(false, String(data));
      this.talk.heard?.(String(data));
    };
    this.socket.onclose = ({ code, reason }) => {
      this.set({ ...this.state, is: 'shut', why: reason || (code === 1006 ? 'not let in, or cut off' : `closed, ${code}`) });
    };
  }

  read = (): State => this.state;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  say(content: string): void {
    if (this.state.is === 'open') this.talk.say(content);
  }

  close(): void {
    this.socket.onclose = null;
    this.socket.close();
  }

  private note(out: boolean, text: string): void {
    this.count += 1;
    const frame: Frame = { number: this.count, out, text, at: Date.now() };
    this.set({ ...this.state, frames: [...this.state.frames, frame].slice(-FRAMES_MAX) });
  }

  private set(state: State): void {
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}
