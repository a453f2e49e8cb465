/** What a file's initialisers and file-level macros put into function pointers. */
import type { FileFacts, VariableFacts } from '../kernel-c/facts.js';
import type { Expression } from '../kernel-c/syntax.js';
import { columnOf, lineOffsetOf } from '../kernel-c/syntax.js';
import { unwrap } from './expansion.js';
import { STATIC_CALL_SETTERS, WORK_DECLARATION } from './known-macros.js';
import type { Assignment, Place, Slot } from './model.js';
import { initialiserSlots, rowsOf, variableSlot } from './slot-names.js';
import type { Symbols } from './symbols.js';

/** Assignments in the order of the file's facts. */
export function* fileAssignments(symbols: Symbols, file: string, facts: FileFacts): Iterable<Assignment> {
  for (const variable of facts.variables) yield* variableAssignments(symbols, file, variable);
  for (const variable of symbols.generatedIn(file).variables)
    yield* variableAssignments(symbols, file, variable);
  for (const { name, arguments: args, line } of facts.invocations) {
    const setter = STATIC_CALL_SETTERS.get(name);
    const at = { file, line, column: 1 };
    if (setter !== undefined && args[0] !== undefined && args[setter] !== undefined)
      yield { slot: `K:${args[0]}`, source: { functionName: args[setter] }, at };
    else if (WORK_DECLARATION.test(name) && args[1] !== undefined)
      yield { slot: 'S:work_struct.func', source: { functionName: args[1] }, at };
  }
  for (const { key, functionName, line } of symbols.generatedIn(file).staticCalls)
    yield { slot: `K:${key}`, source: { functionName }, at: { file, line, column: 1 } };
}

function variableAssignments(symbols: Symbols, file: string, variable: VariableFacts): Assignment[] {
  if (variable.initialiser === undefined) return [];
  const found: Assignment[] = [];
  const add = (slot: Slot, node: Expression, p: number) => {
    const at: Place = { file, line: variable.line + lineOffsetOf(p), column: columnOf(p) + 1 };
    for (const name of functionNames(node)) {
      const source = sourceNamed(symbols, file, name);
      if (source) found.push({ slot, source, at });
    }
  };
  const slot = variableSlot({ file, facts: variable });
  const macroOf = (name: string) => symbols.macro(name, file);
  const [first] = rowsOf({ x: JSON.parse(variable.initialiser) as Expression, p: 0 }, macroOf);
  const value = first && unwrap(first.x);
  if (value?.k === 'init') initialiserSlots(symbols, macroOf, slot, variable.type, value.items, add);
  else if (value) add(slot, value, 0);
  return found;
}

const MAX_ALIASES = 4;

/** What a name in an initialiser stands for, if that can be called. */
function sourceNamed(symbols: Symbols, file: string, name: string): Assignment['source'] | undefined {
  let current = name;
  for (let step = 0; step < MAX_ALIASES; step++) {
    if (symbols.fn(current, file)) return { functionName: current };
    const variable = symbols.variable(current, file);
    if (variable)
      return symbols.resolveType(variable.facts.type).includes('()')
        ? { slot: variableSlot(variable) }
        : undefined;
    // A function whose body isn't in what was read can be called by its name alone.
    if (symbols.prototypes.has(current)) return { functionName: current };
    const macro = symbols.macro(current, file);
    if (macro?.facts.parameters !== null || !/^[A-Za-z_]\w*$/.test(macro.facts.text)) return undefined;
    current = macro.facts.text;
  }
  return undefined;
}

function functionNames(value: Expression): string[] {
  switch (value.k) {
    case 'id':
      return [value.n];
    case 'arg':
    case 'unary':
    case 'cast':
      return functionNames(value.x);
    case 'cond':
      return [...(value.t ? functionNames(value.t) : []), ...functionNames(value.e)];
    default:
      return [];
  }
}
