/** Records what a simulation's steps touch: places with a number each, and the locks that were held. */
import type { LockMode } from '../kernel-api/state.js';
import type { Simulation } from '../scenario/simulation.js';
import { type Footprint, type Place, Touch } from './footprint.js';
import { watchedState } from './watched-state.js';

/** Ranges of more frames than this are told by blocks. */
const FEW = 64;
const BLOCK = 512;
/** Fields of KernelState that are history, names, or told by `onLock`. */
const KERNEL_UNWATCHED = new Set(['counters', 'hazards', 'log', 'holds', 'named', 'fileNames', 'pte']);
/** What an actor has for itself. */
const ACTOR_UNWATCHED = new Set(['own', 'hostIsDown']);

/** Told of each access as it happens. */
export type AccessListener = (place: Place, touch: number) => void;

export class Watch {
  private readonly places = new Map<string, Place>();
  private touched = new Map<Place, number>();
  private on = false;

  constructor(
    simulation: Simulation,
    private readonly listener: AccessListener = () => undefined,
  ) {
    const { kernel, actors, hardware, c } = simulation;
    c.memory.watch = (at, size, write) => {
      for (let word = at >>> 2; word <= (at + size - 1) >>> 2; word++)
        this.add(-1 - word, write ? Touch.write : Touch.read);
    };
    hardware.watch(
      (name, start, count, write) => this.frames(name, start, count, write),
      (change) => this.touch('free memory', change === 'allocate' ? Touch.allocate : Touch.free),
    );
    kernel.onLock = (lock, mode, wanted) => this.touch(`lock ${lock}`, lockTouch(mode, wanted));
    kernel.watchState = (state) =>
      watchedState(state, KERNEL_UNWATCHED, (field, key, write) => this.entry(field, key, write));
    actors.watchState = (state) =>
      watchedState(state, ACTOR_UNWATCHED, (field, key, write) => this.entry(`actors.${field}`, key, write));
    // What is worked on is taken anew when a state is restored.
    simulation.restore(simulation.save());
  }

  /** From now on what is touched belongs to a new footprint. */
  begin(): void {
    this.touched = new Map();
    this.on = true;
  }

  end(): Footprint {
    this.on = false;
    return this.touched;
  }

  private touch(name: string, touch: number): void {
    if (!this.on) return;
    let place = this.places.get(name);
    if (place === undefined) {
      place = this.places.size;
      this.places.set(name, place);
    }
    this.add(place, touch);
  }

  private add(place: Place, touch: number): void {
    if (!this.on) return;
    this.touched.set(place, (this.touched.get(place) ?? 0) | touch);
    this.listener(place, touch);
  }

  private frames(name: string, start: number, count: number, write: boolean): void {
    if (!this.on) return;
    if (count <= FEW)
      for (let at = start; at < start + count; at++)
        this.touch(`${name} ${at}`, write ? Touch.write : Touch.read);
    if (!Number.isFinite(count)) {
      this.touch(name, write ? Touch.manyWrite : Touch.manyRead);
      return;
    }
    const many = count > FEW;
    const touch = write ? (many ? Touch.manyWrite : Touch.oneWrite) : many ? Touch.manyRead : Touch.oneRead;
    for (let block = Math.floor(start / BLOCK); block <= Math.floor((start + count - 1) / BLOCK); block++)
      this.touch(`${name} block ${block}`, touch);
    // Against those that go through the whole table.
    this.touch(name, write ? Touch.oneWrite : Touch.oneRead);
  }

  private entry(field: string, key: unknown, write: boolean): void {
    if (key === undefined) {
      this.touch(field, write ? Touch.manyWrite : Touch.manyRead);
      return;
    }
    this.touch(`${field} ${String(key)}`, write ? Touch.write : Touch.read);
    this.touch(field, write ? Touch.oneWrite : Touch.oneRead);
  }
}

function lockTouch(mode: LockMode, wanted: boolean): number {
  if (mode === 'read') return wanted ? Touch.takeRead : Touch.giveRead;
  return wanted ? Touch.takeWrite : Touch.giveWrite;
}
