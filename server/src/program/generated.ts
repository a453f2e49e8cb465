/**
 * What macros put into a file when they are used outside of functions: `BUILD_ACCESSORS(rcx)` defines functions,
 * `DEFINE_SHOW_ATTRIBUTE(stat)` a table of them. The tree's own definitions say which; nothing is known by name here
 * but the headers that are included several times on purpose.
 */
import type { FunctionFacts, InvocationFacts, VariableFacts } from '../kernel-c/facts.js';
import type { Expression, Statement } from '../kernel-c/syntax.js';
import { macroBody, type Substitution, substitutionOf, unwrap } from './expansion.js';
import { STATIC_CALL_SETTERS } from './known-macros.js';
import type { MacroEntry } from './model.js';

export interface GeneratedItems {
  functions: FunctionFacts[];
  variables: VariableFacts[];
  /** `DEFINE_STATIC_CALL(key, function)`. */
  staticCalls: { key: string; functionName: string; line: number }[];
}

export const nothingGenerated = (): GeneratedItems => ({ functions: [], variables: [], staticCalls: [] });

/** Definitions of a macro that count at file level, as seen from one file. */
export type MacroDefinitions = (name: string) => readonly MacroEntry[];

/**
 * Tracepoints: include/trace/define_trace.h includes a trace header again and again, each time with other definitions
 * of these macros. All of them count.
 */
const STAGED_MACRO = /^(TRACE_EVENT|DEFINE_EVENT|DECLARE_EVENT_CLASS)(_[A-Z]+)*$/;
const STAGE_FILE = /^include\/(linux\/tracepoint\.h|trace\/)/;

export const isStaged = (name: string): boolean => STAGED_MACRO.test(name);
export const isStageFile = (path: string): boolean => STAGE_FILE.test(path);

const MAX_DEPTH = 12;
const MAX_FUNCTIONS = 2000;

const readBodies = new WeakMap<FunctionFacts, readonly Statement[]>();

/** The body of a function in a macro's replacement, which many uses of the macro share. */
function bodyInMacro(fn: FunctionFacts): readonly Statement[] {
  let body = readBodies.get(fn);
  if (!body) readBodies.set(fn, (body = JSON.parse(fn.body) as Statement[]));
  return body;
}

/** A function that a macro's use defines. Its body is put together when somebody asks: few of these are ever called. */
export class GeneratedFunction implements FunctionFacts {
  readonly line: number;
  readonly column = 1;
  readonly firstLine: number;
  readonly endLine: number;
  readonly static: boolean;
  readonly inline: boolean;
  readonly weak: boolean;
  readonly type: string;
  readonly parameters: FunctionFacts['parameters'];
  readonly generatedBy: string;
  readonly truth: FunctionFacts['truth'];
  readonly when: string;
  private text: string | undefined;

  constructor(
    readonly name: string,
    private readonly pattern: FunctionFacts,
    private readonly substitution: Substitution,
    invocation: InvocationFacts,
  ) {
    this.line = invocation.line;
    this.firstLine = invocation.line;
    this.endLine = invocation.line;
    this.static = pattern.static;
    this.inline = pattern.inline;
    this.weak = pattern.weak;
    this.type = substitution.type(pattern.type);
    this.parameters = pattern.parameters.map((parameter) => ({
      name: substitution.name(parameter.name),
      type: substitution.type(parameter.type),
    }));
    this.generatedBy = invocation.name;
    this.truth = invocation.truth;
    this.when = invocation.when;
  }

  statements(): Statement[] {
    return this.substitution.statements(bodyInMacro(this.pattern));
  }

  get body(): string {
    return (this.text ??= JSON.stringify(this.statements()));
  }
}

class Expansion {
  private readonly functions = new Map<string, FunctionFacts>();
  private readonly variables = new Map<string, VariableFacts>();
  private readonly staticCalls: GeneratedItems['staticCalls'] = [];

  constructor(
    private readonly definitions: MacroDefinitions,
    private readonly invocation: InvocationFacts,
  ) {}

  run(): GeneratedItems {
    const { name, arguments: texts, parsed } = this.invocation;
    const args = parsed === undefined ? texts.map(argumentOf) : (JSON.parse(parsed) as Expression[]);
    this.use(name, args, 0);
    return {
      functions: [...this.functions.values()],
      variables: [...this.variables.values()],
      staticCalls: this.staticCalls,
    };
  }

  private use(name: string, args: readonly Expression[], depth: number): void {
    if (depth > MAX_DEPTH || this.functions.size > MAX_FUNCTIONS) return;
    const setter = depth > 0 ? STATIC_CALL_SETTERS.get(name) : undefined;
    if (setter !== undefined) return this.addStaticCall(args, setter);
    for (const macro of this.definitions(name)) this.expand(macro, args, depth);
  }

  private addStaticCall(args: readonly Expression[], setter: number): void {
    const key = args[0] && unwrap(args[0]);
    const value = args[setter] && unwrap(args[setter]);
    if (key?.k === 'id' && value?.k === 'id')
      this.staticCalls.push({ key: key.n, functionName: value.n, line: this.invocation.line });
  }

  private expand(macro: MacroEntry, args: readonly Expression[], depth: number): void {
    if (macro.facts.parameters === null) {
      // `#define param_check_bint param_check_int`: another macro's other name.
      if (/^[A-Za-z_]\w*$/.test(macro.facts.text)) this.use(macro.facts.text, args, depth + 1);
      return;
    }
    const substitution = substitutionOf(macro, args, false);
    for (const fn of macro.content.items?.functions ?? []) this.addFunction(fn, substitution);
    for (const variable of macro.content.items?.variables ?? []) this.addVariable(variable, substitution);
    for (const inner of macro.content.items?.invocations ?? []) {
      const innerArgs = inner.arguments.flatMap((text) =>
        substitution.callArguments([argumentOf(text)]).map(unwrap),
      );
      this.use(substitution.name(inner.name), innerArgs, depth + 1);
    }
    for (const statement of macroBody(macro)) {
      // `check_type(name, x); register(name);`: more macros, one after the other.
      const call = statement.k === 'expr' && statement.x.k === 'call' ? statement.x : undefined;
      const callee = call && unwrap(call.f);
      if (!call || callee?.k !== 'id') continue;
      this.use(substitution.name(callee.n), substitution.callArguments(call.a).map(unwrap), depth + 1);
    }
  }

  private addFunction(fn: FunctionFacts, substitution: Substitution): void {
    const name = substitution.name(fn.name);
    if (!/^[A-Za-z_]\w*$/.test(name) || this.functions.has(name)) return;
    this.functions.set(name, new GeneratedFunction(name, fn, substitution, this.invocation));
  }

  private addVariable(variable: VariableFacts, substitution: Substitution): void {
    const { line, truth, when } = this.invocation;
    const name = substitution.name(variable.name);
    if (variable.extern || this.variables.has(name)) return;
    const added: VariableFacts = {
      ...variable,
      name,
      type: substitution.type(variable.type),
      line,
      truth,
      when,
    };
    if (variable.initialiser !== undefined) {
      const value = substitution.expression(JSON.parse(variable.initialiser) as Expression);
      added.initialiser = JSON.stringify(value);
    }
    this.variables.set(name, added);
  }
}

/** An argument's text as an expression, as far as names, numbers and calls go. */
function argumentOf(text: string): Expression {
  const trimmed = text.trim();
  if (/^[A-Za-z_$][\w$]*$/.test(trimmed)) return { k: 'id', n: trimmed };
  if (/^\d\w*$/.test(trimmed)) return { k: 'num', v: trimmed };
  if (/^&\s*[A-Za-z_$][\w$]*$/.test(trimmed)) return { k: 'unary', op: '&', x: argumentOf(trimmed.slice(1)) };
  if (/^[A-Za-z_][\w$ ]*[\w$*]$/.test(trimmed)) return { k: 'type', t: trimmed };
  const call = /^([A-Za-z_$][\w$]*)\(([\w$, ]*)\)$/.exec(trimmed);
  if (call) return { k: 'call', f: { k: 'id', n: call[1]! }, a: call[2]!.split(',').map(argumentOf), p: 0 };
  return { k: 'other' };
}

/** What a macro's use at file level defines. */
export function generatedItems(definitions: MacroDefinitions, invocation: InvocationFacts): GeneratedItems {
  return new Expansion(definitions, invocation).run();
}
