/**
 * Files that one file includes several times, each time with other macros in force: arch/x86/kvm/mmu/paging_tmpl.h is
 * read by mmu.c with PTTYPE 64, 32 and PTTYPE_EPT. Every inclusion makes functions of its own.
 */
import { type Configuration, withSymbols } from './conditions.js';
import type { FileFacts, FunctionFacts, IncludeFacts, MacroFacts } from './facts.js';
import { readFacts } from './file-facts.js';
import type { CParser } from './parser.js';

/** One inclusion: the values of the preprocessor's symbols, and those that tell it from the others as its name. */
export interface TemplateInstance {
  /** `PTTYPE=64`. */
  name: string;
  symbols: Readonly<Record<string, number>>;
}

/** Path of a template as its includer writes it → its instances. */
export function templateInstances(includer: FileFacts): Map<string, TemplateInstance[]> {
  const inclusions = new Map<string, IncludeFacts[]>();
  for (const include of includer.includes) {
    if (include.defined === undefined || include.truth === 'false') continue;
    const known = inclusions.get(include.path);
    if (known) known.push(include);
    else inclusions.set(include.path, [include]);
  }
  const found = new Map<string, TemplateInstance[]>();
  for (const [path, several] of inclusions) {
    const instances = instancesOf(several.map(({ defined }) => defined!));
    if (instances.length > 1) found.set(path, instances);
  }
  return found;
}

function instancesOf(inclusions: readonly Readonly<Record<string, string>>[]): TemplateInstance[] {
  const names = new Set(inclusions.flatMap((defined) => Object.keys(defined)));
  const distinguishing = [...names].filter(
    (name) => new Set(inclusions.map((defined) => defined[name])).size > 1,
  );
  const instances = new Map<string, TemplateInstance>();
  for (const defined of inclusions) {
    const name = distinguishing.map((symbol) => `${symbol}=${defined[symbol] ?? ''}`).join(' ');
    if (name !== '') instances.set(name, { name, symbols: numbersIn(defined) });
  }
  return [...instances.values()];
}

/** What a symbol is worth, followed through other symbols; those that are no numbers are left out. */
function numbersIn(defined: Readonly<Record<string, string>>): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const symbol of Object.keys(defined)) {
    let text: string | undefined = symbol;
    for (let step = 0; step < 8 && text !== undefined && /^[A-Za-z_]\w*$/.test(text); step++)
      text = defined[text];
    const number =
      text === undefined || text === ''
        ? Number.NaN
        : Number(text.replace(/^\((.*)\)$/, '$1').replace(/[uUlL]+$/, ''));
    if (Number.isInteger(number)) numbers[symbol] = number;
  }
  return numbers;
}

/** Facts of any file; `instances` are those of a template. */
export function readFileFacts(
  parser: CParser,
  text: string,
  configuration: Configuration,
  instances: readonly TemplateInstance[] | undefined,
): FileFacts {
  return instances
    ? readTemplate(parser, text, configuration, instances)
    : readFacts(parser, text, configuration);
}

/** Facts of a template: the functions of all its instances, each under the name that it gets there. */
export function readTemplate(
  parser: CParser,
  text: string,
  configuration: Configuration,
  instances: readonly TemplateInstance[],
): FileFacts {
  const readings = instances.map(({ name, symbols }) =>
    readFacts(parser, text, withSymbols(configuration, new Map(Object.entries(symbols)), name)),
  );
  const [first] = readings;
  if (!first) return readFacts(parser, text, configuration);
  return {
    ...first,
    functions: readings
      .flatMap((facts, index) => namedFunctions(facts, instances[index]!.name))
      .sort((a, b) => a.line - b.line),
    macros: macrosOf(readings, instances),
    aggregates: unique(
      readings.flatMap((facts) => facts.aggregates),
      ({ tag, line }) => `${tag} ${line}`,
    ),
    typedefs: unique(
      readings.flatMap((facts) => facts.typedefs),
      ({ name, type }) => `${name} ${type}`,
    ),
    variables: unique(
      readings.flatMap((facts) => facts.variables),
      ({ name, line }) => `${name} ${line}`,
    ),
    prototypes: unique(
      readings.flatMap((facts) => facts.prototypes),
      ({ name, line }) => `${name} ${line}`,
    ),
    notes: unique(
      readings.flatMap((facts) => facts.notes),
      ({ line, message }) => `${line} ${message}`,
    ),
  };
}

function unique<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

function namedFunctions(facts: FileFacts, instance: string): FunctionFacts[] {
  const names = new InstanceNames(facts.macros);
  return facts.functions
    .filter(({ truth }) => truth !== 'false')
    .map((fn) => ({ ...fn, name: names.expand(fn.name), instance }));
}

/** Macros that mean the same in every instance once; of the others, one for each instance in which they hold. */
function macrosOf(readings: readonly FileFacts[], instances: readonly TemplateInstance[]): MacroFacts[] {
  const [first] = readings;
  return first!.macros.flatMap((macro, index) => {
    const truths = readings.map((facts) => facts.macros[index]!.truth);
    if (truths.every((truth) => truth === macro.truth)) return [macro];
    return readings.flatMap((facts, n) =>
      truths[n] === 'false' ? [] : [{ ...facts.macros[index]!, instance: instances[n]!.name }],
    );
  });
}

const MAX_STEPS = 8;

/** Names as an instance's macros make them: `FNAME(walk)` → `paging64_walk`. */
class InstanceNames {
  private readonly macros = new Map<string, MacroFacts>();

  constructor(macros: readonly MacroFacts[]) {
    for (const macro of macros) if (macro.truth === 'true') this.macros.set(macro.name, macro);
  }

  expand(name: string): string {
    let current = name;
    for (let step = 0; step < MAX_STEPS; step++) {
      const [, word, argument] = /^(\w+)(?:\((.*)\))?$/.exec(current) ?? [];
      const macro = word === undefined ? undefined : this.macros.get(word);
      if (!macro || (macro.parameters === null) !== (argument === undefined)) return current;
      const next = macro.parameters === null ? macro.text : paste(macro, argument!);
      if (!/^\w+(\(\w*\))?$/.test(next)) return current;
      current = next;
    }
    return current;
  }
}

/** A macro's replacement with its one argument in place, if it is a name. */
function paste({ text, parameters }: MacroFacts, argument: string): string {
  if (parameters?.length !== 1) return text;
  return text
    .split('##')
    .map((part) => (part.trim() === parameters[0] ? argument : part.trim()))
    .join('');
}
