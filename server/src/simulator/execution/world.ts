/**
 * Names → typed symbols, read from the source when first asked for. One world is one kernel: a struct, variable or
 * function is the same one whichever file names it, because it is known by the place of its definition.
 */
import type { Initialiser } from './ast.js';
import { isLibraryFunction, LIBRARY } from './library.js';
import { type Declared, Parser } from './parse-statements.js';
import { Preprocessor } from './preprocessor.js';
import type { CodeSource, Item, Viewpoint } from './source.js';
import type { FunctionSymbol, GlobalVariable } from './symbols.js';
import type { FileNames } from './token-reader.js';
import { CodeError, type Loc, type Token } from './tokens.js';
import { Aggregate, type AggregateType, type CType, type EnumType, type FunctionType } from './types.js';

/** An item with its macros expanded and its declarations read. */
interface ParsedItem {
  tokens: Token[];
  unit: Unit;
  typedefs: Map<string, CType>;
  /** `struct kvm` → the type. */
  tags: Map<string, AggregateType | EnumType>;
  constants: Map<string, { v: bigint; t: CType }>;
  variables: Map<string, GlobalVariable>;
  functions: Map<string, FunctionSymbol>;
  /** Structs whose members may define more tags and constants. */
  aggregates: Aggregate[];
  /** Why reading stopped. */
  error?: CodeError;
}

const keyOf = (item: Item): string => {
  const { loc } = item.tokens[0]!;
  const { file, instance = '', via = '' } = item;
  return `${file}:${loc.file === file ? '' : loc.file}:${loc.line}:${loc.column}:${instance}:${via}`;
};

export class World {
  private readonly items = new Map<string, ParsedItem>();
  private readonly units = new Map<string, Unit>();
  private readonly opaque = new Map<string, AggregateType>();

  constructor(readonly source: CodeSource) {}

  unit(from: Viewpoint): Unit {
    const key = `${from.file}:${from.instance ?? ''}`;
    let unit = this.units.get(key);
    if (!unit) this.units.set(key, (unit = new Unit(this, from)));
    return unit;
  }

  /** The function of this name that a file sees. */
  functionNamed(name: string, file: string): FunctionSymbol | undefined {
    return this.unit({ file }).functionNamed(name);
  }

  preprocessor(unit: Unit, item: Pick<Item, 'macros'>): Preprocessor {
    const { macros } = item;
    const { from } = unit;
    return new Preprocessor(
      // What the machine has built in isn't replaced by checking variants of it.
      (name) => (isLibraryFunction(name) ? undefined : (macros?.get(name) ?? this.source.macro(name, from))),
      this.source.configuration,
    );
  }

  /** A struct that nothing defines: pointers to it are fine. */
  opaqueTag(kind: 'struct' | 'union', tag: string, loc: Loc): AggregateType {
    const key = `${kind} ${tag}`;
    let type = this.opaque.get(key);
    if (!type)
      this.opaque.set(key, (type = { k: 'agg', aggregate: new Aggregate(kind, tag, undefined, loc) }));
    return type;
  }

  parsed(item: Item): ParsedItem {
    const key = keyOf(item);
    const known = this.items.get(key);
    if (known) return known;
    const unit = this.unit({
      file: item.file,
      ...(item.instance !== undefined && { instance: item.instance }),
    });
    const found: ParsedItem = {
      tokens: [],
      unit,
      typedefs: new Map(),
      tags: new Map(),
      constants: new Map(),
      variables: new Map(),
      functions: new Map(),
      aggregates: [],
    };
    // Known before it is read: what it defines may be used inside of itself.
    this.items.set(key, found);
    try {
      found.tokens = this.preprocessor(unit, item).expand(item.tokens);
      const parser = this.parser(found, item.tokens[0]!.loc);
      for (const declared of parser.externalDeclarations()) this.note(found, item, key, declared);
    } catch (error) {
      if (!(error instanceof CodeError)) throw error;
      found.error = error;
    }
    return found;
  }

  private parser(found: ParsedItem, loc: Loc): Parser {
    const aggregate = (kind: 'struct' | 'union', tag: string, at: Loc): Aggregate => {
      const known = found.tags.get(`${kind} ${tag}`);
      if (tag !== '' && known?.k === 'agg') return known.aggregate;
      const made = new Aggregate(kind, tag, undefined, at);
      found.aggregates.push(made);
      if (tag !== '') found.tags.set(`${kind} ${tag}`, { k: 'agg', aggregate: made });
      return made;
    };
    return new Parser(found.tokens, loc, new ItemNames(found), {
      aggregate,
      enumeration: (tag, type) => found.tags.set(`enum ${tag}`, type),
      constant: (name, v, t) => found.constants.set(name, { v, t }),
    });
  }

  private note(found: ParsedItem, item: Item, key: string, declared: Declared): void {
    const { name } = declared;
    switch (declared.k) {
      case 'typedef':
        found.typedefs.set(name, declared.type);
        return;
      case 'prototype':
      case 'function': {
        const symbol: FunctionSymbol = {
          key: `${key}:${name}`,
          name,
          type: declared.type,
          loc: declared.loc,
          viewpoint: found.unit.from,
        };
        if (declared.k === 'function') {
          symbol.item = item;
          symbol.parse = () => {
            const parser = this.parser(found, declared.loc);
            parser.onStatic = (local, initialiser) => {
              const variable: GlobalVariable = {
                key: `${key}:${name}:${local.loc.line}:${local.loc.column}:${local.name}`,
                name: local.name,
                type: local.type,
                loc: local.loc,
                extern: false,
                initialiser,
                ...(local.attributes.align && { align: local.attributes.align }),
              };
              return variable;
            };
            return parser.bodyAt(declared.body, name, declared.type, declared.loc);
          };
        }
        if (declared.k === 'function' || !found.functions.has(name)) found.functions.set(name, symbol);
        return;
      }
      case 'variable': {
        let init: Initialiser | null | undefined = declared.init === undefined ? null : undefined;
        const variable: GlobalVariable = {
          key: `${key}:${name}`,
          name,
          type: declared.type,
          loc: declared.loc,
          extern: declared.extern,
          ...(declared.align && { align: declared.align }),
          initialiser: () => {
            if (init === undefined) {
              init = null;
              const read = this.parser(found, declared.loc).initialiserAt(declared.init!, declared.type);
              variable.type = read.type;
              init = read.init;
            }
            return init;
          },
        };
        // `x[] = …` has its length from what stands behind.
        found.variables.set(name, variable);
        if (declared.type.k === 'array' && declared.type.length === undefined) variable.initialiser();
      }
    }
  }
}

/** Names as they are seen inside of an item: its own first. */
class ItemNames implements FileNames {
  constructor(private readonly item: ParsedItem) {}

  typedefNamed(name: string): CType | undefined {
    return this.item.typedefs.get(name) ?? this.item.unit.typedefNamed(name);
  }

  tagged(kind: 'struct' | 'union' | 'enum', tag: string): AggregateType | EnumType | undefined {
    return this.item.tags.get(`${kind} ${tag}`) ?? this.item.unit.tagged(kind, tag);
  }

  constantNamed(name: string): { v: bigint; t: CType } | undefined {
    return this.item.constants.get(name) ?? this.item.unit.constantNamed(name);
  }

  globalNamed(name: string): GlobalVariable | undefined {
    const own = this.item.variables.get(name);
    return own && !own.extern ? own : this.item.unit.globalNamed(name);
  }

  functionNamed(name: string): FunctionSymbol | undefined {
    const own = this.item.functions.get(name);
    return own?.parse ? own : this.item.unit.functionNamed(name);
  }

  declaredFunction(name: string, type: FunctionType, loc: Loc): FunctionSymbol {
    return this.item.unit.declaredFunction(name, type, loc);
  }
}

/** Names as a file sees them. */
export class Unit implements FileNames {
  private readonly typedefs = new Map<string, CType | undefined>();
  private readonly tags = new Map<string, AggregateType | EnumType | undefined>();
  private readonly constants = new Map<string, { v: bigint; t: CType } | undefined>();
  private readonly globals = new Map<string, GlobalVariable | undefined>();
  private readonly functions = new Map<string, FunctionSymbol | undefined>();

  constructor(
    private readonly world: World,
    readonly from: Viewpoint,
  ) {}

  private memoised<T>(
    memo: Map<string, T | undefined>,
    key: string,
    make: () => T | undefined,
  ): T | undefined {
    if (memo.has(key)) return memo.get(key);
    const found = make();
    memo.set(key, found);
    return found;
  }

  /** What `take` finds in an item, the members of its structs read if need be. @throws CodeError where reading failed */
  private inItem<T>(item: Item | undefined, take: (parsed: ParsedItem) => T | undefined): T | undefined {
    if (!item) return undefined;
    const parsed = this.world.parsed(item);
    let found = take(parsed);
    for (let i = 0; found === undefined && i < parsed.aggregates.length; i++) {
      parsed.aggregates[i]!.complete(item.tokens[0]!.loc);
      found = take(parsed);
    }
    if (found === undefined && parsed.error) throw parsed.error;
    return found;
  }

  /** What the use of a macro at file level makes of a name: `DEFINE_GUARD(mutex, …)` gives `class_mutex_t`. */
  private made<T>(name: string, take: (parsed: ParsedItem) => T | undefined): T | undefined {
    for (const item of this.world.source.makers?.(name, this.from) ?? []) {
      const found = take(this.world.parsed(item));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** A variable that a macro's use defines, rather than one that it declares. */
  private madeGlobal(name: string): GlobalVariable | undefined {
    if (!name.includes('_')) return undefined;
    let declared: GlobalVariable | undefined;
    const defined = this.made(name, ({ variables }) => {
      const found = variables.get(name);
      if (found?.extern) declared ??= found;
      return found && !found.extern ? found : undefined;
    });
    return defined ?? declared;
  }

  typedefNamed(name: string): CType | undefined {
    return this.memoised(this.typedefs, name, () => {
      const item = this.world.source.typedef(name, this.from) ?? LIBRARY.typedef(name, this.from);
      const take = ({ typedefs }: ParsedItem) => typedefs.get(name);
      if (item) return this.inItem(item, take);
      return name.includes('_') ? this.made(name, take) : undefined;
    });
  }

  tagged(kind: 'struct' | 'union' | 'enum', tag: string): AggregateType | EnumType | undefined {
    return this.memoised(this.tags, `${kind} ${tag}`, () => {
      const item = this.world.source.tagged(kind, tag, this.from);
      const key = `${kind} ${tag}`;
      const take = ({ tags }: ParsedItem) => tags.get(key);
      const found = item ? this.inItem(item, take) : this.made(tag, take);
      if (found || kind === 'enum') return found ?? { k: 'enum', tag, underlying: undefined };
      return this.world.opaqueTag(kind, tag, { file: this.from.file, line: 1, column: 1 });
    });
  }

  constantNamed(name: string): { v: bigint; t: CType } | undefined {
    return this.memoised(this.constants, name, () =>
      this.inItem(this.world.source.enumerator(name, this.from), ({ constants }) => constants.get(name)),
    );
  }

  globalNamed(name: string): GlobalVariable | undefined {
    return this.memoised(this.globals, name, () => {
      const take = ({ variables }: ParsedItem) => variables.get(name);
      const item = this.world.source.variable(name, this.from);
      const found = item && this.inItem(item, take);
      if (found && !found.extern) return found;
      return this.madeGlobal(name) ?? found;
    });
  }

  functionNamed(name: string): FunctionSymbol | undefined {
    return this.memoised(this.functions, name, () => {
      const { source } = this.world;
      const functions = ({ functions }: ParsedItem) => functions.get(name);
      return (
        this.inItem(source.functionNamed(name, this.from), functions) ??
        this.inItem(source.prototype(name, this.from), functions) ??
        this.inItem(LIBRARY.prototype(name, this.from), functions) ??
        this.made(name, functions)
      );
    });
  }

  declaredFunction(name: string, type: FunctionType, loc: Loc): FunctionSymbol {
    return { key: name, name, type, loc, viewpoint: this.from };
  }

  /** A parser for an expression that somebody types, as in a function of this file. */
  expressionParser(text: Token[], loc: Loc): Parser {
    const tokens = this.world.preprocessor(this, {}).expand(text);
    return new Parser(tokens, loc, this, {
      aggregate: (kind, tag, at) => new Aggregate(kind, tag, undefined, at),
      enumeration: () => {},
      constant: () => {},
    });
  }
}
