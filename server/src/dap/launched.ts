/** A scenario that is being debugged: the simulation, its history, and the way between its files and the client's. */
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Prepared } from '../simulator/backend/prepare.js';
import type { Thread } from '../simulator/execution/thread.js';
import { History } from '../simulator/scenario/history.js';
import type { StoryEntry } from '../simulator/scenario/result.js';
import { Simulation, type StepResult } from '../simulator/scenario/simulation.js';
import { Places } from './places.js';
import { Trail } from './trail.js';

export class Launched {
  readonly simulation: Simulation;
  readonly history: History;
  readonly places: Places;
  readonly trail: Trail;
  readonly root: string;
  /** Of the scenario, absolute. */
  readonly scenarioPath: string;

  /** @throws NotRunnable */
  constructor({ input, root, path }: Prepared) {
    this.root = root;
    this.scenarioPath = path;
    this.simulation = new Simulation(input);
    this.history = new History(this.simulation);
    this.places = new Places(this.simulation);
    const starts = this.threads.map((thread) => this.places.of(thread));
    this.trail = new Trail(this.places, starts);
  }

  get threads(): readonly Thread[] {
    return this.simulation.threads;
  }

  /** One move forward, noted. @returns the thread that made it; `undefined` where nobody could move */
  forward(thread: Thread | undefined): { result: StepResult; moved: Thread | undefined } {
    const { history } = this;
    const before = history.position;
    const result = history.stepForward(thread);
    const moved = history.position > before ? history.threadAfter(before) : undefined;
    if (moved) this.trail.note(history.position, this.threads.indexOf(moved), this.places.of(moved));
    return { result, moved };
  }

  /** What was told by the move to a position. */
  told(position: number): StoryEntry[] {
    if (position <= 0) return [];
    const { history, simulation } = this;
    const entries: StoryEntry[] = [];
    const end = history.storyAt(position);
    for (let i = history.storyAt(position - 1); i < end; i++) entries.push(simulation.story.at(i)!);
    return entries;
  }

  absolute(file: string): string {
    return join(this.root, file);
  }

  source(file: string): DebugProtocol.Source {
    const name = file.slice(file.lastIndexOf('/') + 1);
    return { name, path: this.absolute(file) };
  }

  scenarioSource(file: string): DebugProtocol.Source {
    return { name: file.slice(file.lastIndexOf('/') + 1), path: file };
  }
}
