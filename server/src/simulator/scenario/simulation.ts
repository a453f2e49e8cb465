/**
 * A scenario on a kernel's C, a step at a time: every actor is a thread, and who goes next is the caller's choice. The same
 * scenario, C, options and choices give the same steps. All that a step changes can be saved, restored and hashed; history.ts
 * steps back with that, and README.md shows how.
 */
import type { Hazard } from '../execution/hazard.js';
import type { Thread } from '../execution/thread.js';
import { CodeError } from '../execution/tokens.js';
import { ACTOR_FUNCTION, ENTRY_FILE, FALLOCATE_FUNCTION } from '../kernel-api/entry.js';
import { HardwareHazard, Kernel } from '../kernel-api/kernel.js';
import { MODELLED, modelledFor, modelledFrom } from '../kernel-api/table.js';
import type { ModelTable } from '../kernel-api/table-entry.js';
import { MachineError } from '../machine/errors.js';
import { Machine as Hardware } from '../machine/machine.js';
import { ORDER_OF, PAGE_SIZE } from '../machine/units.js';
import { copyState } from '../plain-state.js';
import { Actors } from './actors.js';
import { AppendLog, type SavedLog } from './append-log.js';
import type { Doing } from './doing.js';
import { checkExpectation, StateReader } from './expect.js';
import { Faults } from './faults.js';
import { Guest } from './guest.js';
import { checkMapping } from './invariants.js';
import type { KernelCode } from './kernel-code.js';
import type { Scenario, Turn } from './model.js';
import type { CheckedExpectation, Outcome, RunHazard, RunResult, StoryEntry } from './result.js';
import { RunHazards } from './run-hazards.js';
import { NotRunnable, repeated } from './runnable.js';
import { Schedule } from './schedule.js';
import { setupActions } from './setup.js';
import { hashOfFuture, type SimulationState } from './simulation-state.js';
import { placeOf, Telling } from './telling.js';
import { TracedMachine } from './traced-machine.js';

export interface RunInput {
  scenario: Scenario;
  /** Name of the variant that the scenario stands for. */
  variant?: string;
  kernel: KernelCode;
}

export interface RunOptions {
  /** Default 2,000,000. */
  maxSteps?: number;
  /** An entry of the story for each step. */
  trace?: boolean;
  /** No story. */
  quiet?: boolean;
  /** Actors also stop before calls at which others may go first: locks, sleeping calls. */
  preemption?: boolean;
  /** So often may a guest's access fail for the same reason; default 64. */
  mostRetries?: number;
  /** Accesses to memory can be watched. */
  watched?: boolean;
}

export interface StepResult {
  /**
   * `blocked`: the thread waits, and nothing was done. `hazard`: the run is over with it; hazards that don't end the run
   * are in the story. `error`: the run can't go on, and the kernel isn't to blame.
   */
  k: 'stepped' | 'blocked' | 'ended' | 'hazard' | 'error';
  /** What happened in the step. */
  story: StoryEntry[];
  /** Whether anything changed. */
  progress: boolean;
  /** Whether the actor stands before a call at which others may go first (`preemption`). */
  atPreemption?: boolean;
}

/** A run's story, hazards, calls and checks up to some point. */
export type Told = readonly SavedLog<unknown>[];

const VM = 'vm0';
const ASID = 1;
const MAX_STEPS = 2_000_000;
/** Kept from the allocator, as firmware keeps the first MiB. */
const LOW_PAGES = 256;

/** Problems that end a run as an error, not as something that the kernel did wrong. */
const NOT_THE_KERNELS: ReadonlySet<string> = new Set(['unsupported', 'unknown-value', 'out-of-memory']);

export class Simulation {
  readonly scenario: Scenario;
  readonly hardware: Hardware;
  readonly kernel: Kernel;
  readonly c: TracedMachine;
  readonly actors: Actors;
  /** One an actor, in the scenario's order. */
  readonly threads: readonly Thread[];
  readonly guest: Guest;
  private readonly faults: Faults;
  private readonly schedule: Schedule;
  private readonly telling: Telling;
  private readonly found: RunHazards;
  /** C functions in the order in which they were entered. */
  private readonly entered = new AppendLog<string>();
  private readonly checks = new AppendLog<CheckedExpectation>();
  /** Modelled functions that were called. */
  private used = new Set<string>();
  private stopped: { outcome: Outcome; message?: string } | undefined;
  private atPreemption = false;

  /** Makes the machine and carries out what the scenario sets up. @throws NotRunnable */
  constructor(
    private readonly input: RunInput,
    private readonly options: RunOptions = {},
  ) {
    const { scenario, kernel: code } = input;
    const reasons = code.refusals(scenario);
    if (reasons.length > 0) throw new NotRunnable(reasons.join('; '));
    this.scenario = scenario;
    this.hardware = new Hardware({ platform: scenario.platform, pages: scenario.memory / PAGE_SIZE });
    this.hardware.pages.reserve(0, LOW_PAGES, 'firmware');
    this.faults = new Faults(scenario, this.hardware);
    this.hardware.createVm(VM, { key: ASID, vcpus: scenario.vcpus });
    this.telling = new Telling(() => this.c?.steps ?? 0, options.quiet ?? false);
    this.kernel = this.newKernel();
    this.found = new RunHazards(
      this.kernel,
      () => this.actors.state,
      (hazard) => this.telling.tell({ kind: 'hazard', hazard }, undefined, hazard.actor),
    );
    const lost = (vcpu: number, message: string, gfn: number): void =>
      this.found.report({
        kind: 'guest-data-lost',
        message,
        effect: 'guest',
        actor: `vcpu${vcpu}`,
        gfn,
        path: [],
      });
    this.guest = new Guest(this.kernel, lost, options.mostRetries);
    this.kernel.guest = this.guest;
    this.actors = new Actors(this.kernel, {
      guest: this.guest,
      vmType: code.vmType(scenario),
      backing: scenario.backing,
      calls: (context) => code.calls(context),
      listener: {
        began: (actor, action, text) =>
          this.telling.tell({ kind: 'action', text, line: action.at?.line ?? 0 }, undefined, actor, 0),
        ended: (actor, action, result) => this.actionEnded(actor, action, result),
      },
    });
    this.schedule = new Schedule(scenario.schedule, (turn, why) => this.missed(turn, why));
    this.c = this.newCodeMachine(code);
    this.kernel.attach(this.c);
    this.hardware.onEvent((event) => {
      // What lies in page tables shows as the tables' own changes.
      if (event.kind === 'content' && this.kernel.state.tables.has(event.pfn)) return;
      const { current } = this.telling;
      checkMapping(this.kernel, event, current);
      this.telling.tell({ kind: 'machine', event }, current && placeOf(current), event.actor);
    });
    this.threads = this.guarded(() => this.setUp()) ?? [];
  }

  get over(): boolean {
    return this.stopped !== undefined;
  }

  get story(): AppendLog<StoryEntry> {
    return this.telling.story;
  }

  get hazards(): RunHazard[] {
    return this.found.found.from(0);
  }

  /** Steps made so far, those of the setup included. */
  get steps(): number {
    return this.c.steps;
  }

  /** `ok` as long as nothing has gone wrong. */
  get outcome(): Outcome {
    if (this.stopped?.outcome === 'error') return 'error';
    return this.found.found.length > 0 ? 'violation' : 'ok';
  }

  /** Whom the schedule lets go next, and after it each actor in turn; `undefined`: the run is over. */
  next(): Thread | undefined {
    if (this.stopped) return undefined;
    const choice = this.schedule.next(this.threads);
    if (choice.k === 'thread') return choice.thread;
    if (choice.k === 'all-ended') this.allEnded();
    else this.stuck(choice.waiting);
    return undefined;
  }

  /** One step of an actor; asked of one that waits, whether it still does. */
  step(thread: Thread): StepResult {
    const from = this.story.length;
    const { steps } = this.c;
    const wasOver = this.over;
    const k = this.guarded(() => this.advance(thread)) ?? 'error';
    const progress =
      !wasOver &&
      (k !== 'blocked' || this.c.steps > steps || this.story.length > from || isRepeating(thread));
    return { k, story: this.story.from(from), progress, atPreemption: this.atPreemption };
  }

  /** How it came out so far; after the last step, the run's result. */
  finish(): RunResult {
    const { scenario, variant } = this.input;
    const { outcome } = this;
    const message = this.stopped?.message;
    const counters = {
      ...this.hardware.counters,
      ...this.kernel.state.counters,
      freePagesOutside2M: this.hardware.pages.freeOutside(ORDER_OF['2M']),
      steps: this.c.steps,
    };
    const state = new StateReader(this.kernel, this.actors, scenario);
    const hazards = this.hazards;
    const entered = this.entered.from(0);
    const { log } = this.kernel.state;
    const came = { outcome, message, hazards, counters, entered, log } as const;
    const expectations = [
      ...this.checks.from(0),
      ...this.faults.unused(),
      ...checkExpectation(scenario, came, state),
    ];
    return {
      scenario: scenario.title,
      file: scenario.file,
      ...(variant !== undefined && { variant }),
      design: scenario.design,
      rows: scenario.rows,
      outcome,
      passed: expectations.every(({ ok }) => ok),
      ...(message !== undefined && { message }),
      hazards,
      expectations,
      steps: this.c.steps,
      coverage: this.coverage(),
      counters,
      story: this.story.from(0),
    };
  }

  /** What it means that nobody can go on, for who chooses the actors without `next()`. */
  conclude(): void {
    const waiting = this.threads.filter(({ state }) => state !== 'ended');
    if (this.stopped) return;
    if (waiting.length === 0) this.allEnded();
    else this.stuck(waiting);
  }

  // ---- saving

  /** Everything that a step changes. It can be restored any number of times, in this simulation. */
  save(): SimulationState {
    return {
      c: this.c.save(),
      hardware: this.hardware.snapshot(),
      kernel: copyState(this.kernel.plainState),
      actors: this.actors.save(),
      guest: this.guest.save(),
      faults: this.faults.save(),
      schedule: this.schedule.save(),
      story: this.telling.save(),
      hazards: this.found.save(),
      entered: this.entered.save(),
      checks: this.checks.save(),
      used: new Set(this.used),
      stopped: this.stopped,
    };
  }

  restore(state: SimulationState): void {
    this.c.restore(state.c);
    this.hardware.restore(state.hardware);
    this.kernel.state = copyState(state.kernel);
    this.actors.restore(state.actors);
    this.guest.restore(state.guest);
    this.faults.restore(state.faults);
    this.schedule.restore(state.schedule);
    this.telling.restore(state.story);
    this.found.restore(state.hazards);
    this.entered.restore(state.entered);
    this.checks.restore(state.checks);
    this.used = new Set(state.used);
    this.stopped = state.stopped;
  }

  /**
   * Makes steps that were made from here before, by the same actors.
   * @param told what the run had told when they were made the first time, or later: it isn't kept twice
   */
  repeat(told: Told, steps: () => void): void {
    const logs = this.logs();
    logs.forEach((log, index) => {
      log.follow(told[index]! as SavedLog<never>);
      log.repeating = true;
    });
    try {
      steps();
    } finally {
      for (const log of logs) log.repeating = false;
    }
  }

  /** What the run has told up to here. */
  told(): Told {
    return this.logs().map((log) => log.save());
  }

  private logs(): AppendLog<unknown>[] {
    return [this.story, this.found.found, this.entered, this.checks] as AppendLog<unknown>[];
  }

  /** The same for equal states of this simulation, with all that is counted and told. */
  hash(): string {
    const counts = [
      this.c.steps,
      this.story.length,
      this.found.found.length,
      this.entered.length,
      this.checks.length,
      this.used.size,
      this.stopped?.outcome,
    ];
    return hashOfFuture(this.parts(), [
      counts,
      { ...this.kernel.plainState.counters },
      { ...this.hardware.counters },
      this.schedule.save(),
    ]);
  }

  /** The same for states from which the same can come to pass: how they came about, and what it cost, makes no difference. */
  futureHash(): string {
    return hashOfFuture(this.parts(), []);
  }

  private parts() {
    const { c, hardware, kernel, actors, guest, faults } = this;
    return {
      c: c.hash(),
      hardware: hardware.hash(),
      kernel: kernel.plainState,
      actors: actors.save(),
      guest: guest.save(),
      faults: faults.save(),
    };
  }

  // ---- making it

  private newKernel(): Kernel {
    const kernel = new Kernel(this.hardware, VM);
    kernel.onNote = (note, call) => {
      const at = placeOf(call.thread, call.loc);
      if (note.kind === 'lock') {
        const { kind, change, name, mode } = note;
        this.telling.tell({ kind, change, name, mode }, at);
      } else this.telling.tell({ kind: 'log', text: note.text }, at);
    };
    kernel.injected = (name, call) => this.faults.failing(name, call.thread.name);
    return kernel;
  }

  private newCodeMachine(code: KernelCode): TracedMachine {
    const used = (name: string, thread: Thread): void => {
      this.used.add(name);
      // The stack still shows where a hazard comes from.
      this.found.collect(thread);
    };
    const modelled = modelledFor(this.kernel, tableOf(code), used);
    const { telling } = this;
    return new TracedMachine(
      code.source(this.scenario),
      {
        modelled: { ...modelled, [ACTOR_FUNCTION]: (call) => this.actors.run(call) },
        watched: this.options.watched ?? false,
        modelledBy: (name) => {
          const entry = code.modelOf?.(name);
          return entry && modelledFrom(this.kernel, name, entry, used);
        },
      },
      {
        entered: (thread, name, file, depth) => {
          if (file === ENTRY_FILE) return;
          if (!this.options.quiet) this.entered.push(name);
          this.count(name);
          telling.tell({ kind: 'enter', function: name, file }, placeOf(thread), thread.name, depth);
          this.schedule.passed(thread, name, 'enter');
        },
        left: (thread, name, depth) => {
          if (name === FALLOCATE_FUNCTION) return;
          telling.tell({ kind: 'leave', function: name }, placeOf(thread), thread.name, depth);
          this.schedule.passed(thread, name, 'return');
        },
        failing: (thread, name) => this.faults.failing(name, thread.name),
      },
    );
  }

  private setUp(): Thread[] {
    const thread = this.start('setup', setupActions(this.scenario, this.input.kernel));
    for (;;) {
      const k = this.advance(thread);
      if (this.stopped) return [];
      if (k === 'ended') break;
      if (k === 'blocked') {
        this.stopped = { outcome: 'error', message: `the setup waits for ever: ${thread.why}` };
        return [];
      }
    }
    return this.scenario.actors.map(({ name, actions }) => this.start(name, repeated(actions)));
  }

  private start(name: string, actions: Doing[]): Thread {
    const list = this.actors.actions.push(actions) - 1;
    return this.c.createThread(name, ACTOR_FUNCTION, ENTRY_FILE, [BigInt(list)]);
  }

  /** What a scenario or its C asks for and can't be is the end of the run. */
  private guarded<T>(what: () => T): T | undefined {
    try {
      return what();
    } catch (error) {
      if (!(error instanceof CodeError || error instanceof MachineError)) throw error;
      this.stopped = { outcome: 'error', message: error.message };
      return undefined;
    }
  }

  // ---- stepping

  private advance(thread: Thread): StepResult['k'] {
    if (this.stopped || thread.state === 'ended') return this.over ? this.endOf() : 'ended';
    const { telling, options } = this;
    telling.current = thread;
    const { maxSteps = MAX_STEPS } = options;
    const { steps } = this.c;
    if (steps >= maxSteps) {
      this.stopped = {
        outcome: 'error',
        message: `${maxSteps} steps were made and ${thread.name} is not done: raise the limit by --max-steps, or look for a loop`,
      };
      return 'error';
    }
    const at = placeOf(thread);
    const told = this.story.length;
    this.hardware.actAs(thread.name, at);
    if (options.trace && at && thread.frames.at(-1)?.k === 'c') telling.tell({ kind: 'step' }, at);
    const stop = this.c.run(thread, { maxSteps: 1, preemption: options.preemption ?? false });
    this.atPreemption = stop.k === 'preemption';
    this.found.collect(thread);
    if (stop.k === 'hazard') {
      this.broke(thread, stop.hazard);
      return this.endOf();
    }
    if (this.actors.state.hostIsDown) {
      this.stopped = { outcome: 'violation' };
      return 'hazard';
    }
    const progress = this.c.steps > steps || this.story.length > told || isRepeating(thread);
    const canGoOn = stop.k === 'steps' || stop.k === 'preemption';
    this.schedule.stepped(this.threads ?? [], thread, canGoOn, progress);
    return canGoOn ? 'stepped' : stop.k === 'blocked' ? 'blocked' : 'ended';
  }

  private endOf(): 'hazard' | 'error' {
    return this.stopped?.outcome === 'error' ? 'error' : 'hazard';
  }

  private broke(thread: Thread, hazard: Hazard): void {
    if (NOT_THE_KERNELS.has(hazard.kind)) {
      const at = hazard.loc ? `${hazard.loc.file}:${hazard.loc.line}: ` : '';
      this.stopped = { outcome: 'error', message: `${at}${hazard.message} (${hazard.kind})` };
      return;
    }
    // The machine has reported its own already.
    if (!(hazard instanceof HardwareHazard)) this.found.ofCode(thread, hazard);
    this.stopped = { outcome: 'violation' };
  }

  private allEnded(): void {
    this.found.atTheEnd();
    this.stopped = { outcome: this.outcome };
  }

  private stuck(waiting: readonly Thread[]): void {
    const message = waiting.map(({ name, why }) => `${name}: ${why}`).join('; ');
    const inKernel = waiting.filter(({ frames }) => frames.length > 1);
    if (inKernel.length === 0) {
      this.stopped = { outcome: 'error', message: `nobody can go on: ${message}` };
      return;
    }
    this.found.deadlock(inKernel[0]!, message);
    this.stopped = { outcome: 'violation' };
  }

  // ---- what is told and checked

  private missed({ run, until, at }: Turn, why: string): void {
    this.checks.push({
      what: `${run} gets to ${until}`,
      expected: 'yes',
      actual: `no: ${why}`,
      ok: false,
      of: 'actors',
      at: { file: at.file, line: at.line },
    });
  }

  private actionEnded(actor: string, action: Doing, result: string): void {
    if (this.actors.state.hostIsDown) {
      this.telling.tell({ kind: 'result', text: 'the host is down' }, undefined, actor, 0);
      return;
    }
    this.telling.tell({ kind: 'result', text: result }, undefined, actor, 0);
    if (action.setup) {
      // A module for another processor doesn't stay.
      if (result !== 'ok' && !(action.do === 'boot' && result === 'ENODEV'))
        this.stopped = { outcome: 'error', message: `the setup failed: ${action.do} gives ${result}` };
      return;
    }
    if (action.expect === 'any' || !action.at) return;
    this.checks.push({
      what: `${actor}: ${action.do}`,
      expected: action.expect,
      actual: result,
      ok: result === action.expect,
      of: 'actors',
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

  private coverage(): RunResult['coverage'] {
    const lines = [...this.c.executedLines()].filter(([file]) => file !== ENTRY_FILE);
    lines.sort(([a], [b]) => (a < b ? -1 : 1));
    const { kernel: code } = this.input;
    const table = tableOf(code);
    const sourceOf = (name: string): string => (table[name] ?? code.modelOf!(name)!).source;
    return {
      treeLines: Object.fromEntries(lines.map(([file, set]) => [file, [...set].sort((a, b) => a - b)])),
      modelled: [...this.used].sort().map((name) => ({ name, source: sourceOf(name) })),
      unmodelled: [...this.c.unmodelled.values()].map(({ name, loc, count }) => ({
        name,
        file: loc.file,
        line: loc.line,
        count,
      })),
    };
  }
}

const tableOf = (code: KernelCode): ModelTable => code.table ?? { ...MODELLED, ...code.modelled };

/** A guest that repeats its access goes on without a step. */
export const isRepeating = ({ why, state }: Thread): boolean =>
  state === 'blocked' && why.startsWith('the guest repeats');
