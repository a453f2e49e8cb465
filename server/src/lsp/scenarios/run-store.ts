/** What the last runs gave, and whether the texts that they executed are still those. */
import { createHash } from 'node:crypto';
import type { RunAnswer } from '../../simulator/backend/protocol.js';

export interface Ran {
  /** As `ScenarioEntry.id`. */
  readonly scenario: string;
  readonly variant: string | undefined;
  /** Counts the runs: the higher, the later. */
  readonly nth: number;
  readonly answer: RunAnswer;
}

interface Kept extends Ran {
  /** `file:function` of what was entered. */
  readonly entered: ReadonlySet<string>;
  /** Absolute path → digest of the text that was run. */
  readonly digests: ReadonlyMap<string, string>;
  /** Files that were edited since. */
  readonly suspects: Set<string>;
}

const keyOf = (scenario: string, variant: string | undefined): string => `${scenario}@${variant ?? ''}`;

const digestOf = (text: string): string => createHash('sha1').update(text).digest('base64');

export class RunStore {
  private readonly last = new Map<string, Kept>();
  private count = 0;

  /** @param textOf a file's text as a run would get it, by its absolute path */
  constructor(private readonly textOf: (path: string) => string | undefined) {}

  /** @param files of the scenario, absolute */
  keep(
    scenario: string,
    variant: string | undefined,
    answer: RunAnswer,
    files: readonly string[],
    digests: ReadonlyMap<string, string>,
  ): void {
    const { root, functions, lines } = answer;
    const executed = [...Object.keys(lines).map((file) => `${root}/${file}`), ...files];
    this.last.set(keyOf(scenario, variant), {
      scenario,
      variant,
      nth: ++this.count,
      answer,
      entered: new Set(functions.map((one) => `${one.file}:${one.function}`)),
      digests: new Map(executed.map((path) => [path, digests.get(path) ?? this.digest(path)])),
      suspects: new Set(),
    });
  }

  /** A file's text may have changed. */
  touch(path: string): void {
    // What a header defines may be in any line.
    for (const kept of this.last.values())
      if (kept.digests.has(path) || path.endsWith('.h')) kept.suspects.add(path);
  }

  of(scenario: string, variant: string | undefined): Ran | undefined {
    return this.last.get(keyOf(scenario, variant));
  }

  /** Whether a run of it entered a function; undefined where none was made on this tree. */
  entered(scenario: string, variant: string | undefined, root: string, id: string): boolean | undefined {
    const kept = this.last.get(keyOf(scenario, variant));
    return kept?.answer.root === root ? kept.entered.has(id) : undefined;
  }

  /** The last runs on a tree that entered a function, the latest first. */
  through(root: string, id: string): Ran[] {
    return [...this.last.values()]
      .filter((kept) => kept.answer.root === root && kept.entered.has(id))
      .sort((a, b) => b.nth - a.nth);
  }

  isStale({ scenario, variant }: Ran): boolean {
    const kept = this.last.get(keyOf(scenario, variant));
    if (!kept) return false;
    // An edit that was taken back makes it fresh again.
    for (const path of kept.suspects) {
      const before = kept.digests.get(path);
      if (before === undefined || before !== this.digest(path)) return true;
    }
    return false;
  }

  /** Of texts as they are now, to be handed to `keep` after the run. */
  digestsOf(overlays: Readonly<Record<string, string>>): Map<string, string> {
    return new Map(Object.entries(overlays).map(([path, text]) => [path, digestOf(text)]));
  }

  private digest(path: string): string {
    return digestOf(this.textOf(path) ?? '');
  }
}
