/**
 * Scenario files: YAML by grammars/scenario.schema.json, read, merged with what they include, checked. Nothing here runs a
 * scenario or touches a disk: the caller gives the texts.
 */
import { dirname, join } from 'node:path/posix';
import { fileOf, readActions, slotOf } from './actions.js';
import { checkScenario } from './check.js';
import { ScenarioDocument } from './document.js';
import { readExpectation } from './expectations.js';
import type { BackingKind, Design, Scenario, ScenarioOptions, ScenarioPlatform, Variant } from './model.js';
import { given, Part } from './part.js';
import { compareProblems, type ScenarioProblem } from './problem.js';
import { schemaProblems } from './validate.js';

export interface LoadedScenario {
  /** Only if there are no problems. */
  scenario: Scenario | undefined;
  /** By file and line. */
  problems: ScenarioProblem[];
  /** Every file that was read, the scenario's own first: when one changes, load again. */
  files: string[];
}

/** A file's top-level keys, each with the document that it comes from. */
type TopLevel = Map<string, ScenarioDocument>;

/**
 * Reads a scenario. `read` gives a file's text, `undefined` where there is none; paths are `file` and what its `include`s
 * are relative to it, with `/`. Never throws for what a file says: that becomes problems.
 */
export function loadScenario(file: string, read: (path: string) => string | undefined): LoadedScenario {
  const loader = new Loader(read);
  const top = loader.collect(file, []);
  const problems = loader.problems;
  const scenario = top && problems.length === 0 ? buildScenario(file, top, problems) : undefined;
  if (scenario && problems.length === 0) problems.push(...checkScenario(scenario, new Tops(top!)));
  problems.sort(compareProblems);
  return { scenario: problems.length === 0 ? scenario : undefined, problems, files: loader.files };
}

class Loader {
  readonly problems: ScenarioProblem[] = [];
  readonly files: string[] = [];

  constructor(private readonly read: (path: string) => string | undefined) {}

  /** `chain`: the files whose includes led here. */
  collect(file: string, chain: readonly string[]): TopLevel | undefined {
    const text = this.read(file);
    if (text === undefined) {
      const start = { file, line: 1, column: 1, endLine: 1, endColumn: 1 };
      this.problems.push({ ...start, message: `there is no file ${file}`, remedy: 'check the path' });
      return undefined;
    }
    if (!this.files.includes(file)) this.files.push(file);
    const document = new ScenarioDocument(file, text);
    if (!this.isSound(document)) return undefined;
    const own = new Part(document, [], document.values as Record<string, unknown>);
    const merged: TopLevel = new Map();
    for (const [index, name] of own.texts('include').entries()) {
      for (const [key, source] of this.include(document, own, { name, index }, [...chain, file]) ?? [])
        merged.set(key, source);
    }
    for (const key of own.keys()) if (key !== 'include') merged.set(key, document);
    return merged;
  }

  private isSound(document: ScenarioDocument): boolean {
    const found =
      document.syntaxProblems.length > 0
        ? document.syntaxProblems
        : isMapping(document.values)
          ? schemaProblems(document)
          : [
              {
                ...document.valueAt([]),
                message: 'this is no scenario',
                remedy: 'a scenario is a mapping: `scenario:`, `platform:`, `memory:`, `actors:` …',
              },
            ];
    this.problems.push(...found);
    return found.length === 0;
  }

  private include(
    document: ScenarioDocument,
    own: Part,
    { name, index }: { name: string; index: number },
    chain: readonly string[],
  ): TopLevel | undefined {
    const path = join(dirname(chain.at(-1) ?? ''), name);
    const listed = Array.isArray(own.get('include'));
    const at = document.valueAt(listed ? ['include', index] : ['include']);
    if (chain.includes(path)) {
      const circle = [...chain.slice(chain.indexOf(path)), path].join(' → ');
      this.problems.push({
        ...at,
        message: `files include each other in a circle: ${circle}`,
        remedy: 'remove one of these includes',
      });
      return undefined;
    }
    if (this.read(path) === undefined) {
      this.problems.push({
        ...at,
        message: `there is no file ${path} to include`,
        remedy: `paths are relative to ${chain.at(-1)}`,
      });
      return undefined;
    }
    return this.collect(path, chain);
  }
}

/** The top-level keys wherever they were written. */
export class Tops {
  constructor(private readonly top: TopLevel) {}

  part(key: string): Part | undefined {
    return this.around(key)?.part(key);
  }

  /** The mapping of the file that a key is written in. */
  around(key: string): Part | undefined {
    const document = this.top.get(key);
    return document && new Part(document, [], document.values as Record<string, unknown>);
  }

  get<T>(key: string): T | undefined {
    return this.around(key)?.get<T>(key);
  }

  parts(key: string): Part[] {
    return this.around(key)?.parts(key) ?? [];
  }
}

const REQUIRED = {
  scenario: 'add `scenario:` with a title',
  platform: 'add `platform: snp`, `tdx` or `sw-protected`',
  memory: 'add `memory: 1G`',
  actors: 'add `actors:` with what each of them does',
};

function buildScenario(file: string, top: TopLevel, problems: ScenarioProblem[]): Scenario {
  const tops = new Tops(top);
  for (const [key, remedy] of Object.entries(REQUIRED)) {
    const start = { file, line: 1, column: 1, endLine: 1, endColumn: 1 };
    if (!tops.around(key)?.has(key))
      problems.push({ ...start, message: `this scenario has no \`${key}\``, remedy });
  }
  const actors = tops.part('actors');
  return {
    file,
    title: tops.get<string>('scenario') ?? '',
    about: tops.get<string>('about')?.trim() ?? '',
    rows: tops.get<string[]>('rows') ?? [],
    platform: tops.get<ScenarioPlatform>('platform') ?? 'snp',
    memory: tops.around('memory')?.size('memory') ?? 0,
    vcpus: tops.get<number>('vcpus') ?? 1,
    backing: tops.get<BackingKind>('backing') ?? '4k',
    design: tops.get<Design>('design') ?? 'guest-memfd',
    designs: tops.get<Design[]>('designs') ?? ['guest-memfd', 'restrictedmem', 'memfile-notifier'],
    options: tops.get<ScenarioOptions>('options') ?? {},
    config: tops.get<Scenario['config']>('config') ?? {},
    seed: tops.get<number>('seed') ?? 0,
    files: tops.parts('files').map(fileOf),
    slots: tops.parts('slots').map(slotOf),
    initial: tops.parts('initial').map((part) => ({
      gpa: part.size('gpa') ?? 0,
      size: part.size('size') ?? 4096,
      attribute: part.get<'private' | 'shared'>('attribute') ?? 'shared',
    })),
    actors: (actors?.keys() ?? []).map((name) => ({
      name,
      actions: readActions(actors?.parts(name) ?? [], problems),
    })),
    schedule: tops.parts('schedule').map((part) => ({
      run: part.get<string>('run') ?? '',
      ...given('until', part.get<string>('until')),
      where: part.get<'enter' | 'return'>('at') ?? 'enter',
      nth: part.get<number>('nth') ?? 1,
      at: part.at,
    })),
    faults: tops.parts('faults').map((part) => ({
      in: part.get<string>('in') ?? '',
      fail: part.get<string>('fail') ?? '',
      nth: part.get<number>('nth') ?? 1,
      times: part.get<number>('times') ?? 1,
      ...given('actor', part.get<string>('actor')),
      at: part.at,
    })),
    expect: readExpectation(tops.part('expect'), problems),
    variants: variantsOf(tops.part('variants'), problems),
  };
}

function variantsOf(part: Part | undefined, problems: ScenarioProblem[]): Variant[] {
  return (part?.keys() ?? []).flatMap((name) => {
    const variant = part?.part(name);
    if (!variant) return [];
    return {
      name,
      about: variant.get<string>('about')?.trim() ?? '',
      ...given('design', variant.get<Design>('design')),
      ...given('platform', variant.get<ScenarioPlatform>('platform')),
      ...given('backing', variant.get<BackingKind>('backing')),
      options: variant.get<ScenarioOptions>('options') ?? {},
      config: variant.get<Scenario['config']>('config') ?? {},
      ...given(
        'expect',
        variant.has('expect') ? readExpectation(variant.part('expect'), problems) : undefined,
      ),
      at: variant.at,
    };
  });
}

const isMapping = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
