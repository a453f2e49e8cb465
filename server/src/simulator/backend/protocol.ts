/**
 * What the simulator's process and its clients say to each other. JSON-RPC 2.0 messages over a pipe or a loopback socket;
 * docs/simulator-protocol.md describes them for other clients, grammars/simulator-protocol.schema.json checks what comes
 * in, and a test holds the three together. Nothing here knows a transport.
 *
 * Paths are absolute unless a comment says otherwise. Lines and columns count from 1; ends are exclusive.
 */

/** Raised when a message changes its meaning; additions don't raise it. */
export const PROTOCOL_VERSION = 1;

/** Requests by name, with what is sent and what is answered. */
export interface SimulatorRequests {
  /** First of all; everything else is refused before it. */
  initialize: { params: InitializeParams; result: InitializeResult };
  /** Scenarios of the library and of files or folders. */
  scenarios: { params: ScenariosParams; result: ScenariosResult };
  /** One scenario from start to end. `$/cancelRequest` stops it. */
  run: { params: RunParams; result: RunAnswer };
  /** Opens a debug session; its Debug Adapter Protocol messages go as `debug/message`. */
  'debug/start': { params: DebugStartParams; result: DebugStartResult };
  /** Answered at once, whatever runs: who hears nothing for long may end the process. */
  status: { params: StatusParams; result: StatusResult };
  /** Runs are cancelled, sessions are ended; the process ends when its client closes the connection. */
  shutdown: { params: StatusParams; result: null };
}

/** Notifications by name. */
export interface SimulatorNotifications {
  /** From the simulator, a few times a second. */
  'run/progress': RunProgress;
  /** Both ways: a message of the Debug Adapter Protocol. */
  'debug/message': DebugMessage;
  /** Both ways: the session is over. */
  'debug/end': DebugEnd;
}

/** Error codes beside those of JSON-RPC. */
export const SimulatorErrors = {
  /** As the Language Server Protocol has it: `initialize` was not sent. */
  notInitialized: -32002,
  /** As the Language Server Protocol has it: the request was cancelled. */
  cancelled: -32800,
  /** Client and simulator speak different versions. */
  version: -32810,
  /** No such scenario, variant, tree or file. */
  notFound: -32811,
  /** The scenario can't be run; the message says why, `data` is a `ProblemsData`. */
  notRunnable: -32812,
  /** No such debug session. */
  noSession: -32813,
} as const;

export interface InitializeParams {
  readonly version: number;
  /** Who asks, for messages. */
  readonly client?: string;
}

export interface InitializeResult {
  readonly version: number;
  /** Version of the program. */
  readonly server: string;
  readonly pid: number;
}

export interface ScenariosParams {
  /** Scenario files. */
  readonly files?: readonly string[];
  /** Folders that are searched for scenario files, with their subfolders. */
  readonly folders?: readonly string[];
  /** Also those that come with the tool; default true. */
  readonly library?: boolean;
  /** Texts that aren't saved yet, by path. */
  readonly overlays?: Overlays;
}

/** Texts that aren't saved yet, by absolute path; they come before the files on disk. */
export type Overlays = Readonly<Record<string, string>>;

export interface ScenariosResult {
  readonly scenarios: readonly ScenarioSummary[];
}

export interface ScenarioSummary {
  /** What `run` and a launch take: the name of a bundled one, else the path. */
  readonly id: string;
  /** The file's name without its ending. */
  readonly name: string;
  readonly path: string;
  readonly title: string;
  readonly about: string;
  /** Rows of the mails. */
  readonly rows: readonly string[];
  readonly platform: string;
  readonly design: string;
  /** Whether it comes with the tool. */
  readonly bundled: boolean;
  /** Of its title. */
  readonly range: Range;
  readonly variants: readonly VariantSummary[];
  /** Why it can't be run; none if it can. */
  readonly refusals: readonly string[];
  /** What is wrong with the file; then the other members are empty. */
  readonly problems: readonly Problem[];
}

export interface VariantSummary {
  readonly name: string;
  readonly about: string;
  readonly range: Range;
  readonly refusals: readonly string[];
}

export interface Range {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface Problem extends Range {
  readonly file: string;
  readonly message: string;
  readonly remedy: string;
}

/** With `SimulatorErrors.notRunnable`. */
export interface ProblemsData {
  readonly problems: readonly Problem[];
}

export interface RunParams {
  /** A scenario file, or the name of a bundled one. */
  readonly scenario: string;
  readonly variant?: string;
  /** A kernel tree; without it the reference kernel of the scenario's design. */
  readonly tree?: string;
  /** Another design than the scenario's. */
  readonly design?: string;
  readonly overlays?: Overlays;
  /** Give up after so many steps of C. */
  readonly maxSteps?: number;
  /** The story with every step; default: without it. */
  readonly trace?: boolean;
  /** Named in `run/progress`. */
  readonly token?: string;
}

export interface RunAnswer {
  /** Integers of 64 bits are hexadecimal texts. */
  readonly result: RunReport;
  /** Folder that the paths of `result` are relative to. */
  readonly root: string;
  /** Milliseconds. */
  readonly ms: number;
  /** Functions of the tree that were entered. */
  readonly functions: readonly FunctionPlace[];
  /** By path relative to `root`. */
  readonly lines: Readonly<Record<string, LineCoverage>>;
}

/** See `RunResult` in scenario/result.ts. */
export interface RunReport {
  readonly scenario: string;
  readonly file: string;
  readonly variant?: string;
  readonly design: string;
  readonly rows: readonly string[];
  readonly outcome: 'ok' | 'violation' | 'error';
  /** Whether all came out as the scenario says. */
  readonly passed: boolean;
  readonly message?: string;
  readonly hazards: readonly HazardReport[];
  readonly expectations: readonly ExpectationReport[];
  readonly steps: number;
  readonly counters: Readonly<Record<string, number>>;
  /** Functions that are neither in the C nor modelled: what they gave is unknown. */
  readonly unmodelled: readonly UnmodelledReport[];
  readonly story?: readonly object[];
}

export interface HazardReport {
  readonly kind: string;
  readonly message: string;
  readonly row?: string;
  readonly actor: string;
  readonly file?: string;
  readonly line?: number;
  readonly function?: string;
  readonly pfn?: number;
  readonly gfn?: number;
  readonly path: readonly FunctionPlace[];
}

export interface UnmodelledReport {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** Calls. */
  readonly count: number;
}

export interface ExpectationReport {
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
  readonly ok: boolean;
  /** In the scenario's file. */
  readonly at?: { readonly file: string; readonly line: number };
}

export interface FunctionPlace {
  readonly function: string;
  /** Relative to `root`. */
  readonly file: string;
  readonly line: number;
}

export interface LineCoverage {
  readonly executed: readonly number[];
  /** Lines of functions that were entered, at which a step could have begun and didn't. */
  readonly missed: readonly number[];
}

export interface RunProgress {
  readonly token: string;
  /** Steps of C so far. */
  readonly steps: number;
  readonly actor: string;
}

export interface DebugStartParams {
  /** Who asks, for messages. */
  readonly client?: string;
}

export interface DebugStartResult {
  readonly session: number;
}

export interface DebugMessage {
  readonly session: number;
  /** As the Debug Adapter Protocol has it: `seq`, `type` and so on. */
  readonly message: object;
}

export interface DebugEnd {
  readonly session: number;
  /** Why, if it didn't end by itself. */
  readonly reason?: string;
}

export type StatusParams = Readonly<Record<string, never>>;

export interface StatusResult {
  /** The run that is going on. */
  readonly running: { readonly scenario: string; readonly steps: number } | null;
  /** Runs that wait for it. */
  readonly waiting: number;
  /** Open debug sessions. */
  readonly sessions: number;
  /** Bytes of the process. */
  readonly memory: number;
}
