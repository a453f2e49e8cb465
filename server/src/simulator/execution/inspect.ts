/** What a person sees of a stopped thread: frames, variables, and expressions evaluated in a frame. */
import type { Local } from './ast.js';
import { FunctionCompiler } from './compile-function.js';
import { Hazard } from './hazard.js';
import type { Machine } from './machine.js';
import { addressOf, SPACE_BASE } from './memory.js';
import type { Frame, Thread } from './thread.js';
import { CodeError, type Loc, lex } from './tokens.js';
import { asInt, type CType, type Field, isScalar, sizeOf, typeName } from './types.js';

export interface Variable {
  name: string;
  /** As C writes it. */
  type: string;
  /** Of the object; undefined for a value that is none. */
  address?: bigint;
  /** For a person: `5`, `0xffffc90000400010`, `{start = 0, end = 16}`. */
  value: string;
  /** A scalar's value where it is known. */
  number?: bigint;
  ctype: CType;
}

export interface StackFrame {
  function: string;
  loc: Loc;
  /** Index in the thread's frames, for `variables` and `evaluate`. */
  index: number;
  /** A modelled function has no variables. */
  modelled: boolean;
}

/** Members shown of a struct, elements of an array, and how deep. */
const LIMITS = { members: 12, elements: 8, depth: 2 };

/** Frames of a thread, innermost first. */
export function callStack(thread: Thread): StackFrame[] {
  const frames = thread.frames.map((frame, index): StackFrame => {
    if (frame.k === 'modelled') return { function: frame.name, loc: frame.loc, index, modelled: true };
    const { compiled } = frame.code;
    return { function: compiled.symbol.name, loc: compiled.places[frame.pc]!, index, modelled: false };
  });
  return frames.reverse();
}

function frameAt(thread: Thread, index: number): Frame {
  const frame = thread.frames[index];
  if (frame?.k !== 'c') throw new RangeError(`frame ${index} has no C code`);
  return frame;
}

/** Variables in scope; of several of one name the innermost. */
function visible(frame: Frame): Local[] {
  const { locals, position } = frame.code.compiled;
  const at = position[frame.pc]!;
  const byName = new Map<string, Local>();
  // At the first case of a function its parameters are there already.
  for (const { local, from, to } of locals)
    if (local.name !== '' && from <= Math.max(at, 0) && at < to) byName.set(local.name, local);
  return [...byName.values()];
}

export function variables(machine: Machine, thread: Thread, index: number): Variable[] {
  const frame = frameAt(thread, index);
  return visible(frame).map((local) => {
    const address = SPACE_BASE + BigInt(frame.fp + local.offset);
    return variableAt(machine, local.name, local.type, address);
  });
}

/** The object of a type at an address. */
export function variableAt(machine: Machine, name: string, ctype: CType, address: bigint): Variable {
  const { text, number } = read(machine, ctype, address, 0);
  return {
    name,
    type: typeName(ctype),
    address,
    value: text,
    ctype,
    ...(number !== undefined && { number }),
  };
}

/** Members of a struct, elements of an array, or what a pointer points to. */
export function children(machine: Machine, { ctype, address, number }: Variable): Variable[] {
  const nowhere: Loc = { file: '', line: 0, column: 0 };
  if (ctype.k === 'ptr' && number) {
    if (ctype.to.k === 'void' || ctype.to.k === 'fn') return [];
    if (ctype.to.k === 'agg') return children(machine, variableAt(machine, '', ctype.to, number));
    return [variableAt(machine, '*', ctype.to, number)];
  }
  if (address === undefined) return [];
  if (ctype.k === 'agg')
    return ctype.aggregate.complete(nowhere).fields.map((field) => memberAt(machine, field, address));
  if (ctype.k !== 'array') return [];
  const size = BigInt(sizeOf(ctype.of, nowhere));
  const count = Math.min(ctype.length ?? 0, 256);
  return Array.from({ length: count }, (_, i) =>
    variableAt(machine, `[${i}]`, ctype.of, address + BigInt(i) * size),
  );
}

function memberAt(machine: Machine, field: Field, base: bigint): Variable {
  const address = base + BigInt(field.offset);
  const { text, number } = read(machine, field.type, address, 0, field.bit);
  return {
    name: field.name,
    type: typeName(field.type),
    address,
    value: text,
    ctype: field.type,
    ...(number !== undefined && { number }),
  };
}

function halves(address: bigint): [number, number] {
  return [Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n))];
}

/** Reading for a person never stops a run: what can't be read says why. */
function read(
  machine: Machine,
  type: CType,
  address: bigint,
  depth: number,
  bit?: { at: number; width: number },
): { text: string; number?: bigint } {
  try {
    if (type.k === 'agg' || type.k === 'array') return { text: composite(machine, type, address, depth) };
    const int = asInt(type, { file: '', line: 0, column: 0 });
    const [lo, hi] = halves(address);
    const signed = int?.signed ?? false;
    const { memory } = machine;
    if (bit) memory.loadBits(lo, hi, 0, bit.at, bit.width, signed);
    else memory.load(lo, hi, int?.size ?? 8, signed, 0);
    const [l, h, unknown] = memory.result as unknown as [number, number, number];
    if (unknown) return { text: `<unknown: ${memory.unknownName(unknown)}>` };
    const value = addressOf(l, (int?.size ?? 8) === 8 ? h : signed ? l >> 31 : 0);
    return scalar(machine, type, value);
  } catch (error) {
    if (error instanceof Hazard) return { text: `<${error.kind}>` };
    if (error instanceof CodeError) return { text: `<${error.reason}>` };
    throw error;
  }
}

function scalar(machine: Machine, type: CType, raw: bigint): { text: string; number: bigint } {
  if (type.k === 'ptr') {
    const number = BigInt.asUintN(64, raw);
    const name = machine.functionAt(number)?.name;
    return {
      text: number === 0n ? 'NULL' : `0x${number.toString(16)}${name === undefined ? '' : ` <${name}>`}`,
      number,
    };
  }
  const int = asInt(type, { file: '', line: 0, column: 0 })!;
  const number = int.signed ? BigInt.asIntN(int.size * 8, raw) : BigInt.asUintN(int.size * 8, raw);
  if (int.bool) return { text: number === 0n ? 'false' : 'true', number };
  const isLarge = number > 0xffffn || number < -0xffffn;
  return {
    text: isLarge ? `${number} (0x${BigInt.asUintN(int.size * 8, number).toString(16)})` : String(number),
    number,
  };
}

function composite(machine: Machine, type: CType, address: bigint, depth: number): string {
  const nowhere: Loc = { file: '', line: 0, column: 0 };
  if (depth >= LIMITS.depth) return '{…}';
  if (type.k === 'array') {
    const length = type.length ?? 0;
    const size = sizeOf(type.of, nowhere);
    const shown = Array.from(
      { length: Math.min(length, LIMITS.elements) },
      (_, i) => read(machine, type.of, address + BigInt(i * size), depth + 1).text,
    );
    return `{${shown.join(', ')}${length > shown.length ? ', …' : ''}}`;
  }
  if (type.k !== 'agg') return '';
  const { fields } = type.aggregate.complete(nowhere);
  const shown = fields.slice(0, LIMITS.members).map((field) => {
    const { text } = read(machine, field.type, address + BigInt(field.offset), depth + 1, field.bit);
    return field.name === '' ? text : `${field.name} = ${text}`;
  });
  return `{${shown.join(', ')}${fields.length > shown.length ? ', …' : ''}}`;
}

/**
 * The value of a C expression in a frame: `slot->base_gfn + 1`. It calls no functions; an assignment takes effect.
 * @throws CodeError for what is no expression there; Hazard for what can't be read
 */
export function evaluate(machine: Machine, thread: Thread, index: number, text: string): Variable {
  const frame = frameAt(thread, index);
  const { symbol } = frame.code.compiled;
  const loc: Loc = { file: '<expression>', line: 1, column: 1 };
  const parser = machine.world.unit(symbol.viewpoint).expressionParser(lex(text, loc.file), loc);
  const e = parser.watched(visible(frame));
  if (e.k === 'error') throw e.error;
  const compiled = new FunctionCompiler(machine, symbol).compileWatch(e);
  const make = new Function('V', 'E', compiled.code) as (
    machine: Machine,
    constants: unknown[],
  ) => (frame: Frame) => void;
  // An assignment to a variable is to be part of what is saved next.
  machine.memory.touch(frame.fp, frame.size);
  make(machine, compiled.constants)(frame);
  const [l, h, unknown] = machine.returned as unknown as [number, number, number];
  const raw = addressOf(l, h);
  if (!isScalar(e.t))
    return e.t.k === 'void'
      ? { name: text, type: 'void', value: '', ctype: e.t }
      : variableAt(machine, text, e.t, raw);
  const type = typeName(e.t);
  if (unknown)
    return { name: text, type, value: `<unknown: ${machine.memory.unknownName(unknown)}>`, ctype: e.t };
  const { text: value, number } = scalar(machine, e.t, raw);
  return { name: text, type, value, number, ctype: e.t };
}
