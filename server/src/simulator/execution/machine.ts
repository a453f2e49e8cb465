/**
 * Runs C: threads over one memory, a step at a time. Everything that a run changes is data (memory, threads), so a state
 * can be saved, restored, compared and hashed between any two steps.
 */
import * as arithmetic from './arithmetic64.js';
import type { CallSite } from './compile-calls.js';
import { FunctionCompiler } from './compile-function.js';
import { CODE_SPACE, CODE_START, CODE_STEP } from './compile-host.js';
import { ExecutedPlaces } from './executed-places.js';
import { Globals } from './globals.js';
import { Hazard, type StackEntry } from './hazard.js';
import { INTRINSICS } from './intrinsics.js';
import { MachineMemory } from './machine-memory.js';
import { addressOf, LAYOUT, Memory, type MemoryImage, SPACE, SPACE_BASE } from './memory.js';
import {
  type Modelled,
  ModelledCall,
  type ModelledFrame,
  type ModelledFunction,
  type Outcome,
} from './modelled.js';
import { CObject, typeNamed } from './objects.js';
import type { CodeSource } from './source.js';
import type { FunctionSymbol, GlobalVariable } from './symbols.js';
import { type Code, type Frame, restoreThread, type SavedThread, saveThread, type Thread } from './thread.js';
import { CodeError, type Loc } from './tokens.js';
import { asInt, type CType, type FunctionType, sizeOf, UINT, wrap } from './types.js';
import { World } from './world.js';

export interface MachineOptions {
  /** Functions by name; they come before those of the source. */
  modelled?: Readonly<Record<string, ModelledFunction | Modelled>>;
  /** Models of functions that no table can list, such as tracepoints; asked once for each name. */
  modelledBy?: (name: string) => Modelled | undefined;
  /** Bytes of a thread's stack. */
  stackSize?: number;
  /** Bytes for heap objects. */
  heapSize?: number;
  /** Tell `memory.watch` of accesses; code is a little slower. */
  watched?: boolean;
}

export type Stop =
  /** As many steps as were asked for were made; the thread is before the next one. */
  | { k: 'steps' }
  /** Before a call of a modelled function at which others may go first. */
  | { k: 'preemption'; name: string }
  | { k: 'blocked'; why: string }
  | { k: 'ended' }
  | { k: 'hazard'; hazard: Hazard };

export interface RunOptions {
  /** Default: no limit. */
  maxSteps?: number;
  /** Stop before modelled functions that are preemption points; default true. */
  preemption?: boolean;
}

/** A state to come back to. */
export interface Saved {
  memory: MemoryImage;
  threads: readonly SavedThread[];
  steps: number;
  globals: number;
  executed: readonly Uint8Array[];
  unmodelled: ReadonlyMap<string, UnmodelledCall>;
}

/** A call of a function that is neither in the source nor modelled. */
export interface UnmodelledCall {
  name: string;
  loc: Loc;
  count: number;
}

const MAX_ARGUMENTS = 64;

export class Machine extends MachineMemory {
  readonly world: World;
  readonly globals: Globals;
  threads: Thread[] = [];
  /** Steps made so far, of all threads. */
  steps = 0;
  unmodelled = new Map<string, UnmodelledCall>();

  // Compiled code uses these.
  budget = 0;
  readonly returned = new Int32Array(3);
  readonly passed = new Int32Array(MAX_ARGUMENTS * 3);
  readonly arithmetic = arithmetic;

  private readonly modelled = new Map<string, Modelled>();
  private readonly unknownNames = new Set<string>();
  private readonly functions: FunctionSymbol[] = [];
  private readonly indices = new Map<string, number>();
  private readonly codes: (Code | undefined)[] = [];
  readonly watched: boolean;
  private readonly executed = new ExecutedPlaces();
  private readonly stackSize: number;

  constructor(
    readonly source: CodeSource,
    private readonly options: MachineOptions = {},
  ) {
    super(new Memory(options.heapSize));
    this.world = new World(source);
    this.watched = options.watched ?? false;
    this.stackSize = options.stackSize ?? 1 << 16;
    for (const [name, one] of Object.entries(options.modelled ?? {}))
      this.modelled.set(name, typeof one === 'function' ? { run: one } : one);
    this.globals = new Globals(this.memory, (fn) => this.functionAddress(fn));
  }

  // ---- functions

  indexOf(fn: FunctionSymbol): number {
    // What is only declared is the same function wherever it is declared.
    const key = fn.parse ? fn.key : fn.name;
    let index = this.indices.get(key);
    if (index === undefined) {
      index = this.functions.push(fn) - 1;
      this.indices.set(key, index);
    }
    return index;
  }

  /** A model stands for the function, whatever C there is of it. */
  isModelled(name: string): boolean {
    return this.modelOf(name) !== undefined;
  }

  isIntrinsic(fn: FunctionSymbol): boolean {
    return INTRINSICS[fn.name] !== undefined && this.modelOf(fn.name) === undefined;
  }

  private modelOf(name: string): Modelled | undefined {
    let model = this.modelled.get(name);
    if (!model && this.options.modelledBy && !this.unknownNames.has(name)) {
      model = this.options.modelledBy(name);
      if (model) this.modelled.set(name, model);
      else this.unknownNames.add(name);
    }
    return model;
  }

  functionAddress(fn: FunctionSymbol): bigint {
    return addressOf((CODE_START + this.indexOf(fn) * CODE_STEP) | 0, CODE_SPACE);
  }

  /** Address of a function by name, as a file sees it. */
  addressOfFunction(name: string, file: string): bigint {
    return this.functionAddress(this.functionNamed(name, file));
  }

  /** The function at an address. */
  functionAt(address: bigint): FunctionSymbol | undefined {
    const index = this.indexAt(Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)));
    return index === undefined ? undefined : this.functions[index];
  }

  private indexAt(l: number, h: number): number | undefined {
    const index = ((l - CODE_START) | 0) / CODE_STEP;
    return h === CODE_SPACE && Number.isInteger(index) && this.functions[index] ? index : undefined;
  }

  private functionNamed(name: string, file: string): FunctionSymbol {
    const fn = this.world.functionNamed(name, file);
    if (!fn) throw new CodeError({ file, line: 1, column: 1 }, `there is no function ${name}`);
    return fn;
  }

  placeOf(global: GlobalVariable): number {
    return this.globals.placeOf(global);
  }

  placeOfString(bytes: Uint8Array): number {
    return this.globals.placeOfString(bytes);
  }

  /** Address of a global variable by name, as a file sees it. */
  addressOfGlobal(name: string, file: string): { address: bigint; type: CType } {
    const global = this.world.unit({ file }).globalNamed(name);
    if (!global) throw new CodeError({ file, line: 1, column: 1 }, `there is no variable ${name}`);
    const address = SPACE_BASE + BigInt(this.placeOf(global));
    return { address, type: global.type };
  }

  /** Code of a function; made when it is first called. @throws CodeError */
  code(index: number): Code {
    const known = this.codes[index];
    if (known) return known;
    const symbol = this.functions[index]!;
    const compiled = new FunctionCompiler(this, symbol).compile(symbol.parse!());
    const executed = this.executed.add(compiled.places.length);
    const make = new Function('V', 'E', 'C', compiled.code) as (
      machine: Machine,
      constants: unknown[],
      executed: Uint8Array,
    ) => Code['run'];
    const code: Code = { compiled, executed, run: make(this, compiled.constants, executed) };
    this.codes[index] = code;
    return code;
  }

  /** What in a function can't be executed: constructs and names, each at its place. They are errors when reached. */
  problemsOf(name: string, file: string): CodeError[] {
    try {
      const { constants } = this.code(this.indexOf(this.functionNamed(name, file))).compiled;
      return constants.filter((constant) => constant instanceof CodeError);
    } catch (error) {
      if (error instanceof CodeError) return [error];
      throw error;
    }
  }

  /** Lines of a function at which a thread can stop, in order. @throws CodeError where it can't be compiled */
  linesOf(name: string, file: string): number[] {
    const { places, boundaries } = this.code(this.indexOf(this.functionNamed(name, file))).compiled;
    return [...new Set([...boundaries].map((pc) => places[pc]!.line))].sort((a, b) => a - b);
  }

  /** Functions in which a step has begun. */
  enteredFunctions(): Code[] {
    return this.codes.filter((code) => code !== undefined).filter(({ executed }) => executed.includes(1));
  }

  /** Lines of each file on which a step has begun. */
  executedLines(): Map<string, Set<number>> {
    const lines = new Map<string, Set<number>>();
    for (const code of this.codes) {
      code?.compiled.places.forEach(({ file, line }, pc) => {
        if (!code.executed[pc]) return;
        const known = lines.get(file);
        if (known) known.add(line);
        else lines.set(file, new Set([line]));
      });
    }
    return lines;
  }

  // ---- threads

  /**
   * A thread that will run a function.
   * @param args as the parameters' types take them
   * @throws CodeError where there is no such function
   */
  createThread(name: string, fn: string | bigint, file: string, args: readonly bigint[] = []): Thread {
    const id = this.threads.length;
    const stack = LAYOUT.stacks + id * this.stackSize;
    if (stack + this.stackSize > LAYOUT.heap) throw new Hazard('out-of-memory', 'too many threads');
    const thread: Thread = { id, name, state: 'ready', frames: [], why: '', stack, top: stack };
    this.threads.push(thread);
    const address = typeof fn === 'bigint' ? fn : this.addressOfFunction(fn, file);
    try {
      this.enterWith(thread, address, args, { file, line: 1, column: 1 });
    } catch (error) {
      this.failed(thread, error);
    }
    return thread;
  }

  /** Calls a function at an address with plain values. */
  private enterWith(thread: Thread, address: bigint, args: readonly bigint[], loc: Loc): void {
    args.forEach((value, index) => {
      this.passed[index * 3] = Number(BigInt.asIntN(32, value));
      this.passed[index * 3 + 1] = Number(BigInt.asIntN(32, value >> 32n));
      this.passed[index * 3 + 2] = 0;
    });
    const fn = this.functionAt(address);
    if (!fn) throw new Hazard('bad-call', `a call of 0x${address.toString(16)}, where no function is`);
    const types = args.map((_, index) => fn.type.parameters[index]?.type ?? UINT);
    const site: CallSite = { loc, type: fn.type, args: types.map((type) => ({ size: 0, type })) };
    this.call(thread, undefined, site, this.indexOf(fn), 0);
  }

  /** Compiled code calls a function; the arguments are in `passed`. */
  call(thread: Thread, _frame: Frame | undefined, site: CallSite, index: number, into: number): void {
    let code = this.codes[index];
    if (!code) {
      const fn = this.functions[index]!;
      if (!fn.parse || this.modelOf(fn.name)) {
        this.enterModelled(thread, fn, site, into);
        return;
      }
      code = this.code(index);
    }
    const { symbol: fn } = code.compiled;
    const { parameters, frameSize, states, variadic } = code.compiled;
    const count = site.args.length;
    if (count < parameters.length || (count > parameters.length && !variadic && !fn.type.unknown))
      throw new Hazard(
        'bad-call',
        `${fn.name} takes ${parameters.length} arguments and is called with ${count}`,
      );
    const extra = variadic ? count - parameters.length : 0;
    const size = frameSize + Math.ceil((extra * 8) / 16) * 16;
    const fp = thread.top;
    if (fp + size > thread.stack + this.stackSize)
      throw new Hazard('stack-overflow', `no room on the stack of ${thread.name} for ${fn.name}`);
    thread.top = fp + size;
    const { memory, passed } = this;
    memory.setStates(fp, states);
    memory.touch(fp, size);
    for (let i = 0; i < parameters.length; i++) {
      const { offset, size: bytes, isAggregate } = parameters[i]!;
      const at = i * 3;
      if (isAggregate) memory.copy(fp + offset, SPACE, passed[at]!, passed[at + 1]!, bytes);
      else memory.storeOwn(fp + offset, bytes, passed[at]!, passed[at + 1]!, passed[at + 2]!);
    }
    if (extra > 0) memory.s8.fill(1, fp + frameSize, fp + size);
    for (let i = 0; i < extra; i++) {
      const at = (parameters.length + i) * 3;
      memory.storeOwn(fp + frameSize + i * 8, 8, passed[at]!, passed[at + 1]!, passed[at + 2]!);
    }
    thread.frames.push({ k: 'c', code, fp, pc: 0, into, variadic: fp + frameSize, size });
  }

  callPointer(
    thread: Thread,
    frame: Frame,
    site: CallSite,
    l: number,
    h: number,
    p: number,
    into: number,
  ): void {
    if (p) this.memory.unknownUsed(p, 'the function that is called');
    const index = this.indexAt(l, h);
    if (index === undefined) {
      const address = addressOf(l, h);
      const what = address < 0x10000n ? 'a null pointer' : `0x${address.toString(16)}, where no function is`;
      throw new Hazard(address < 0x10000n ? 'null-dereference' : 'bad-call', `a call of ${what}`);
    }
    this.call(thread, frame, site, index, into);
  }

  private enterModelled(thread: Thread, fn: FunctionSymbol, site: CallSite, into: number): void {
    const { passed } = this;
    const args = site.args.map(({ size, type }, index) => {
      const at = index * 3;
      const wanted = fn.type.parameters[index]?.type ?? type;
      return { l: passed[at]!, h: passed[at + 1]!, p: passed[at + 2]!, type: wanted, size };
    });
    thread.frames.push({
      k: 'modelled',
      name: fn.name,
      loc: site.loc,
      args,
      type: fn.type,
      into,
      state: undefined,
      stage: 0,
      announced: false,
    });
  }

  /** Compiled code returns; the value is in `returned`. */
  leave(thread: Thread, frame: Frame): void {
    thread.frames.pop();
    this.memory.clearStates(frame.fp, frame.size);
    thread.top = frame.fp;
    this.deliver(thread);
  }

  /** What was returned goes to the modelled function that called, or is the thread's result. */
  private deliver(thread: Thread): void {
    const caller = thread.frames[thread.frames.length - 1];
    if (caller?.k === 'c') return;
    const [l, h, p] = this.returned as unknown as [number, number, number];
    if (caller) caller.returned = { l, h, p };
    else {
      thread.returned = { l, h, p };
      thread.state = 'ended';
    }
  }

  // ---- running

  step(thread: Thread): Stop {
    return this.run(thread, { maxSteps: 1 });
  }

  /** Runs a thread until something stops it. */
  run(thread: Thread, { maxSteps = 0x3fffffff, preemption = true }: RunOptions = {}): Stop {
    if (thread.state === 'failed') return { k: 'hazard', hazard: thread.hazard! };
    this.budget = maxSteps;
    thread.state = thread.frames.length === 0 ? 'ended' : 'ready';
    try {
      const stop = this.loop(thread, preemption);
      return stop;
    } catch (error) {
      return this.failed(thread, error);
    } finally {
      this.steps += maxSteps - this.budget;
    }
  }

  private loop(thread: Thread, preemption: boolean): Stop {
    for (;;) {
      const frame = thread.frames[thread.frames.length - 1];
      if (!frame) return { k: 'ended' };
      if (frame.k === 'c') {
        const { memory } = this;
        memory.touch(frame.fp, frame.size);
        if (frame.code.run(thread, frame) === 0) return { k: 'steps' };
        continue;
      }
      const model = this.modelOf(frame.name);
      if (preemption && model?.preemption && !frame.announced) {
        frame.announced = true;
        return { k: 'preemption', name: frame.name };
      }
      const stop = this.runModelled(thread, frame, model);
      if (stop) return stop;
    }
  }

  /** Why the thread stops in it, if it does. */
  private runModelled(thread: Thread, frame: ModelledFrame, model: Modelled | undefined): Stop | undefined {
    const outcome = model ? model.run(new ModelledCall(this, thread, frame)) : this.notModelled(frame);
    if (typeof outcome === 'object') {
      if (outcome.k === 'block') {
        thread.why = outcome.why;
        thread.state = 'blocked';
        return { k: 'blocked', why: outcome.why };
      }
      if (outcome.k === 'pause') return { k: 'steps' };
      if (outcome.k === 'into') {
        frame.stage = outcome.stage;
        this.enterWith(thread, outcome.target, outcome.args, frame.loc);
        return undefined;
      }
    }
    this.setReturned(frame, outcome);
    // `stack` must still show the call while the value is made.
    thread.frames.pop();
    this.deliver(thread);
    return undefined;
  }

  private setReturned({ type, loc, into, name }: ModelledFrame, outcome: Outcome): void {
    const { returned, memory } = this;
    const { returns } = type;
    returned.fill(0);
    if (typeof outcome === 'object') {
      if (outcome.k !== 'unknown' || returns.k === 'void') return;
      const origin = memory.unknownNumber(outcome.why);
      if (returns.k === 'agg') memory.fillUnknown(into, sizeOf(returns, loc), origin);
      else returned[2] = origin;
      return;
    }
    if (returns.k === 'void' || outcome === undefined) {
      if (returns.k !== 'void') throw new Error(`the model of ${name} returns nothing`);
      return;
    }
    const int = asInt(returns, loc);
    const value = int ? wrap(int, BigInt(outcome)) : BigInt.asUintN(64, BigInt(outcome));
    returned[0] = Number(BigInt.asIntN(32, value));
    returned[1] = Number(BigInt.asIntN(32, value >> 32n));
  }

  private notModelled({ name, loc }: ModelledFrame): Outcome {
    const key = `${name} ${loc.file}:${loc.line}`;
    const { count } = this.unmodelled.get(key) ?? { count: 0 };
    this.unmodelled.set(key, { name, loc, count: count + 1 });
    return { k: 'unknown', why: `${name}() called at ${loc.file}:${loc.line}` };
  }

  private failed(thread: Thread, error: unknown): Stop {
    const hazard = hazardOf(error);
    const stack = this.stackOf(thread);
    hazard.stack_ = stack;
    const top = thread.frames[thread.frames.length - 1];
    const loc = error instanceof CodeError ? error.loc : top?.k === 'modelled' ? top.loc : stack[0]?.loc;
    if (loc) hazard.loc = loc;
    thread.state = 'failed';
    thread.hazard = hazard;
    return { k: 'hazard', hazard };
  }

  // ---- what compiled code calls

  fail(error: CodeError): never {
    throw error;
  }

  unreachable(): never {
    throw new Hazard('unreachable', 'code that the compiler was told cannot be reached');
  }

  intrinsic(name: string, args: readonly number[]): void {
    INTRINSICS[name]!(this.memory, args);
  }

  // ---- looking

  /** Functions with the places where they are, innermost first; modelled ones are left out. */
  stackOf(thread: Thread): StackEntry[] {
    const entries: StackEntry[] = [];
    for (let i = thread.frames.length - 1; i >= 0; i--) {
      const frame = thread.frames[i]!;
      if (frame.k !== 'c') continue;
      const { compiled } = frame.code;
      entries.push({ function: compiled.symbol.name, loc: compiled.places[frame.pc]! });
    }
    return entries;
  }

  /** The object of a type at an address; names are seen from a file. @throws CodeError */
  object(address: bigint, type: string, file: string): CObject {
    return new CObject(this, address, typeNamed(this, type, file), file);
  }

  // ---- saving

  save(): Saved {
    return {
      memory: this.memory.save(),
      threads: this.threads.map(saveThread),
      steps: this.steps,
      globals: this.globals.count,
      executed: this.executed.save(),
      unmodelled: new Map(this.unmodelled),
    };
  }

  restore(saved: Saved): void {
    this.memory.restore(saved.memory);
    this.globals.restoreFrom(saved.globals);
    this.threads = saved.threads.map(restoreThread);
    this.steps = saved.steps;
    this.executed.restore(saved.executed);
    this.unmodelled = new Map(saved.unmodelled);
  }

  /** The same for states of this machine that can't be told apart by C. */
  hash(): string {
    let hash = 0;
    const mix = (value: number) => {
      hash = Math.imul(hash ^ value, 0x85ebca6b);
      hash ^= hash >>> 13;
    };
    for (const { state, frames, returned } of this.threads) {
      mix(state.length * 31 + state.charCodeAt(0));
      mix(returned ? returned.l ^ returned.h : -1);
      for (const frame of frames) {
        if (frame.k === 'c') {
          mix(frame.pc);
          mix(this.indexOf(frame.code.compiled.symbol));
        } else {
          const { name, stage, state: own, announced, args, returned: given } = frame;
          for (const { l, h, p } of given ? [...args, given] : args) {
            mix(l);
            mix(h);
            mix(p);
          }
          const text = JSON.stringify([name, stage, announced, own], (_, value) =>
            typeof value === 'bigint' ? `${value}n` : value,
          );
          for (let i = 0; i < text.length; i++) mix(text.charCodeAt(i));
        }
      }
    }
    const lanes = [hash, this.globals.hash()].map((lane) => (lane >>> 0).toString(16).padStart(8, '0'));
    return `${lanes.join('')}${this.memory.hash().toString(16).padStart(16, '0')}`;
  }
}

function hazardOf(error: unknown): Hazard {
  if (error instanceof Hazard) return error;
  if (error instanceof CodeError) return new Hazard('unsupported', error.reason);
  throw error;
}

export type { FunctionType };
