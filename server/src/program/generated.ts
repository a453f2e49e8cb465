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
    const substitution = substitutionOf(macro, args);
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
    const { line, truth, when } = this.invocation;
    const name = substitution.name(fn.name);
    if (!/^[A-Za-z_]\w*$/.test(name) || this.functions.has(name)) return;
    const body = substitution.statements(JSON.parse(fn.body) as Statement[]);
    this.functions.set(name, {
      ...fn,
      name,
      type: substitution.type(fn.type),
      parameters: fn.parameters.map((parameter) => ({
        name: substitution.name(parameter.name),
        type: substitution.type(parameter.type),
      })),
      body: JSON.stringify(body, withoutArguments),
      line,
      column: 1,
      firstLine: line,
      endLine: line,
      generatedBy: this.invocation.name,
      truth,
      when,
    });
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
      added.initialiser = JSON.stringify(value, withoutArguments);
    }
    this.variables.set(name, added);
  }
}

/** An argument belongs to the function that it was put into: it is part of no other text. */
function withoutArguments(_key: string, value: unknown): unknown {
  const node = value as Expression | null;
  return typeof node === 'object' && node?.k === 'arg' ? unwrap(node) : value;
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
