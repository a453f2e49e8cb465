/**
 * What is kept of one file once its syntax tree is freed. Plain JSON: facts travel between workers and are cached
 * by content. Lines count from 1, columns from 1. Bodies stay JSON text until someone asks for them.
 */
import type { Truth } from './conditions.js';
import type { SuppressionFacts } from './suppressions.js';
import type { TypeText } from './syntax.js';
import type { AggregateFacts, Parameter } from './syntax-reader.js';

/** Raise it when facts of the same text would come out otherwise: older cached facts are then not used. */
export const FACTS_VERSION = 4;

export interface FunctionFacts {
  name: string;
  /** Line and column of the name. */
  line: number;
  column: number;
  /** Line of the first word of the definition: positions in the body count from it. */
  firstLine: number;
  endLine: number;
  static: boolean;
  inline: boolean;
  weak: boolean;
  type: TypeText;
  parameters: Parameter[];
  /** `Statement[]` as JSON. */
  body: string;
  /** Macro that made the function, e.g. `SYSCALL_DEFINE3`. */
  generatedBy?: string;
  /** Of a template's function: the inclusion it belongs to, and whose macros it sees. */
  instance?: string;
  truth: Truth;
  when: string;
}

export interface MacroFacts {
  name: string;
  parameters: string[] | null;
  variadic: boolean;
  line: number;
  endLine: number;
  /** Replacement text, comments and line continuations taken out. */
  text: string;
  /** Of a template's macro: the only inclusion in which it holds. */
  instance?: string;
  truth: Truth;
  when: string;
}

/** Functions, variables and other macros' uses that a macro's replacement consists of. */
export interface MacroItems {
  functions: FunctionFacts[];
  variables: VariableFacts[];
  invocations: { name: string; arguments: string[] }[];
}

export interface VariableFacts {
  name: string;
  type: TypeText;
  line: number;
  static: boolean;
  extern: boolean;
  /** `Expression` as JSON. */
  initialiser?: string;
  truth: Truth;
  when: string;
}

export interface DeclarationFacts {
  name: string;
  line: number;
}

export interface InvocationFacts {
  name: string;
  arguments: string[];
  /** The arguments as `Expression[]` in JSON, where they hold more than names; places count from `line`. */
  parsed?: string;
  line: number;
  truth: Truth;
  when: string;
}

export interface IncludeFacts {
  path: string;
  angled: boolean;
  line: number;
  truth: Truth;
  /** Of a file that is included several times: object-like macros in force there, `PTTYPE` → `64`. */
  defined?: Record<string, string>;
}

/** Something that could not be read, said once for a place. */
export interface Note {
  line: number;
  message: string;
}

export interface FileFacts {
  version: number;
  lineCount: number;
  functions: FunctionFacts[];
  prototypes: DeclarationFacts[];
  macros: MacroFacts[];
  variables: VariableFacts[];
  aggregates: AggregateFacts[];
  typedefs: { name: string; type: TypeText }[];
  enumerators: { name: string; value?: string }[];
  invocations: InvocationFacts[];
  includes: IncludeFacts[];
  suppressions: SuppressionFacts[];
  notes: Note[];
}

export function emptyFacts(notes: Note[]): FileFacts {
  return {
    version: FACTS_VERSION,
    lineCount: 0,
    functions: [],
    prototypes: [],
    macros: [],
    variables: [],
    aggregates: [],
    typedefs: [],
    enumerators: [],
    invocations: [],
    includes: [],
    suppressions: [],
    notes,
  };
}
