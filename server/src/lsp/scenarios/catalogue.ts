/** The scenarios that an editor knows: those of the library, and the files of its workspace, with unsaved changes. */
import { basename } from 'node:path';
import { libraryScenarios, scenarioPath, textOf } from '../../host/scenario-files.js';
import { ScenarioDocument } from '../../simulator/scenario/document.js';
import { loadScenario } from '../../simulator/scenario/load.js';
import type { Action, Scenario } from '../../simulator/scenario/model.js';
import type { ScenarioProblem, TextRange } from '../../simulator/scenario/problem.js';

export interface ScenarioEntry {
  /** What a run takes: the name of a bundled one, else the path. */
  readonly id: string;
  /** The file's name without its ending. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly bundled: boolean;
  /** Only of a file without problems. */
  readonly scenario: Scenario | undefined;
  readonly problems: readonly ScenarioProblem[];
  /** The file and what it includes. */
  readonly files: readonly string[];
  /** Where it names itself. */
  readonly range: TextRange;
  readonly variants: readonly { readonly name: string; readonly range: TextRange }[];
  /** Kinds of what its actors do, and what is done before they start. */
  readonly actions: ReadonlySet<string>;
}

/** By these names files are told as scenarios. */
export const isScenarioFile = (path: string): boolean =>
  /\.gmem\.ya?ml$/.test(path) ||
  /[\\/]gmem-scenarios[\\/].*\.ya?ml$/.test(path) ||
  /[\\/]server[\\/]scenarios[\\/][^\\/]+\.yaml$/.test(path);

export class ScenarioCatalogue {
  private readonly entries = new Map<string, ScenarioEntry>();
  private workspaceFiles: readonly string[] = [];
  private library: ReadonlyMap<string, string> | undefined;

  /** @param unsaved the text of a file that is open in the editor */
  constructor(private readonly unsaved: (path: string) => string | undefined) {}

  /** @param paths scenario files of the workspace, absolute */
  setWorkspaceFiles(paths: readonly string[]): void {
    this.workspaceFiles = paths;
  }

  /** The library first, each in the order of names. */
  all(): ScenarioEntry[] {
    const bundled = [...this.libraryPaths()].map(([path, id]) => this.entryOf(path, id));
    const own = this.workspaceFiles
      .filter((path) => !this.libraryPaths().has(path))
      .map((path) => this.entryOf(path, path));
    return [...bundled, ...own];
  }

  byId(id: string): ScenarioEntry | undefined {
    return this.all().find((entry) => entry.id === id || entry.path === id);
  }

  /** A scenario file, whether or not it was named as one of the workspace. */
  at(path: string): ScenarioEntry {
    return this.entryOf(path, this.libraryPaths().get(path) ?? path);
  }

  /** A file's text changed: what was read of it is forgotten. */
  touch(path: string): void {
    for (const [key, entry] of this.entries) if (entry.files.includes(path)) this.entries.delete(key);
  }

  /** A file's text, unsaved changes first. */
  text(path: string): string | undefined {
    return this.unsaved(path) ?? textOf(path);
  }

  private libraryPaths(): ReadonlyMap<string, string> {
    this.library ??= new Map(
      libraryScenarios().flatMap((name) => {
        const path = scenarioPath(`${name}.yaml`);
        return path === undefined ? [] : [[path, name] as const];
      }),
    );
    return this.library;
  }

  private entryOf(path: string, id: string): ScenarioEntry {
    const known = this.entries.get(path);
    if (known) return known;
    const { scenario, problems, files } = loadScenario(path, (file) => this.text(file));
    const document = new ScenarioDocument(path, this.text(path) ?? '');
    const entry: ScenarioEntry = {
      id,
      name: basename(path).replace(/(\.gmem)?\.ya?ml$/, ''),
      path,
      bundled: id !== path,
      scenario,
      problems,
      files: files.includes(path) ? files : [path, ...files],
      range: document.keyAt([], 'scenario'),
      variants: (scenario?.variants ?? []).map(({ name }) => ({
        name,
        range: document.keyAt(['variants'], name),
      })),
      actions: scenario ? actionsOf(scenario) : new Set(),
    };
    this.entries.set(path, entry);
    return entry;
  }
}

function actionsOf({ actors, files, slots, initial }: Scenario): Set<string> {
  const kinds = new Set<string>(['create-vm', 'create-vcpu']);
  const collect = (actions: readonly Action[]): void => {
    for (const action of actions) {
      kinds.add(action.do);
      if (action.do === 'repeat') collect(action.actions);
    }
  };
  for (const { actions } of actors) collect(actions);
  if (files.length > 0) kinds.add('create-file');
  if (slots.length > 0) kinds.add('create-slot');
  if (initial.length > 0) kinds.add('set-attributes');
  return kinds;
}
