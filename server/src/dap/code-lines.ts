/** Lines of the executed C, and where a thread can be stopped on them. */
import type { CompiledFunction } from '../simulator/execution/compile-function.js';
import type { Machine } from '../simulator/execution/machine.js';
import type { FunctionLines } from '../simulator/execution/source.js';
import { CodeError } from '../simulator/execution/tokens.js';

/** A point of a compiled function that a breakpoint can be set on. */
export interface CodePoint {
  readonly compiled: CompiledFunction;
  readonly pc: number;
}

export type Bound =
  | { k: 'bound'; line: number; points: readonly CodePoint[]; function: string; moved?: string }
  | { k: 'refused'; why: string };

const compiledOf = (machine: Machine, name: string, file: string): CompiledFunction | undefined => {
  const symbol = machine.world.functionNamed(name, file);
  return symbol?.parse ? machine.code(machine.indexOf(symbol)).compiled : undefined;
};

/** Lines on which a statement of a function begins, each with the first point of it. */
function pointsByLine(compiled: CompiledFunction, file: string): Map<number, CodePoint> {
  const points = new Map<number, CodePoint>();
  const { places, position, boundaries } = compiled;
  for (const pc of boundaries) {
    const at = places[pc]!;
    if (at.file !== file) continue;
    const known = points.get(at.line);
    if (!known || position[pc]! < position[known.pc]!) points.set(at.line, { compiled, pc });
  }
  return points;
}

/** The function of a piece of a file, made ready; `undefined` where its names lead elsewhere. @throws CodeError */
function functionAt(machine: Machine, file: string, lines: FunctionLines): CompiledFunction | undefined {
  let error: CodeError | undefined;
  for (const name of lines.names) {
    try {
      const compiled = compiledOf(machine, name, file);
      const at = compiled?.symbol.item;
      if (compiled && at?.file === file && at.line === lines.line) return compiled;
    } catch (caught) {
      if (!(caught instanceof CodeError)) throw caught;
      error ??= caught;
    }
  }
  if (error) throw error;
  return undefined;
}

/** Where a breakpoint on a line goes: that line, one near it with the reason, or nowhere with the reason. */
export function bindLine(machine: Machine, file: string, line: number): Bound {
  const functions = machine.source.functionsIn(file);
  if (!functions) return { k: 'refused', why: `${file} is no file of the C that this scenario executes.` };
  const around = functions.find((one) => one.line <= line && line <= one.endLine);
  const chosen = around ?? functions.find((one) => one.line > line);
  if (!chosen) return { k: 'refused', why: `No function stands at line ${line} of ${file}, nor behind it.` };
  const [name = '?'] = chosen.names;
  try {
    const compiled = functionAt(machine, file, chosen);
    if (!compiled) return { k: 'refused', why: `${name} is defined by another file in this configuration.` };
    const { name: called } = compiled.symbol;
    if (machine.isModelled(called))
      return { k: 'refused', why: `${called} is modelled by the simulator: its C is not executed.` };
    return inFunction(compiled, file, line, around !== undefined);
  } catch (error) {
    if (!(error instanceof CodeError)) throw error;
    return { k: 'refused', why: `${name} can't be executed: ${error.message}` };
  }
}

function inFunction(compiled: CompiledFunction, file: string, line: number, inside: boolean): Bound {
  const points = pointsByLine(compiled, file);
  const lines = [...points.keys()].sort((a, b) => a - b);
  const { name } = compiled.symbol;
  const actual = lines.find((one) => one >= line) ?? lines.at(-1);
  if (actual === undefined) return { k: 'refused', why: `No statement of ${name} is executed in ${file}.` };
  const bound = { k: 'bound', line: actual, points: [points.get(actual)!], function: name } as const;
  if (actual === line) return bound;
  const moved = inside
    ? `No statement begins on line ${line} in this configuration; this is the ${actual > line ? 'next' : 'last'} one of ${name}.`
    : `Line ${line} is outside of any function; this is the first statement of ${name}, which follows.`;
  return { ...bound, moved };
}

/** Lines from one to another on which a breakpoint stays where it is put. */
export function breakableLines(machine: Machine, file: string, from: number, to: number): number[] {
  const found = new Set<number>();
  for (const lines of machine.source.functionsIn(file) ?? []) {
    if (lines.endLine < from || lines.line > to) continue;
    try {
      const compiled = functionAt(machine, file, lines);
      if (!compiled || machine.isModelled(compiled.symbol.name)) continue;
      for (const line of pointsByLine(compiled, file).keys()) if (line >= from && line <= to) found.add(line);
    } catch (error) {
      if (!(error instanceof CodeError)) throw error;
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** Where a breakpoint on a function goes: the first statement of each that has the name. */
export function bindFunction(machine: Machine, name: string): Bound & { file?: string } {
  if (machine.isModelled(name))
    return { k: 'refused', why: `${name} is modelled by the simulator: it has no lines to stop at.` };
  const files = machine.source.filesDefining(name);
  const points: CodePoint[] = [];
  let why = `The C that this scenario executes has no function ${name}.`;
  for (const file of files) {
    try {
      const compiled = compiledOf(machine, name, file);
      if (!compiled) continue;
      const { position, boundaries } = compiled;
      const first = [...boundaries].sort((a, b) => position[a]! - position[b]!)[0];
      if (first !== undefined && !points.some((point) => point.compiled === compiled))
        points.push({ compiled, pc: first });
    } catch (error) {
      if (!(error instanceof CodeError)) throw error;
      why = `${name} can't be executed: ${error.message}`;
    }
  }
  const [first] = points;
  if (!first) return { k: 'refused', why };
  const { file, line } = first.compiled.places[first.pc]!;
  return { k: 'bound', line, points, function: name, file };
}
