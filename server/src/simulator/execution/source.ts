/**
 * Where the C comes from. Lazy and by name: a run looks at nothing but what it touches, because a kernel tree isn't
 * built here, its headers include thousands of others, and some of those are generated and missing.
 */
import type { Configuration } from '../../kernel-c/conditions.js';
import type { Token } from './tokens.js';

/** Who asks for a name: a file, and of a template's function the inclusion that it belongs to. */
export interface Viewpoint {
  /** Relative to the tree, with `/`. */
  file: string;
  instance?: string;
}

/** A macro's definition. */
export interface Macro {
  name: string;
  /** `null`: object-like. A variadic macro's last parameter is `__VA_ARGS__` or the name before `...`. */
  parameters: readonly string[] | null;
  variadic: boolean;
  body: readonly Token[];
}

/**
 * One external declaration (a function with its body, a struct, a typedef, variables, or a macro's use that makes
 * some of these), its conditionals decided, its macros not yet expanded.
 */
export interface Item {
  file: string;
  /** Of its first and last word, from 1. */
  line: number;
  endLine: number;
  tokens: readonly Token[];
  /** Macros in force only here: those that stood before an `#include` of a list of macro uses. */
  macros?: ReadonlyMap<string, Macro>;
  instance?: string;
  /** The `#include` that brought it, of a list of macro uses. */
  via?: string;
}

/** A function's definition in a file: its lines, and the names that it may be meant by, the likeliest first. */
export interface FunctionLines {
  names: readonly string[];
  line: number;
  endLine: number;
}

/** Definitions by name, as a file sees them. What isn't there is `undefined`, never a guess. */
export interface CodeSource {
  readonly configuration: Configuration;
  macro(name: string, from: Viewpoint): Macro | undefined;
  /** The definition with the body. */
  functionNamed(name: string, from: Viewpoint): Item | undefined;
  /** A declaration that tells a function's type, where no body is to be had. */
  prototype(name: string, from: Viewpoint): Item | undefined;
  /** The item that defines `struct tag`, `union tag` or `enum tag`. */
  tagged(kind: 'struct' | 'union' | 'enum', tag: string, from: Viewpoint): Item | undefined;
  typedef(name: string, from: Viewpoint): Item | undefined;
  /** The item whose enum has this constant. */
  enumerator(name: string, from: Viewpoint): Item | undefined;
  /** Uses of macros at file level that may define a name which stands nowhere: asked last, tried one by one. */
  makers?(name: string, from: Viewpoint): Iterable<Item>;
  /** A global variable: its definition, else an `extern` declaration. */
  variable(name: string, from: Viewpoint): Item | undefined;
  /** Functions that a file defines, in its order; `undefined`: no such file. */
  functionsIn(file: string): readonly FunctionLines[] | undefined;
  /** Files that may define a function of this name, static or not. */
  filesDefining(name: string): readonly string[];
}

/** What an item is found by may be a word of its parameters: a function's name stands before a parenthesis. */
const declares = (item: Item | undefined, name: string): boolean =>
  item?.tokens.some(({ text }, at) => text === name && item.tokens[at + 1]?.text === '(') ?? false;

/**
 * Several sources as one; the first that knows a name answers. Put overriding definitions before the tree: a function
 * there also stands for the tree's macro of that name.
 */
export function layered(sources: readonly CodeSource[]): CodeSource {
  const first = <T>(ask: (source: CodeSource) => T | undefined): T | undefined => {
    for (const source of sources) {
      const found = ask(source);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    configuration: sources[sources.length - 1]!.configuration,
    macro(name, from) {
      for (const source of sources) {
        const macro = source.macro(name, from);
        if (macro) return macro;
        if (declares(source.functionNamed(name, from) ?? source.prototype(name, from), name))
          return undefined;
      }
      return undefined;
    },
    functionNamed: (name, from) => first((source) => source.functionNamed(name, from)),
    prototype: (name, from) => first((source) => source.prototype(name, from)),
    tagged: (kind, tag, from) => first((source) => source.tagged(kind, tag, from)),
    typedef: (name, from) => first((source) => source.typedef(name, from)),
    enumerator: (name, from) => first((source) => source.enumerator(name, from)),
    variable: (name, from) => first((source) => source.variable(name, from)),
    *makers(name, from) {
      for (const source of sources) yield* source.makers?.(name, from) ?? [];
    },
    functionsIn: (file) => first((source) => source.functionsIn(file)),
    filesDefining: (name) => [...new Set(sources.flatMap((source) => source.filesDefining(name)))],
  };
}

/** A source, and where it doesn't know a name another one. */
export const withFallback = (source: CodeSource, other: CodeSource): CodeSource => ({
  configuration: source.configuration,
  macro: (name, from) => source.macro(name, from) ?? other.macro(name, from),
  functionNamed: (name, from) => source.functionNamed(name, from) ?? other.functionNamed(name, from),
  prototype: (name, from) => source.prototype(name, from) ?? other.prototype(name, from),
  tagged: (kind, tag, from) => source.tagged(kind, tag, from) ?? other.tagged(kind, tag, from),
  typedef: (name, from) => source.typedef(name, from) ?? other.typedef(name, from),
  enumerator: (name, from) => source.enumerator(name, from) ?? other.enumerator(name, from),
  variable: (name, from) => source.variable(name, from) ?? other.variable(name, from),
  functionsIn: (file) => source.functionsIn(file) ?? other.functionsIn(file),
  filesDefining: (name) => [...new Set([...source.filesDefining(name), ...other.filesDefining(name)])],
  *makers(name, from) {
    for (const one of [source, other]) yield* one.makers?.(name, from) ?? [];
  },
});
