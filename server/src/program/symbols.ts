/** Names of the tree → what they mean, seen from one file. */
import { both, type Configuration, evaluateCondition, type Truth } from '../kernel-c/conditions.js';
import type { FileFacts, FunctionFacts, MacroFacts, VariableFacts } from '../kernel-c/facts.js';
import type { MacroContent, MacroReader } from '../kernel-c/macro-facts.js';
import type { TypeText } from '../kernel-c/syntax.js';
import type { AggregateFacts } from '../kernel-c/syntax-reader.js';
import { evaluatedParameters } from './argument-use.js';
import { sameObjects } from './face.js';
import { type GeneratedItems, generatedItems, isStaged, isStageFile, nothingGenerated } from './generated.js';
import type { FunctionNode, MacroEntry, VariableEntry } from './model.js';

interface Dated {
  file: string;
  facts: { truth: Truth; when: string };
}

const isHeader = (file: string) => !file.endsWith('.c');

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** Do two readings of a file define functions of the same names? A macro's use doesn't define them once more. */
const hasSameNames = (a: FileFacts, b: FileFacts): boolean =>
  a.functions.length === b.functions.length &&
  a.functions.every(({ name }, index) => name === b.functions[index]!.name);

/** Function ids stay the same when lines move: the second function of a name in a file gets `#2`. */
function functionNodes(file: string, functions: readonly FunctionFacts[]): FunctionNode[] {
  const seen = new Map<string, number>();
  return functions.map((fn) => {
    const count = (seen.get(fn.name) ?? 0) + 1;
    seen.set(fn.name, count);
    return { id: `${file}:${fn.name}${count > 1 ? `#${count}` : ''}`, name: fn.name, file, facts: fn };
  });
}

const inOrder = (functions: FunctionFacts[]): FunctionFacts[] => functions.sort((a, b) => a.line - b.line);

class Macro implements MacroEntry {
  constructor(
    readonly file: string,
    public facts: MacroFacts,
    private readonly reader: MacroReader,
  ) {}

  get content(): MacroContent {
    return this.reader.contentOf(this.facts);
  }
}

export class Symbols {
  readonly functionsByFile = new Map<string, FunctionNode[]>();
  readonly functionsByName = new Map<string, FunctionNode[]>();
  readonly macros = new Map<string, MacroEntry[]>();
  readonly variables = new Map<string, VariableEntry[]>();
  readonly typedefs = new Map<string, TypeText>();
  readonly prototypes = new Map<string, { file: string; line: number }[]>();
  /** What macros define outside of functions, by the file that uses them. */
  private readonly generated = new Map<string, GeneratedItems>();
  private readonly enumerators = new Set<string>();
  private readonly aggregates = new Map<
    string,
    { file: string; facts: AggregateFacts; fields: Map<string, TypeText> }
  >();
  /** Order in which the files were given. */
  private readonly fileOrder = new Map<string, number>();
  private readonly entriesByFile = new Map<string, { macros: MacroEntry[]; variables: VariableEntry[] }>();
  private readonly includes = new Map<string, ReadonlySet<string>>();
  private readonly directlyIncluded = new Map<string, readonly string[]>();
  /** Macros by the file that asks and by name: the same few are asked for again and again. */
  private readonly macrosSeen = new Map<string, Map<string, MacroEntry | undefined>>();
  /** Who asked last, and what has been seen from there. */
  private lastSeen = { from: '', instance: '', seen: new Map<string, MacroEntry | undefined>() };
  private readonly evaluated = new Map<MacroEntry, ReadonlySet<number>>();
  private readonly includeTargets = new Map<string, string>();
  private owners: Map<string, TypeText | null> | undefined;
  private functionMembers: Set<string> | undefined;
  private readonly truths = new Map<string, Truth>();
  private readonly configuration: Configuration;

  constructor(
    private readonly files: ReadonlyMap<string, FileFacts>,
    configuration: Configuration,
    readonly architecture: string,
    private readonly macroReader: MacroReader,
  ) {
    for (const [file, facts] of files) this.add(file, facts);
    // A symbol that some header defines is defined: `KVM_HAVE_MMU_RWLOCK` comes from the architecture's headers.
    this.configuration = {
      key: configuration.key,
      valueOf: (symbol) => {
        const value = configuration.valueOf(symbol);
        if (value !== null) return value;
        const entries = this.macros.get(symbol);
        return entries?.some((entry) => isHeader(entry.file) && entry.facts.truth === 'true') ? 1 : null;
      },
      isSaid: (symbol) => configuration.isSaid?.(symbol) === true,
    };
    for (const [file, facts] of files) this.addFunctions(file, facts);
  }

  /** Is a preprocessor symbol known not to be defined, as an option that is off isn't? */
  isOff(symbol: string): boolean {
    return this.configuration.valueOf(symbol) === undefined;
  }

  /** Is an option known to be on, not only taken to be? */
  isOn(symbol: string): boolean {
    return this.configuration.isSaid?.(symbol) === true && this.configuration.valueOf(symbol) === 1;
  }

  private add(file: string, facts: FileFacts): void {
    const macros = facts.macros.map((macro) => new Macro(file, macro, this.macroReader));
    for (const macro of macros) push(this.macros, macro.facts.name, macro);
    this.entriesByFile.set(file, { macros, variables: this.addVariables(file, facts.variables) });
    this.fileOrder.set(file, this.fileOrder.size);
    for (const { name } of facts.enumerators) this.enumerators.add(name);
    for (const { name, type } of facts.typedefs) if (!this.typedefs.has(name)) this.typedefs.set(name, type);
    this.addPrototypes(file, facts);
    for (const aggregate of facts.aggregates) {
      const known = this.aggregates.get(aggregate.tag);
      if (known && known.fields.size >= aggregate.fields.length) continue;
      this.aggregates.set(aggregate.tag, {
        file,
        facts: aggregate,
        fields: new Map(aggregate.fields.map((field) => [field.name, field.type])),
      });
    }
  }

  /** To be called when all macros are known: some of them define functions. */
  private addFunctions(file: string, facts: FileFacts): void {
    const generated = this.generatedBy(file, facts);
    const nodes = functionNodes(file, inOrder([...facts.functions, ...generated.functions]));
    this.functionsByFile.set(file, nodes);
    for (const node of nodes) push(this.functionsByName, node.name, node);
    this.generated.set(file, generated);
    this.addVariables(file, generated.variables);
  }

  private addVariables(file: string, variables: readonly VariableFacts[]): VariableEntry[] {
    const entries = variables.map((facts): VariableEntry => ({ file, facts }));
    for (const entry of entries) this.insert(this.variables, entry.facts.name, entry);
    return entries;
  }

  private addPrototypes(file: string, { prototypes }: FileFacts): void {
    for (const { name, line } of prototypes) this.insert(this.prototypes, name, { file, line });
  }

  /** Among entries of a name, files keep their order: which one is meant must not depend on the order of edits. */
  private insert<T extends { file: string }>(map: Map<string, T[]>, name: string, entry: T): void {
    const list = map.get(name);
    if (!list) {
      map.set(name, [entry]);
      return;
    }
    const orderOf = ({ file }: T) => this.fileOrder.get(file) ?? this.fileOrder.size;
    let at = list.length;
    while (at > 0 && orderOf(list[at - 1]!) > orderOf(entry)) at--;
    list.splice(at, 0, entry);
  }

  /** What the macros that a file uses outside of functions define there. */
  private generatedBy(file: string, facts: FileFacts): GeneratedItems {
    const definitions = (name: string) => this.fileLevelMacros(name, file);
    const written = new Set(facts.functions.map((fn) => fn.name));
    const all = nothingGenerated();
    for (const invocation of facts.invocations) {
      if (!this.macros.has(invocation.name)) continue;
      const { functions, variables, staticCalls } = generatedItems(definitions, invocation);
      all.variables.push(...variables);
      all.staticCalls.push(...staticCalls);
      for (const fn of functions) {
        if (written.has(fn.name)) continue;
        written.add(fn.name);
        all.functions.push(fn);
      }
    }
    return all;
  }

  generatedIn(file: string): GeneratedItems {
    return this.generated.get(file) ?? nothingGenerated();
  }

  private fileLevelMacros(name: string, from: string): readonly MacroEntry[] {
    if (isStaged(name)) {
      const stages = (this.macros.get(name) ?? []).filter(({ file }) => isStageFile(file));
      // Whoever defines CREATE_TRACE_POINTS does so for one file.
      const isRead = (entry: MacroEntry) =>
        this.truthOf(entry) !== 'false' || entry.facts.when.includes('CREATE_TRACE_POINTS');
      if (stages.length > 0) return stages.filter(isRead);
    }
    const macro = this.macro(name, from);
    return macro ? [macro] : [];
  }

  /**
   * Takes in new facts of a file of which only functions, variables and prototypes changed: definitions that stay keep their identity.
   * @returns functions that stay, each with the facts it had before, and those that came or went
   */
  replaceFacts(
    file: string,
    factsBefore: FileFacts,
    facts: FileFacts,
  ): {
    kept: { node: FunctionNode; before: FunctionNode['facts'] }[];
    added: FunctionNode[];
    removed: FunctionNode[];
  } {
    const entries = this.entriesByFile.get(file);
    entries?.macros.forEach((entry, index) => {
      entry.facts = facts.macros[index]!;
    });
    const before = new Map((this.functionsByFile.get(file) ?? []).map((node) => [node.id, node]));
    const kept: { node: FunctionNode; before: FunctionNode['facts'] }[] = [];
    const added: FunctionNode[] = [];
    // Most edits are in one function's body: all else is then the very same.
    const areGeneratedSame =
      sameObjects(factsBefore.invocations, facts.invocations) && hasSameNames(factsBefore, facts);
    const generated = areGeneratedSame ? this.generatedIn(file) : this.generatedBy(file, facts);
    if (
      !areGeneratedSame ||
      !sameObjects(factsBefore.variables, facts.variables) ||
      !sameObjects(factsBefore.prototypes, facts.prototypes)
    ) {
      this.replaceDeclarations(file, factsBefore, facts);
      this.generated.set(file, generated);
      this.addVariables(file, generated.variables);
    }
    const nodes = functionNodes(file, inOrder([...facts.functions, ...generated.functions])).map((fresh) => {
      const node = before.get(fresh.id);
      if (!node) {
        added.push(fresh);
        this.insert(this.functionsByName, fresh.name, fresh);
        return fresh;
      }
      before.delete(fresh.id);
      kept.push({ node, before: node.facts });
      node.facts = fresh.facts;
      return node;
    });
    this.functionsByFile.set(file, nodes);
    const removed = [...before.values()];
    for (const node of removed) {
      const others = this.functionsByName.get(node.name)!.filter((other) => other !== node);
      if (others.length > 0) this.functionsByName.set(node.name, others);
      else this.functionsByName.delete(node.name);
    }
    return { kept, added, removed };
  }

  /** Variables, those of macros not yet among them, and prototypes of a file take the place of those before. */
  private replaceDeclarations(file: string, before: FileFacts, facts: FileFacts): void {
    const without = <T extends { file: string }>(map: Map<string, T[]>, name: string) => {
      const others = map.get(name)?.filter((entry) => entry.file !== file) ?? [];
      if (others.length > 0) map.set(name, others);
      else map.delete(name);
    };
    const entries = this.entriesByFile.get(file);
    for (const { facts: variable } of entries?.variables ?? []) without(this.variables, variable.name);
    for (const { name } of this.generatedIn(file).variables) without(this.variables, name);
    for (const { name } of before.prototypes) without(this.prototypes, name);
    this.addPrototypes(file, facts);
    if (entries) entries.variables = this.addVariables(file, facts.variables);
  }

  isEnumerator(name: string): boolean {
    return this.enumerators.has(name);
  }

  /** Type of a member; `aggregate` is a tag such as `struct kvm` or a typedef's name. */
  fieldType(aggregate: TypeText, field: string): TypeText | undefined {
    return this.aggregate(aggregate)?.fields.get(field);
  }

  aggregate(
    type: TypeText,
  ): { file: string; facts: AggregateFacts; fields: ReadonlyMap<string, TypeText> } | undefined {
    return this.aggregates.get(this.resolveType(type));
  }

  /** The only aggregate that has a member of this name, where there is just one. */
  onlyOwnerOf(field: string): TypeText | undefined {
    if (!this.owners) {
      this.owners = new Map();
      for (const [tag, { facts }] of this.aggregates)
        for (const { name } of facts.fields) this.owners.set(name, this.owners.has(name) ? null : tag);
    }
    return this.owners.get(field) ?? undefined;
  }

  /** Is there a struct whose member of this name holds a function? */
  isFunctionMember(field: string): boolean {
    if (!this.functionMembers) {
      this.functionMembers = new Set();
      for (const { facts } of this.aggregates.values())
        for (const { name, type } of facts.fields)
          if (this.resolveType(type).includes('()')) this.functionMembers.add(name);
    }
    return this.functionMembers.has(field);
  }

  /** Follows typedefs: `kvm_pfn_t` → `u64`. Pointers and `()` behind the name are kept. */
  resolveType(type: TypeText): TypeText {
    let current = type;
    for (let i = 0; i < 8; i++) {
      const base = /^[\w ]+/.exec(current)?.[0];
      const target = base === undefined ? undefined : this.typedefs.get(base);
      if (target === undefined || target === base) return current;
      current = target + current.slice(base!.length);
    }
    return current;
  }

  /** Truth of a definition's condition, with what the tree's headers define. */
  truthOf(entry: Dated): Truth {
    const { truth, when } = entry.facts;
    if (truth !== 'unknown' || when === '') return truth;
    let known = this.truths.get(when);
    if (known === undefined) {
      known = evaluateCondition(when, this.configuration);
      this.truths.set(when, known);
    }
    return both('true', known);
  }

  /** Files of the tree that a file includes, directly or through others. */
  includedBy(file: string): ReadonlySet<string> {
    const known = this.includes.get(file);
    if (known) return known;
    const reached = new Set<string>();
    this.includes.set(file, reached);
    const pending = [file];
    while (pending.length > 0) {
      const current = pending.pop()!;
      for (const target of this.directIncludes(current)) {
        if (reached.has(target)) continue;
        reached.add(target);
        pending.push(target);
      }
    }
    return reached;
  }

  private directIncludes(file: string): readonly string[] {
    let targets = this.directlyIncluded.get(file);
    if (!targets) {
      targets = (this.files.get(file)?.includes ?? [])
        .map((include) => this.resolveInclude(file, include.path))
        .filter((target) => target !== undefined);
      this.directlyIncluded.set(file, targets);
    }
    return targets;
  }

  /** Path of an included file in the tree, or undefined where it isn't among the files read. */
  resolveInclude(from: string, path: string): string | undefined {
    const folder = from.slice(0, from.lastIndexOf('/') + 1);
    const key = `${folder}\n${path}`;
    let target = this.includeTargets.get(key);
    if (target === undefined) {
      target = this.findInclude(folder, path) ?? '';
      this.includeTargets.set(key, target);
    }
    return target || undefined;
  }

  private findInclude(folder: string, path: string): string | undefined {
    const candidates = [
      `${folder}${path}`,
      `arch/${this.architecture}/include/${path}`,
      `include/${path}`,
      `arch/${this.architecture}/include/uapi/${path}`,
      `include/uapi/${path}`,
      `arch/${this.architecture}/kvm/${path}`,
      `virt/kvm/${path}`,
    ];
    for (const candidate of candidates) {
      const normal = normalisePath(candidate);
      if (this.files.has(normal)) return normal;
    }
    return undefined;
  }

  /**
   * The macro of this name that a file sees, or undefined.
   * @param instance of a template's function: the inclusion it belongs to
   */
  macro(name: string, from: string, instance = ''): MacroEntry | undefined {
    const entries = this.macros.get(name);
    if (!entries) return undefined;
    const seen = this.seenFrom(from, instance);
    let macro = seen.get(name);
    if (macro === undefined && !seen.has(name)) {
      macro = this.best(
        entries,
        from,
        ({ file, facts }) =>
          this.isInReach(file, from) &&
          (facts.instance === undefined || (facts.instance === instance && file === from)),
      );
      // The stub of a feature that is on: `#define init_it() (0)`.
      if (macro && this.truthOf(macro) === 'false' && this.isFunctionName(name)) macro = undefined;
      seen.set(name, macro);
    }
    return macro;
  }

  private seenFrom(from: string, instance: string): Map<string, MacroEntry | undefined> {
    const { lastSeen } = this;
    if (lastSeen.from !== from || lastSeen.instance !== instance) {
      const place = `${from} ${instance}`;
      let seen = this.macrosSeen.get(place);
      if (!seen) this.macrosSeen.set(place, (seen = new Map()));
      this.lastSeen = { from, instance, seen };
    }
    return this.lastSeen.seen;
  }

  /** Parameters of a macro, by index, that its use in a file evaluates. */
  evaluatedParameters(macro: MacroEntry, from: string): ReadonlySet<number> {
    let used = this.evaluated.get(macro);
    if (!used) {
      used = evaluatedParameters(macro, (name) => this.macro(name, from));
      this.evaluated.set(macro, used);
    }
    return used;
  }

  /** Is a function of this name defined or declared anywhere? */
  isFunctionName(name: string): boolean {
    return this.functionsByName.has(name) || this.prototypes.has(name);
  }

  /** Can a file use what another one defines for itself? A header sees what its includer has put before it. */
  private isInReach(file: string, from: string): boolean {
    return file === from || isHeader(file) || (isHeader(from) && this.includesItself(file, from));
  }

  private includesItself(file: string, header: string): boolean {
    const name = header.slice(header.lastIndexOf('/') + 1);
    const includes = this.files.get(file)?.includes ?? [];
    return includes.some(({ path }) => path.endsWith(name) && this.resolveInclude(file, path) === header);
  }

  variable(name: string, from: string): VariableEntry | undefined {
    const entries = this.variables.get(name);
    if (!entries) return undefined;
    const seen = entries.filter((entry) => !entry.facts.static || this.isInReach(entry.file, from));
    return (
      this.best(
        seen.filter((entry) => !entry.facts.extern),
        from,
        () => true,
      ) ?? this.best(seen, from, () => true)
    );
  }

  /** The variable of a file whose definition a line is in: the last one that begins before it. */
  variableAt(file: string, line: number): VariableEntry | undefined {
    let found: VariableEntry | undefined;
    for (const entry of this.entriesByFile.get(file)?.variables ?? [])
      if (entry.facts.line <= line && (!found || entry.facts.line > found.facts.line)) found = entry;
    return found;
  }

  /** The definition that a call of `name` in a file reaches, or undefined where its body isn't in the tree read. */
  fn(name: string, from: string): FunctionNode | undefined {
    return this.best(
      this.functionsByName.get(name),
      from,
      (node) => !node.facts.static || this.isInReach(node.file, from),
    );
  }

  /**
   * Of several definitions: the file's own, then what isn't `#if`ed out, then a strong one over a weak one, then what
   * the file includes, then the architecture's over the generic one.
   */
  private best<T extends Dated & { facts: { static?: boolean; weak?: boolean } }>(
    entries: readonly T[] | undefined,
    from: string,
    isVisible: (entry: T) => boolean,
  ): T | undefined {
    if (!entries) return undefined;
    let best: T | undefined;
    let bestScore = -1;
    for (const entry of entries) {
      if (!isVisible(entry)) continue;
      const truth = entries.length === 1 ? 'true' : this.truthOf(entry);
      let score = truth === 'true' ? 200 : truth === 'unknown' ? 100 : 0;
      // A weak definition gives way to a strong one wherever that stands.
      if (entry.file === from && !entry.facts.weak) score += 50;
      if (!entry.facts.weak) score += 20;
      if (
        entries.length > 1 &&
        isHeader(entry.file) &&
        entry.file !== from &&
        this.includedBy(from).has(entry.file)
      )
        score += 10;
      if (entry.file.startsWith(`arch/${this.architecture}/`)) score += 5;
      else if (entry.file.startsWith('include/asm-generic/')) score -= 2;
      if (score > bestScore) {
        best = entry;
        bestScore = score;
      }
    }
    return best;
  }
}

export function normalisePath(path: string): string {
  if (!path.includes('./') && !path.includes('//')) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0) parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}
