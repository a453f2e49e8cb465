/**
 * One debug session: requests of the Debug Adapter Protocol on a scenario that is run step by step. Knows the protocol and
 * the simulator, and no transport: messages come in by `receive` and go out by the port.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { checked } from '../simulator/backend/checked.js';
import type { GmemLaunch } from '../simulator/backend/debug-protocol.js';
import { NotFound, prepare, ScenarioProblems, type SimulatorFiles } from '../simulator/backend/prepare.js';
import type { Thread } from '../simulator/execution/thread.js';
import { NotRunnable } from '../simulator/scenario/runnable.js';
import { Breakpoints } from './breakpoints.js';
import { CAPABILITIES } from './capabilities.js';
import { bindFunction, breakableLines } from './code-lines.js';
import { Conditions } from './conditions.js';
import { Answer, Dispatcher } from './dispatcher.js';
import {
  alreadyLaunched,
  attachIsNone,
  cannotLaunch,
  noMachineCode,
  noSuchThread,
  notLaunched,
  notThere,
  running,
} from './errors.js';
import { explain } from './explain.js';
import { HazardFilters } from './hazard-filters.js';
import { Inspector } from './inspector.js';
import { Launched } from './launched.js';
import { changesIn, machineView } from './machine-view.js';
import { Mover } from './mover.js';
import { Narrator } from './narrator.js';
import type { Stop } from './stops.js';
import { whyNot } from './stops.js';
import { changesOf, timeline } from './timeline.js';
import { Watchpoints } from './watchpoints.js';

export interface SessionPort {
  send(message: object): void;
  /** The client has left. */
  ended(): void;
}

interface State {
  readonly launched: Launched;
  readonly breakpoints: Breakpoints;
  readonly watchpoints: Watchpoints;
  readonly inspector: Inspector;
  readonly narrator: Narrator;
  readonly mover: Mover;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class DebugSession {
  private readonly dispatcher = new Dispatcher();
  private readonly filters = new HazardFilters();
  private launch: GmemLaunch | undefined;
  private noDebug = false;
  private state: State | undefined;
  private configured = false;
  private moving = false;
  /** It was stopped at the run's end: to go on is to leave. */
  private atEnd = false;
  private disposed = false;
  private terminated = false;
  private lastStop: Stop | undefined;
  private lines: { startAt1: boolean; columnsStartAt1: boolean } = { startAt1: true, columnsStartAt1: true };

  constructor(
    private readonly files: SimulatorFiles,
    private readonly port: SessionPort,
  ) {
    this.dispatcher.onDidSendMessage((message: object) => port.send(message));
    this.handleLifecycle();
    this.handleBreakpoints();
    this.handleMoves();
    this.handleLooks();
    this.handleViews();
    for (const command of ['disassemble', 'readMemory', 'writeMemory', 'setInstructionBreakpoints'])
      this.dispatcher.handle(command, () => {
        throw noMachineCode(command);
      });
  }

  receive(message: object): void {
    this.dispatcher.handleMessage(message as DebugProtocol.ProtocolMessage);
  }

  /** The client has gone: nothing goes on. */
  dispose(): void {
    this.disposed = true;
    this.state?.mover.pause();
    this.dispatcher.end();
  }

  // ---- from the launch to the end

  private handleLifecycle(): void {
    const { dispatcher } = this;
    dispatcher.handle<DebugProtocol.InitializeRequestArguments, DebugProtocol.Capabilities>(
      'initialize',
      ({ linesStartAt1 = true, columnsStartAt1 = true }) => {
        this.lines = { startAt1: linesStartAt1, columnsStartAt1 };
        return CAPABILITIES;
      },
    );
    dispatcher.handle('attach', () => {
      throw attachIsNone();
    });
    dispatcher.handle<DebugProtocol.LaunchRequestArguments, undefined>('launch', async (args) => {
      if (this.launch) throw alreadyLaunched();
      const launch = checked('GmemLaunch', args);
      this.launch = launch;
      this.noDebug = args.noDebug === true;
      if (launch.tree !== undefined)
        dispatcher.event('output', { category: 'console', output: `Reading ${launch.tree} …\n` });
      try {
        this.state = await this.prepared(launch);
      } catch (error) {
        this.launch = undefined;
        throw error;
      }
      // Breakpoints can be verified from now on.
      return new Answer(undefined, () => dispatcher.event('initialized'));
    });
    dispatcher.handle('configurationDone', () => {
      if (!this.state) throw notLaunched('configurationDone');
      this.configured = true;
      return new Answer(undefined, () => this.begin());
    });
    dispatcher.handle<DebugProtocol.RestartArguments, undefined>(
      'restart',
      async ({ arguments: changed }) => {
        const { launch } = this;
        if (!launch) throw notLaunched('restart');
        const again = changed ? checked('GmemLaunch', changed) : launch;
        const old = this.state;
        old?.mover.pause();
        const state = await this.prepared(again, old);
        this.launch = again;
        this.state = state;
        this.atEnd = false;
        this.lastStop = undefined;
        return new Answer(undefined, () => {
          const { breakpoints, watchpoints, launched } = state;
          for (const breakpoint of [
            ...breakpoints.rebind(launched),
            ...watchpoints.rebind(launched.simulation),
          ])
            dispatcher.event('breakpoint', { reason: 'changed', breakpoint });
          this.begin();
        });
      },
    );
    dispatcher.handle('terminate', () => new Answer(undefined, () => this.terminate()));
    dispatcher.handle(
      'disconnect',
      () =>
        new Answer(undefined, () => {
          this.dispose();
          this.port.ended();
        }),
    );
  }

  /** @throws DebugError saying why the scenario can't be launched */
  private async prepared(launch: GmemLaunch, old?: State): Promise<State> {
    try {
      const launched = new Launched(await prepare(launch, this.files));
      const breakpoints =
        old?.breakpoints ?? new Breakpoints(launched, (root, path) => this.files.fileIn(root, path));
      const watchpoints = old?.watchpoints ?? new Watchpoints(() => breakpoints.newId());
      const inspector = new Inspector(launched, () => this.edited());
      const narrator = new Narrator(launched, this.dispatcher);
      const conditions = new Conditions({
        launched,
        breakpoints,
        watchpoints,
        filters: this.filters,
        inspector,
        narrator,
        quiet: this.noDebug,
      });
      const mover = new Mover(launched, conditions, nextTurn);
      return { launched, breakpoints, watchpoints, inspector, narrator, mover };
    } catch (error) {
      if (error instanceof NotRunnable) throw cannotLaunch(`This scenario can't be run: ${error.message}.`);
      if (error instanceof NotFound || error instanceof ScenarioProblems) throw cannotLaunch(error.message);
      throw error;
    }
  }

  private begin(): void {
    const { launch, state } = this;
    if (!launch || !state || !this.configured) return;
    const { launched, breakpoints, mover } = state;
    for (const thread of launched.threads)
      this.dispatcher.event('thread', { reason: 'started', threadId: this.idOf(thread) });
    const { simulation } = launched;
    if (simulation.over) {
      this.stopped({ reason: 'end', thread: undefined });
      return;
    }
    const first = simulation.next();
    if (launch.stopAtFunction !== undefined && !this.noDebug) {
      const bound = bindFunction(simulation.c, launch.stopAtFunction);
      if (bound.k === 'refused') state.narrator.say(`${bound.why}\n`, 'important');
      else {
        breakpoints.setTemporary(bound.points);
        this.move(() => mover.continue());
        return;
      }
    }
    if (this.noDebug || launch.stopOnEntry === false) this.move(() => mover.continue());
    else this.stopped({ reason: 'entry', thread: first });
  }

  private terminate(): void {
    this.state?.mover.pause();
    if (this.terminated) return;
    this.terminated = true;
    const { state } = this;
    this.dispatcher.event('terminated', {});
    if (state)
      this.dispatcher.event('exited', { exitCode: state.launched.simulation.finish().passed ? 0 : 1 });
  }

  // ---- moving

  private handleMoves(): void {
    const on = <Args extends { threadId: number }>(
      command: string,
      move: (mover: Mover, thread: Thread, args: Args) => Promise<Stop>,
    ): void => {
      this.dispatcher.handle<Args, unknown>(command, (args) => {
        const state = this.stoppedState(command);
        const thread = this.threadOf(state, args.threadId);
        if (this.atEnd && !isBackward(command)) return new Answer(undefined, () => this.terminate());
        const body =
          command === 'continue' || command === 'reverseContinue' ? { allThreadsContinued: true } : undefined;
        return new Answer(body, () => this.move(() => move(state.mover, thread, args)));
      });
    };
    const lined = ({ granularity }: { granularity?: DebugProtocol.SteppingGranularity }) =>
      granularity === 'statement' || granularity === 'instruction' ? 'statement' : 'line';
    on<DebugProtocol.ContinueArguments>('continue', (mover, thread, { singleThread }) =>
      mover.continue(singleThread ? thread : undefined),
    );
    on<DebugProtocol.NextArguments>('next', (mover, thread, args) =>
      mover.next(thread, lined(args), args.singleThread ?? false),
    );
    on<DebugProtocol.StepInArguments>('stepIn', (mover, thread, args) =>
      mover.stepIn(thread, lined(args), args.singleThread ?? false),
    );
    on<DebugProtocol.StepOutArguments>('stepOut', (mover, thread, args) =>
      mover.stepOut(thread, args.singleThread ?? false),
    );
    on<DebugProtocol.StepBackArguments>('stepBack', (mover, thread, args) =>
      mover.stepBack(thread, lined(args)),
    );
    on<DebugProtocol.ReverseContinueArguments>('reverseContinue', (mover, thread, { singleThread }) =>
      mover.reverseContinue(singleThread ? thread : undefined),
    );
    this.dispatcher.handle<DebugProtocol.PauseArguments, unknown>('pause', () => {
      const { mover } = this.launchedState('pause');
      // Whoever is stopped already is told where.
      return new Answer(undefined, () => {
        if (this.moving) mover.pause();
        else if (this.lastStop) this.stopped({ ...this.lastStop, reason: 'pause' });
      });
    });
    this.dispatcher.handle('gmem/goTo', (args) => {
      const { position } = checked('GoToArguments', args);
      const { launched } = this.stoppedState('gmem/goTo');
      const { history } = launched;
      if (position > history.length)
        throw notThere(`There is no position ${position} yet: the run was followed up to ${history.length}.`);
      const body = { position };
      return new Answer(body, () =>
        this.move(async () => {
          history.goTo(position);
          const mover = position > 0 ? history.threadAfter(position - 1) : undefined;
          return { reason: 'goto', thread: mover ?? this.lastStop?.thread };
        }),
      );
    });
  }

  private move(how: () => Promise<Stop>): void {
    const { state } = this;
    if (!state) return;
    this.moving = true;
    this.atEnd = false;
    this.lastStop = undefined;
    state.inspector.forget();
    state.watchpoints.lookAgain(state.launched.simulation);
    how().then(
      (stop) => this.arrived(state, stop),
      (error: unknown) => {
        if (this.disposed) return;
        state.narrator.say(
          `The simulator has failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
          'important',
        );
        this.moving = false;
        this.terminate();
      },
    );
  }

  private arrived(state: State, stop: Stop): void {
    this.moving = false;
    // Another run took its place meanwhile.
    if (this.disposed || this.terminated || this.state !== state) return;
    if (stop.reason === 'end') {
      state.narrator.verdict();
      if (this.noDebug) {
        this.terminate();
        return;
      }
    }
    this.stopped(stop);
  }

  private stopped(stop: Stop): void {
    const { state } = this;
    if (!state) return;
    const { launched } = state;
    const { history, simulation } = launched;
    this.lastStop = stop;
    this.atEnd = simulation.over && history.position >= history.length;
    const thread = stop.thread ?? this.lastMover(launched) ?? launched.threads[0];
    const description =
      stop.description ?? (stop.reason === 'end' ? `the run is over: ${simulation.outcome}` : undefined);
    this.dispatcher.event('stopped', {
      reason: stop.reason,
      ...(description !== undefined && { description }),
      ...(stop.text !== undefined && { text: stop.text }),
      ...(thread && { threadId: this.idOf(thread) }),
      allThreadsStopped: true,
      ...(stop.hits && { hitBreakpointIds: stop.hits }),
    });
    this.changed(launched);
  }

  private lastMover({ history }: Launched): Thread | undefined {
    return history.position > 0 ? history.threadAfter(history.position - 1) : undefined;
  }

  /** Views of the machine are out of date. */
  private changed(launched: Launched): void {
    const { position, length } = launched.history;
    const changes = changesIn(launched.told(position));
    const ranges = (space: 'guest' | 'host') =>
      changes.filter((one) => one.space === space).map(({ start, pages }) => ({ start, pages }));
    this.dispatcher.event('gmem/stateChanged', {
      position,
      length,
      gfns: ranges('guest'),
      pfns: ranges('host'),
    });
  }

  /** The user changed a value: everything that is shown may be another. */
  private edited(): void {
    const { state } = this;
    if (!state) return;
    this.dispatcher.event('invalidated', { areas: ['variables'] });
    this.changed(state.launched);
  }

  // ---- breakpoints

  private handleBreakpoints(): void {
    const { dispatcher } = this;
    dispatcher.handle<DebugProtocol.SetBreakpointsArguments, DebugProtocol.SetBreakpointsResponse['body']>(
      'setBreakpoints',
      ({ source, breakpoints = [] }) => {
        const state = this.launchedState('setBreakpoints');
        if (source.path === undefined) throw notThere('A source without a path has no breakpoints.');
        const asked = breakpoints.map((one) => ({ ...one, line: this.toLine(one.line) }));
        const set = state.breakpoints.setOnLines(source.path, asked);
        return { breakpoints: set.map((one) => this.fromBreakpoint(one)) };
      },
    );
    dispatcher.handle<
      DebugProtocol.SetFunctionBreakpointsArguments,
      DebugProtocol.SetFunctionBreakpointsResponse['body']
    >('setFunctionBreakpoints', ({ breakpoints }) => {
      const set = this.launchedState('setFunctionBreakpoints').breakpoints.setOnFunctions(breakpoints);
      return { breakpoints: set.map((one) => this.fromBreakpoint(one)) };
    });
    dispatcher.handle<
      DebugProtocol.SetExceptionBreakpointsArguments,
      DebugProtocol.SetExceptionBreakpointsResponse['body']
    >('setExceptionBreakpoints', ({ filters }) => ({
      breakpoints: this.filters.set(filters) as DebugProtocol.Breakpoint[],
    }));
    dispatcher.handle<
      DebugProtocol.DataBreakpointInfoArguments,
      DebugProtocol.DataBreakpointInfoResponse['body']
    >('dataBreakpointInfo', (args) => this.stoppedState('dataBreakpointInfo').inspector.watchInfo(args));
    dispatcher.handle<
      DebugProtocol.SetDataBreakpointsArguments,
      DebugProtocol.SetDataBreakpointsResponse['body']
    >('setDataBreakpoints', ({ breakpoints }) => {
      const { watchpoints, launched } = this.launchedState('setDataBreakpoints');
      return { breakpoints: watchpoints.set(breakpoints, launched.simulation) };
    });
    dispatcher.handle<
      DebugProtocol.BreakpointLocationsArguments,
      DebugProtocol.BreakpointLocationsResponse['body']
    >('breakpointLocations', ({ source, line, endLine = line }) => {
      const { launched } = this.launchedState('breakpointLocations');
      const file = source.path === undefined ? undefined : this.files.fileIn(launched.root, source.path);
      if (file === undefined) return { breakpoints: [] };
      const lines = breakableLines(launched.simulation.c, file, this.toLine(line), this.toLine(endLine));
      return { breakpoints: lines.map((one) => ({ line: this.fromLine(one) })) };
    });
    dispatcher.handle('exceptionInfo', () => {
      const { inspector } = this.stoppedState('exceptionInfo');
      return inspector.hazardInfo(this.lastStop?.hazard);
    });
  }

  // ---- looking

  private handleLooks(): void {
    const { dispatcher } = this;
    dispatcher.handle('threads', (): DebugProtocol.ThreadsResponse['body'] => {
      const { launched } = this.launchedState('threads');
      return {
        threads: launched.threads.map((thread) => ({
          id: this.idOf(thread),
          name: `${thread.name}${this.moving ? '' : stateText(thread)}`,
        })),
      };
    });
    dispatcher.handle<DebugProtocol.StackTraceArguments, DebugProtocol.StackTraceResponse['body']>(
      'stackTrace',
      ({ threadId, startFrame = 0, levels = 0 }) => {
        const state = this.stoppedState('stackTrace');
        const frames = state.inspector.frames(this.threadOf(state, threadId), startFrame, levels);
        return {
          ...frames,
          stackFrames: frames.stackFrames.map((frame) => ({
            ...frame,
            line: this.fromLine(frame.line),
            column: frame.column === 0 ? 0 : frame.column - (this.lines.columnsStartAt1 ? 0 : 1),
          })),
        };
      },
    );
    dispatcher.handle<DebugProtocol.ScopesArguments, DebugProtocol.ScopesResponse['body']>(
      'scopes',
      ({ frameId }) => this.stoppedState('scopes').inspector.scopes(frameId),
    );
    dispatcher.handle<DebugProtocol.VariablesArguments, DebugProtocol.VariablesResponse['body']>(
      'variables',
      (args) => this.stoppedState('variables').inspector.variables(args),
    );
    dispatcher.handle<DebugProtocol.EvaluateArguments, DebugProtocol.EvaluateResponse['body']>(
      'evaluate',
      (args) => {
        const state = this.stoppedState('evaluate');
        return state.inspector.evaluate(args, this.lastStop?.thread ?? state.launched.threads[0]);
      },
    );
    dispatcher.handle<DebugProtocol.SetVariableArguments, DebugProtocol.SetVariableResponse['body']>(
      'setVariable',
      (args) => this.stoppedState('setVariable').inspector.setVariable(args),
    );
    dispatcher.handle<DebugProtocol.SetExpressionArguments, DebugProtocol.SetExpressionResponse['body']>(
      'setExpression',
      (args) => this.stoppedState('setExpression').inspector.setExpression(args),
    );
    dispatcher.handle('loadedSources', (): DebugProtocol.LoadedSourcesResponse['body'] => {
      const { launched } = this.launchedState('loadedSources');
      const { c } = launched.simulation;
      const files = new Set(c.enteredFunctions().map(({ compiled }) => compiled.symbol.loc.file));
      return {
        sources: [
          launched.scenarioSource(launched.scenarioPath),
          ...[...files]
            .filter((file) => file.includes('/'))
            .sort()
            .map((file) => launched.source(file)),
        ],
      };
    });
    dispatcher.handle('source', () => {
      throw notThere('All sources are files: none is asked for by reference.');
    });
  }

  private handleViews(): void {
    const { dispatcher } = this;
    dispatcher.handle('gmem/machineView', (args) => {
      const asked = checked('MachineViewArguments', args);
      const { launched } = this.stoppedState('gmem/machineView');
      const { position } = launched.history;
      return machineView(launched.simulation, position, launched.told(position), asked);
    });
    dispatcher.handle('gmem/timeline', (args) =>
      timeline(this.stoppedState('gmem/timeline').launched, checked('TimelineArguments', args)),
    );
    dispatcher.handle('gmem/changes', (args) =>
      changesOf(this.stoppedState('gmem/changes').launched, checked('ChangesArguments', args)),
    );
    dispatcher.handle('gmem/explain', (args) => {
      const { threadId } = checked('ExplainArguments', args);
      const state = this.stoppedState('gmem/explain');
      const { launched, inspector } = state;
      const thread =
        threadId === undefined
          ? (this.lastStop?.thread ?? this.lastMover(launched) ?? launched.threads[0])
          : this.threadOf(state, threadId);
      if (!thread) throw notThere('There is no actor in this scenario.');
      const [frame] = inspector.shown(thread);
      const path = frame?.source?.path;
      const text = path === undefined ? undefined : this.files.text(path, this.launch?.overlays ?? {});
      const line = frame && text?.split('\n')[frame.line - 1];
      const told = launched.told(launched.history.position);
      return { explanations: explain(launched.simulation, thread, told, line) };
    });
  }

  // ---- states and numbers

  private launchedState(command: string): State {
    if (!this.state) throw notLaunched(command);
    return this.state;
  }

  private stoppedState(command: string): State {
    const state = this.launchedState(command);
    if (this.moving) throw running(command);
    return state;
  }

  private idOf(thread: Thread): number {
    return (this.state?.launched.threads.indexOf(thread) ?? 0) + 1;
  }

  private threadOf({ launched }: State, id: number): Thread {
    const thread = launched.threads[id - 1];
    if (!thread) throw noSuchThread(id);
    return thread;
  }

  private toLine(line: number): number {
    return this.lines.startAt1 ? line : line + 1;
  }

  private fromLine(line: number): number {
    return this.lines.startAt1 ? line : line - 1;
  }

  private fromBreakpoint(breakpoint: DebugProtocol.Breakpoint): DebugProtocol.Breakpoint {
    const { line } = breakpoint;
    return line === undefined ? breakpoint : { ...breakpoint, line: this.fromLine(line) };
  }
}

const isBackward = (command: string): boolean => command === 'stepBack' || command === 'reverseContinue';

function stateText(thread: Thread): string {
  if (thread.state === 'ended') return ' (done)';
  return thread.state === 'blocked' && whyNot(thread) !== undefined ? ' (waits)' : '';
}
