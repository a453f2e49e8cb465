/**
 * Where a thread is, as a number: what stepping compares and what is kept of each position. A place is one point of a
 * compiled function, or an action of an actor's list.
 */
import type { CompiledFunction } from '../simulator/execution/compile-function.js';
import type { Thread } from '../simulator/execution/thread.js';
import { ENTRY_FILE } from '../simulator/kernel-api/entry.js';
import type { Doing } from '../simulator/scenario/doing.js';
import type { ActionTurn } from '../simulator/scenario/kernel-calls.js';
import type { Simulation } from '../simulator/scenario/simulation.js';

export interface Place {
  readonly id: number;
  /** The same for all places of one line. */
  readonly line: number;
  /** A statement begins here, or an action: where a user may be stopped. */
  readonly begins: boolean;
  /** In C that no file of the tree has, such as the entry of a system call. */
  readonly hidden: boolean;
  readonly code?: { readonly compiled: CompiledFunction; readonly pc: number };
}

export interface Whereabouts {
  readonly place: Place;
  /** C functions on the stack: 0 between actions. */
  readonly depth: number;
}

/** What an actor is at. */
export interface ActorTurn {
  /** `undefined`: all are done. */
  readonly action: Doing | undefined;
  readonly list: number;
  readonly index: number;
  /** It was begun. */
  readonly begun: boolean;
}

export class Places {
  private readonly all: Place[] = [];
  private readonly lines = new Map<string, number>();
  private readonly ofCode = new Map<CompiledFunction, Int32Array>();
  private readonly ofActions = new Map<string, number>();

  constructor(private readonly simulation: Simulation) {}

  byId(id: number): Place {
    return this.all[id]!;
  }

  of(thread: Thread): Whereabouts {
    let depth = 0;
    let place: Place | undefined;
    for (let i = thread.frames.length - 1; i >= 0; i--) {
      const frame = thread.frames[i]!;
      if (frame.k !== 'c') continue;
      depth++;
      place ??= this.inCode(frame.code.compiled, frame.pc);
    }
    return { place: place ?? this.betweenActions(thread), depth };
  }

  inCode(compiled: CompiledFunction, pc: number): Place {
    let ids = this.ofCode.get(compiled);
    if (!ids) this.ofCode.set(compiled, (ids = new Int32Array(compiled.places.length).fill(-1)));
    const known = ids[pc]!;
    if (known >= 0) return this.all[known]!;
    const { file, line } = compiled.places[pc]!;
    const hidden = file === ENTRY_FILE;
    const place = this.add({
      line: this.lineOf(`${file}:${line}`),
      begins: !hidden && compiled.boundaries.has(pc),
      hidden,
      code: { compiled, pc },
    });
    ids[pc] = place.id;
    return place;
  }

  /** The place before an action of a list. */
  beforeAction(list: number, index: number): Place {
    return this.atAction(list, index, false);
  }

  private betweenActions(thread: Thread): Place {
    const { list, index, begun } = turnOf(this.simulation, thread);
    return this.atAction(list, index, begun);
  }

  private atAction(list: number, index: number, begun: boolean): Place {
    const key = `${list}:${index}`;
    const full = `${key}:${begun}`;
    const known = this.ofActions.get(full);
    if (known !== undefined) return this.all[known]!;
    const place = this.add({ line: this.lineOf(`action ${key}`), begins: !begun, hidden: false });
    this.ofActions.set(full, place.id);
    return place;
  }

  private add(place: Omit<Place, 'id'>): Place {
    const added = { id: this.all.length, ...place };
    this.all.push(added);
    return added;
  }

  private lineOf(key: string): number {
    let line = this.lines.get(key);
    if (line === undefined) this.lines.set(key, (line = this.lines.size));
    return line;
  }
}

/** What an actor's thread is at. */
export function turnOf({ actors, threads }: Simulation, thread: Thread): ActorTurn {
  const [actor] = thread.frames;
  if (actor?.k !== 'modelled') {
    // Its function has returned: all actions are done. The setup's list is the first one.
    const list = actors.actions.length - threads.length + threads.indexOf(thread);
    return { action: undefined, list, index: actors.actions[list]?.length ?? 0, begun: false };
  }
  const list = actor.args[0]!.l;
  const turn = actor.state as ActionTurn | undefined;
  const index = turn?.index ?? 0;
  return {
    action: actors.actions[list]?.[index],
    list,
    index,
    begun: (turn?.calls ?? 0) > 0 || thread.frames.length > 1,
  };
}
