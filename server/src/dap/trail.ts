/**
 * Who made each move and where it left that actor: enough to find the way back without making the moves again. Ten bytes a
 * move.
 */
import type { Places, Whereabouts } from './places.js';

/** Moves that there is room for at first. */
const FIRST_ROOM = 1024;

export interface Mark extends Whereabouts {
  /** Index of the actor's thread. */
  readonly thread: number;
}

export class Trail {
  private threads = new Uint16Array(FIRST_ROOM);
  private places = new Int32Array(FIRST_ROOM);
  private depths = new Uint32Array(FIRST_ROOM);
  private readonly starts: Whereabouts[];

  /** @param starts where the threads are at position 0 */
  constructor(
    private readonly known: Places,
    starts: readonly Whereabouts[],
  ) {
    this.starts = [...starts];
  }

  /** The move that led to a position. */
  note(position: number, thread: number, { place, depth }: Whereabouts): void {
    if (position >= this.threads.length) this.grow(position);
    this.threads[position] = thread;
    this.places[position] = place.id;
    this.depths[position] = depth;
  }

  /** What the move to a position did; `undefined` at position 0. */
  at(position: number): Mark | undefined {
    if (position <= 0) return undefined;
    return {
      thread: this.threads[position]!,
      place: this.known.byId(this.places[position]!),
      depth: this.depths[position]!,
    };
  }

  /** The last move of a thread up to a position: which, and where it has been since. Position 0 stands for the start. */
  last(thread: number, position: number): { position: number; where: Whereabouts } {
    let at = position;
    while (at > 0 && this.threads[at] !== thread) at--;
    const mark = this.at(at);
    return { position: at, where: mark ?? this.starts[thread]! };
  }

  private grow(position: number): void {
    const room = Math.max(position + 1, this.threads.length * 2);
    const copied = <A extends Uint16Array | Int32Array | Uint32Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.threads = copied(this.threads, new Uint16Array(room));
    this.places = copied(this.places, new Int32Array(room));
    this.depths = copied(this.depths, new Uint32Array(room));
  }
}
