/** Writes the story of a run: who was where in the C when something happened. */
import type { Thread } from '../execution/thread.js';
import { AppendLog, type SavedLog } from './append-log.js';
import type { CallPlace, StoryEntry } from './result.js';

export type Told = StoryEntry extends infer Entry
  ? Entry extends unknown
    ? Omit<Entry, 'step' | 'actor' | 'depth' | 'at'>
    : never
  : never;

export class Telling {
  readonly story = new AppendLog<StoryEntry>();
  /** Whose step it is. */
  current: Thread | undefined;

  /**
   * @param steps how many were made so far
   * @param quiet nothing is told: for who makes many runs and reads none
   */
  constructor(
    private readonly steps: () => number,
    private readonly quiet: boolean,
  ) {}

  tell(entry: Told, at?: CallPlace, actor = this.current?.name ?? 'setup', depth?: number): void {
    if (this.quiet) return;
    const known = depth ?? this.current?.frames.filter(({ k }) => k === 'c').length ?? 0;
    this.story.push({
      step: this.steps(),
      actor,
      depth: known,
      ...(at && { at }),
      ...entry,
    } as StoryEntry);
  }

  save(): SavedLog<StoryEntry> {
    return this.story.save();
  }

  restore(story: SavedLog<StoryEntry>): void {
    this.story.restore(story);
    this.current = undefined;
  }
}

/** Where a thread is in the C; `loc` instead of the place of its innermost frame. */
export function placeOf(thread: Thread, loc?: { file: string; line: number }): CallPlace | undefined {
  for (let i = thread.frames.length - 1; i >= 0; i--) {
    const frame = thread.frames[i]!;
    if (frame.k !== 'c') continue;
    const { symbol, places } = frame.code.compiled;
    const { file, line } = loc ?? places[frame.pc]!;
    return { function: symbol.name, file, line };
  }
  return undefined;
}
