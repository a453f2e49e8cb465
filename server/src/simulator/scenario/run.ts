/**
 * Runs a scenario: a reference kernel's C on the machine, every actor a thread. The same scenario, C and options give the
 * same run, step by step.
 */
import { configurationOf, parseDotConfig } from '../../kernel-c/conditions.js';
import type { Hazard } from '../execution/hazard.js';
import { textsSource } from '../execution/texts-source.js';
import type { Thread } from '../execution/thread.js';
import { CodeError } from '../execution/tokens.js';
import { ACTOR_FUNCTION, ENTRY_FILE, entryText, FALLOCATE_FUNCTION } from '../kernel-api/entry.js';
import { HardwareHazard, Kernel } from '../kernel-api/kernel.js';
import { LockHazard } from '../kernel-api/locks.js';
import { MODELLED, modelledFor } from '../kernel-api/table.js';
import { MachineError } from '../machine/errors.js';
import type { Hazard as MachineHazard } from '../machine/hazards.js';
import { Machine as Hardware } from '../machine/machine.js';
import { PAGE_SIZE } from '../machine/units.js';
import { Actors } from './actors.js';
import { configurationFor } from './configure.js';
import type { Doing } from './doing.js';
import { checkExpectation, StateReader } from './expect.js';
import { Faults } from './faults.js';
import { Guest } from './guest.js';
import type { Scenario, Turn } from './model.js';
import type { CallPlace, CheckedExpectation, Outcome, RunHazard, RunResult, StoryEntry } from './result.js';
import { NotRunnable, refusals, repeated } from './runnable.js';
import { TracedMachine } from './traced-machine.js';

export interface RunInput {
  scenario: Scenario;
  variant?: string;
  /** The kernel's C by path, headers too. */
  texts: Readonly<Record<string, string>>;
  /** The design's correct .config. */
  config: string;
}

export interface RunOptions {
  /** Default 2,000,000. */
  maxSteps?: number;
  /** An entry of the story for each step. */
  trace?: boolean;
}

const VM = 'vm0';
const ASID = 1;
const MAX_STEPS = 2_000_000;
/** Kept from the allocator, as firmware keeps the first MiB. */
const LOW_PAGES = 256;

/** Problems that end a run as an error, not as something that the kernel did wrong. */
const NOT_THE_KERNELS: ReadonlySet<string> = new Set(['unsupported', 'unknown-value', 'out-of-memory']);

/** @throws NotRunnable */
export function runScenario(input: RunInput, options: RunOptions = {}): RunResult {
  const reasons = refusals(input.scenario, input.config);
  if (reasons.length > 0) throw new NotRunnable(reasons.join('; '));
  return new Run(input, options).result();
}

class Run {
  private readonly hardware: Hardware;
  private readonly kernel: Kernel;
  private readonly c: TracedMachine;
  private readonly actors: Actors;
  private readonly guest: Guest;
  private readonly faults: Faults;
  private readonly story: StoryEntry[] = [];
  private readonly entered: string[] = [];
  private readonly hazards: RunHazard[] = [];
  private readonly checks: CheckedExpectation[] = [];
  private readonly used = new Set<string>();
  private machineHazards = 0;
  private kernelHazards = 0;
  private stopped: { outcome: Outcome; message?: string } | undefined;
  private turn: { turn: Turn; seen: number } | undefined;
  private turnReached = false;
  private current: Thread | undefined;

  constructor(
    private readonly input: RunInput,
    private readonly options: RunOptions,
  ) {
    const { scenario, texts, config } = input;
    const { symbols } = configurationFor(scenario, parseDotConfig(config));
    this.hardware = new Hardware({ platform: scenario.platform, pages: scenario.memory / PAGE_SIZE });
    this.hardware.pages.reserve(0, LOW_PAGES, 'firmware');
    this.faults = new Faults(scenario, this.hardware);
    this.hardware.createVm(VM, { key: ASID, vcpus: scenario.vcpus });
    this.kernel = new Kernel(this.hardware, VM);
    this.guest = new Guest(this.kernel, (vcpu, message, gfn) =>
      this.hazard({ kind: 'guest-data-lost', message, effect: 'guest', actor: `vcpu${vcpu}`, gfn, path: [] }),
    );
    this.kernel.guest = this.guest;
    this.kernel.onNote = (note, call) => {
      if (note.kind === 'lock') {
        const { kind, change, name, mode } = note;
        this.tell({ kind, change, name, mode }, this.placeOf(call.thread, call.loc));
      } else this.tell({ kind: 'log', text: note.text }, this.placeOf(call.thread, call.loc));
    };
    this.kernel.injected = (name, call) => this.faults.failing(name, call.thread.name);
    this.actors = new Actors(this.kernel, this.guest, 'KVM_X86_SNP_VM', {
      began: (actor, action, text) =>
        this.tell({ kind: 'action', text, line: action.at?.line ?? 0 }, undefined, actor, 0),
      ended: (actor, action, result) => this.ended(actor, action, result),
    });
    const source = textsSource(
      { ...texts, [ENTRY_FILE]: entryText() },
      configurationOf(symbols, true, scenario.design),
    );
    const modelled = modelledFor(this.kernel, (name, thread) => {
      this.used.add(name);
      // The stack still shows where a hazard comes from.
      this.collect(thread);
    });
    this.c = new TracedMachine(
      source,
      { modelled: { ...modelled, [ACTOR_FUNCTION]: (call) => this.actors.run(call) } },
      {
        entered: (thread, name, file, depth) => {
          if (file === ENTRY_FILE) return;
          this.entered.push(name);
          this.count(name);
          this.note({ kind: 'enter', function: name, file }, thread, depth);
          this.reached(thread, name, 'enter');
        },
        left: (thread, name, depth) => {
          if (name === FALLOCATE_FUNCTION) return;
          this.note({ kind: 'leave', function: name }, thread, depth);
          this.reached(thread, name, 'return');
        },
        failing: (thread, name) => this.faults.failing(name, thread.name),
      },
    );
    this.kernel.attach(this.c);
    this.hardware.onEvent((event) => {
      // What lies in page tables shows as the tables' own changes.
      if (event.kind === 'content' && this.kernel.state.tables.has(event.pfn)) return;
      this.tell({ kind: 'machine', event }, this.current && this.placeOf(this.current), event.actor);
    });
  }

  result(): RunResult {
    const { scenario, variant } = this.input;
    try {
      this.setUp();
      if (!this.stopped) this.go();
    } catch (error) {
      if (!(error instanceof CodeError || error instanceof MachineError)) throw error;
      this.stopped = { outcome: 'error', message: error.message };
    }
    const outcome =
      this.stopped?.outcome === 'error' ? 'error' : this.hazards.length > 0 ? 'violation' : 'ok';
    const message = this.stopped?.message;
    const counters = { ...this.hardware.counters, ...this.kernel.state.counters, steps: this.c.steps };
    const state = new StateReader(this.kernel, this.actors, scenario);
    const came = { outcome, message, hazards: this.hazards, counters, entered: this.entered } as const;
    this.checks.push(...this.faults.unused());
    const expectations = [...this.checks, ...checkExpectation(scenario, came, state)];
    return {
      scenario: scenario.title,
      file: scenario.file,
      ...(variant !== undefined && { variant }),
      design: scenario.design,
      rows: scenario.rows,
      outcome,
      passed: expectations.every(({ ok }) => ok),
      ...(message !== undefined && { message }),
      hazards: this.hazards,
      expectations,
      steps: this.c.steps,
      coverage: this.coverage(),
      counters,
      story: this.story,
    };
  }

  private coverage(): RunResult['coverage'] {
    const lines = [...this.c.executedLines()].filter(([file]) => file !== ENTRY_FILE);
    lines.sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      treeLines: Object.fromEntries(lines.map(([file, set]) => [file, [...set].sort((a, b) => a - b)])),
      modelled: [...this.used].sort().map((name) => ({ name, source: MODELLED[name]!.source })),
      unmodelled: [...this.c.unmodelled.values()].map(({ name, loc, count }) => ({
        name,
        file: loc.file,
        line: loc.line,
        count,
      })),
    };
  }

  // ---- threads

  private setUp(): void {
    const { scenario } = this.input;
    const quiet = { expect: 'ok', after: [] };
    const setup: Doing[] = [
      ...this.initcalls().map((call) => ({ do: 'boot' as const, ...call, ...quiet })),
      { do: 'create-vm', ...quiet },
      ...scenario.files.map((file) => ({ do: 'create-file' as const, ...file, ...quiet })),
      ...scenario.slots.map((slot) => ({ do: 'create-slot' as const, ...slot, ...quiet })),
      ...Array.from({ length: scenario.vcpus }, () => ({ do: 'create-vcpu' as const, ...quiet })),
      ...scenario.initial.map(({ gpa, size, attribute }) => ({
        do: 'set-attributes' as const,
        gpa,
        size,
        attributes: attribute === 'private' ? (['private'] as const) : [],
        flags: 0,
        ...quiet,
      })),
    ].map((action) => ({ ...action, setup: true }) as Doing);
    const thread = this.start('setup', setup);
    while (this.advance(thread)) if (this.stopped) return;
    if (thread.state !== 'ended' && !this.stopped)
      this.stopped = { outcome: 'error', message: `the setup waits for ever: ${thread.why}` };
  }

  /** Functions that modules are initialised by: `module_init(svm_init)`. */
  private initcalls(): { function: string; file: string }[] {
    return Object.entries(this.input.texts).flatMap(([file, text]) =>
      [...text.matchAll(/^module_init\((\w+)\)/gm)].map(([, name]) => ({ function: name!, file })),
    );
  }

  private start(name: string, actions: Doing[]): Thread {
    const list = this.actors.actions.push(actions) - 1;
    return this.c.createThread(name, ACTOR_FUNCTION, ENTRY_FILE, [BigInt(list)]);
  }

  private go(): void {
    const threads = this.input.scenario.actors.map(({ name, actions }) =>
      this.start(name, repeated(actions)),
    );
    for (const turn of this.input.scenario.schedule) {
      const thread = threads.find(({ name }) => name === turn.run);
      this.turn = turn.until === undefined ? undefined : { turn, seen: 0 };
      this.turnReached = false;
      while (thread && !this.turnReached && !this.stopped && this.advance(thread));
      if (this.stopped) return;
      if (turn.until !== undefined && !this.turnReached) this.expectTurn(turn, thread?.why ?? '');
    }
    this.turn = undefined;
    this.roundRobin(threads);
    if (!this.stopped) this.atTheEnd();
  }

  private expectTurn({ run, until, at }: Turn, why: string): void {
    this.checks.push({
      what: `${run} gets to ${until}`,
      expected: 'yes',
      actual: why === '' ? 'no' : `no: ${why}`,
      ok: false,
      at: { file: at.file, line: at.line },
    });
  }

  /** Each actor goes on until it ends or has to wait. */
  private roundRobin(threads: readonly Thread[]): void {
    for (;;) {
      let progress = false;
      for (const thread of threads) {
        const before = this.c.steps + this.story.length;
        while (!this.stopped && this.advance(thread));
        if (this.stopped) return;
        if (this.c.steps + this.story.length > before || isRepeating(thread)) progress = true;
      }
      if (threads.every(({ state }) => state === 'ended')) return;
      if (!progress) {
        this.stuck(threads.filter(({ state }) => state !== 'ended'));
        return;
      }
    }
  }

  private stuck(waiting: readonly Thread[]): void {
    const message = waiting.map(({ name, why }) => `${name}: ${why}`).join('; ');
    const inKernel = waiting.filter(({ frames }) => frames.length > 1);
    if (inKernel.length === 0) {
      this.stopped = { outcome: 'error', message: `nobody can go on: ${message}` };
      return;
    }
    const [first] = inKernel;
    this.hazard({ kind: 'deadlock', message, actor: first!.name, ...this.whereOf(first!) });
    this.stopped = { outcome: 'violation' };
  }

  /** One step. False when the thread can't go on by itself. */
  private advance(thread: Thread): boolean {
    this.current = thread;
    const { maxSteps = MAX_STEPS } = this.options;
    if (this.c.steps >= maxSteps) {
      this.stopped = {
        outcome: 'error',
        message: `${maxSteps} steps were made and ${thread.name} is not done: raise the limit by --max-steps, or look for a loop`,
      };
      return false;
    }
    const at = this.placeOf(thread);
    this.hardware.actAs(thread.name, at);
    if (this.options.trace && at) this.tell({ kind: 'step' }, at);
    const stop = this.c.run(thread, { maxSteps: 1, preemption: false });
    this.collect(thread);
    if (stop.k === 'hazard') {
      this.broke(thread, stop.hazard);
      return false;
    }
    if (this.actors.hostIsDown) {
      this.stopped = { outcome: 'violation' };
      return false;
    }
    return stop.k === 'steps';
  }

  // ---- hazards

  private broke(thread: Thread, hazard: Hazard): void {
    if (hazard instanceof HardwareHazard) {
      this.stopped = { outcome: 'violation' };
      return;
    }
    if (NOT_THE_KERNELS.has(hazard.kind)) {
      const at = hazard.loc ? `${hazard.loc.file}:${hazard.loc.line}: ` : '';
      this.stopped = { outcome: 'error', message: `${at}${hazard.message} (${hazard.kind})` };
      return;
    }
    const hold = hazard instanceof LockHazard ? hazard.hold : undefined;
    const open = hazard.kind === 'livelock' ? this.openInvalidations() : 0n;
    const row = open > 0n ? 'A1' : hazard instanceof LockHazard ? hazard.row : undefined;
    const why = open > 0n ? `; kvm.mmu_invalidate_in_progress is ${open}` : '';
    this.hazard({
      kind: hazard.kind,
      message: hazard.message + why,
      ...(row !== undefined && { row }),
      actor: thread.name,
      ...this.whereOf(thread),
      ...(hazard.loc && { file: hazard.loc.file, line: hazard.loc.line }),
      ...(hold && {
        lock: {
          name: hold.name,
          mode: hold.mode,
          acquiredAt: { file: hold.at.file, line: hold.at.line, function: hold.at.function },
        },
      }),
    });
    this.stopped = { outcome: 'violation' };
  }

  /** What the machine and the models have noted since the last step. */
  private collect(thread: Thread): void {
    const machine = this.hardware.hazards;
    while (this.machineHazards < machine.length) this.ofMachine(machine[this.machineHazards++]!, thread);
    const { hazards } = this.kernel.state;
    while (this.kernelHazards < hazards.length) {
      const { at, function: name, stack, ...rest } = hazards[this.kernelHazards++]!;
      this.hazard({
        ...rest,
        ...(at && { file: at.file, line: at.line }),
        ...(name !== undefined && { function: name }),
        path: [...stack].reverse(),
      });
    }
  }

  private ofMachine(
    { kind, message, row, effect, pfn, gfn, actor, at }: MachineHazard,
    thread: Thread,
  ): void {
    const where = this.whereOf(thread);
    this.hazard({
      kind,
      message,
      ...(row !== undefined && { row }),
      effect,
      ...(pfn !== undefined && { pfn }),
      ...(gfn !== undefined && { gfn }),
      actor,
      ...where,
      ...(at && {
        file: at.file,
        line: at.line,
        ...(at.function !== undefined && { function: at.function }),
      }),
    });
  }

  private whereOf(thread: Thread): { path: CallPlace[]; file?: string; line?: number; function?: string } {
    const path = this.c
      .stackOf(thread)
      .filter(({ loc }) => loc.file !== ENTRY_FILE)
      .map(({ function: name, loc }) => ({ function: name, file: loc.file, line: loc.line }))
      .reverse();
    const last = path.at(-1);
    return { path, ...(last && { file: last.file, line: last.line, function: last.function }) };
  }

  private hazard(hazard: RunHazard): void {
    this.hazards.push(hazard);
    this.tell({ kind: 'hazard', hazard }, undefined, hazard.actor);
  }

  /** Everybody is in user mode: an invalidation that is still in progress never ends (mail row A1). */
  private atTheEnd(): void {
    const open = this.openInvalidations();
    if (open !== 0n)
      this.hazard({
        kind: 'unbalanced-invalidation',
        message: `all actors are back in user mode, and kvm.mmu_invalidate_in_progress is ${open}: no fault of this VM in gfns of that range will be mapped again`,
        row: 'A1',
        actor: 'vmm',
        path: [],
      });
  }

  /** kvm.mmu_invalidate_in_progress; 0 without a VM. */
  private openInvalidations(): bigint {
    const { kvm } = this.actors;
    if (kvm === 0n || !this.isAlive(kvm)) return 0n;
    return this.kernel.object(kvm, 'struct kvm').get('mmu_invalidate_in_progress');
  }

  private isAlive(address: bigint): boolean {
    const object = this.c.memory.objectAt(address);
    return object !== undefined && object.freedAt === undefined;
  }

  // ---- the story

  private ended(actor: string, action: Doing, result: string): void {
    if (this.actors.hostIsDown) {
      this.tell({ kind: 'result', text: 'the host is down' }, undefined, actor, 0);
      return;
    }
    this.tell({ kind: 'result', text: result }, undefined, actor, 0);
    if (action.setup) {
      if (result !== 'ok')
        this.stopped = { outcome: 'error', message: `the setup failed: ${action.do} gives ${result}` };
      return;
    }
    if (action.expect === 'any' || !action.at) return;
    this.checks.push({
      what: `${actor}: ${action.do}`,
      expected: action.expect,
      actual: result,
      ok: result === action.expect,
      at: { file: action.at.file, line: action.at.line },
    });
  }

  /** Invalidations and their ranges: kvm_mmu_invalidate_range_add(kvm, start, end), end exclusive. */
  private count(name: string): void {
    const { counters } = this.kernel.state;
    if (name === 'kvm_mmu_invalidate_begin') counters.invalidations++;
    if (name !== 'kvm_mmu_invalidate_range_add') return;
    const argument = (at: number): number =>
      (this.c.passed[at * 3]! >>> 0) + (this.c.passed[at * 3 + 1]! >>> 0) * 2 ** 32;
    counters.invalidatedPages += argument(2) - argument(1);
  }

  private reached(thread: Thread, name: string, where: 'enter' | 'return'): void {
    const { turn } = this;
    if (!turn || thread.name !== turn.turn.run || name !== turn.turn.until || where !== turn.turn.where)
      return;
    turn.seen++;
    if (turn.seen >= turn.turn.nth) this.turnReached = true;
  }

  private placeOf(thread: Thread, loc?: { file: string; line: number }): CallPlace | undefined {
    for (let i = thread.frames.length - 1; i >= 0; i--) {
      const frame = thread.frames[i]!;
      if (frame.k !== 'c') continue;
      const { symbol, places } = frame.code.compiled;
      const { file, line } = loc ?? places[frame.pc]!;
      return { function: symbol.name, file, line };
    }
    return undefined;
  }

  private note(
    entry: { kind: 'enter'; function: string; file: string } | { kind: 'leave'; function: string },
    thread: Thread,
    depth: number,
  ): void {
    this.tell(entry, this.placeOf(thread), thread.name, depth);
  }

  private tell(entry: Told, at?: CallPlace, actor = this.current?.name ?? 'setup', depth?: number): void {
    const known = depth ?? this.current?.frames.filter(({ k }) => k === 'c').length ?? 0;
    this.story.push({
      step: this.c?.steps ?? 0,
      actor,
      depth: known,
      ...(at && { at }),
      ...entry,
    } as StoryEntry);
  }
}

type Told = StoryEntry extends infer Entry
  ? Entry extends unknown
    ? Omit<Entry, 'step' | 'actor' | 'depth' | 'at'>
    : never
  : never;

/** A guest that repeats its access goes on without a step. */
const isRepeating = ({ why, state }: Thread): boolean =>
  state === 'blocked' && why.startsWith('the guest repeats');
