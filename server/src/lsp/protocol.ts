/**
 * What client and server say to each other beyond the Language Server Protocol. Both import it, so it imports neither:
 * types, names of messages, names of commands.
 */
import type { RunAnswer } from '../simulator/backend/protocol.js';

export type { RunAnswer } from '../simulator/backend/protocol.js';

/** Requests of the client by name, with what is sent and what is answered. */
export interface ServerRequests {
  /** Forgets what was read of the tree and reads it again; answered when the new index is in place. */
  'gmemLens/reindex': { params: undefined; result: null };
  /** Where locks are held in an open document; null for one that isn't read. */
  'gmemLens/lockMarks': { params: LockMarksParams; result: LockMarks | null };
  /** The shortest way to a place under a lock; null where none is held. */
  'gmemLens/lockPath': { params: LockPathParams; result: LockPath | null };
  /** What there is to read about a rule, as Markdown; null for one that isn't known. */
  'gmemLens/ruleExplanation': { params: RuleExplanationParams; result: string | null };
  /** All scenarios that are known: those of the library, and the files that `gmemLens/scenarioFiles` named. */
  'gmemLens/scenarios': { params: undefined; result: ScenarioItem[] };
  /** Those that pass through the function at a place, as far as runs and the call graph say. */
  'gmemLens/scenariosAt': { params: ScenariosAtParams; result: ScenarioChoice[] };
  /** Runs one in the simulator, with unsaved texts; `$/cancelRequest` stops it. */
  'gmemLens/runScenario': { params: RunScenarioParams; result: RunAnswer };
  /** What a debugger is to launch for one. */
  'gmemLens/runTarget': { params: RunScenarioParams; result: RunTarget };
}

/** Notifications of the client by name. */
export interface ClientNotifications {
  /** The scenario files of the workspace: all of them, each time. */
  'gmemLens/scenarioFiles': ScenarioFiles;
}

/** Notifications of the server by name. */
export interface ServerNotifications {
  'gmemLens/status': Status;
  /** Marks that were asked for may be others now; sent only to who has asked before. */
  'gmemLens/lockMarks/refresh': undefined;
  /** Scenarios came, went or were edited. */
  'gmemLens/scenarios/changed': undefined;
  /** A few times a second while one runs. */
  'gmemLens/runProgress': RunScenarioProgress;
}

/** `initializationOptions` of the `initialize` request. Editors without them get the folder they opened. */
export interface InitializationOptions {
  /** The kernel tree to read, absolute. */
  readonly tree?: string;
  /** A folder for the cache, absolute; it may not exist yet. */
  readonly storagePath?: string;
  /** The editor's own ripgrep, absolute. */
  readonly ripgrepPath?: string;
  /** The section `gmemLens` of the configuration. */
  readonly settings?: unknown;
  /** The client carries out the commands below where a hover links to them. */
  readonly commandLinks?: boolean;
}

/** How far the server is; each notification replaces the one before. */
export interface Status {
  readonly state: 'indexing' | 'ready' | 'failed';
  /** Files read so far, and to be read: while indexing. */
  readonly done?: number;
  readonly total?: number;
  /** Counts over the scope: when ready. */
  readonly files?: number;
  readonly functions?: number;
  readonly findings?: number;
  /** Files that could not be read wholly, and the like. */
  readonly notes?: number;
  /** The kernel tree, absolute. */
  readonly tree?: string;
  /** Why it failed, in one line. */
  readonly message?: string;
  /** What the user can do about it, in one line. */
  readonly remedy?: string;
}

/** Line and character start at 0, as in the Language Server Protocol. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

export interface Location {
  readonly uri: string;
  readonly range: Range;
}

export interface TextDocumentIdentifier {
  readonly uri: string;
}

export interface LockMarksParams {
  readonly textDocument: TextDocumentIdentifier;
}

/** Lines, counted from 0 and all of them, on which a lock is held in one way. */
export interface LockMark {
  /** As hovers name it: `kvm.mmu_lock`. */
  readonly lock: string;
  /** `read`, `write`, `spin`, `mutex`, `srcu`, `rcu`; several: one on some ways, another on others. */
  readonly modes: readonly string[];
  readonly when: 'always' | 'sometimes';
  readonly startLine: number;
  readonly endLine: number;
}

export interface LockMarks {
  /** Of the document that the lines are of. */
  readonly version: number;
  /** The locks that the setting `gmemLens.lockMarks.locks` asks for, in its order. */
  readonly locks: readonly string[];
  readonly marks: readonly LockMark[];
}

export interface LockPathParams {
  readonly textDocument: TextDocumentIdentifier;
  readonly position: Position;
  /** The lock whose way is wanted; without one, the most interesting that is held there. */
  readonly lock?: string;
  readonly mode?: string;
  /** The way of this rule's finding at the position, instead of that to the line. */
  readonly rule?: string;
}

export interface LockPathStep {
  readonly function: string;
  readonly text: string;
  readonly location: Location;
}

/** From where a lock was taken down to a place. */
export interface LockPath {
  readonly title: string;
  readonly steps: readonly LockPathStep[];
}

export interface RuleExplanationParams {
  readonly rule: string;
}

export interface ScenarioFiles {
  readonly uris: readonly string[];
}

export interface ScenarioItem {
  /** What a run takes: the name of a bundled one, else its path. */
  readonly id: string;
  /** The file's name without its ending. */
  readonly name: string;
  readonly uri: string;
  readonly title: string;
  readonly about: string;
  /** Rows of the mails. */
  readonly rows: readonly string[];
  readonly design: string;
  readonly platform: string;
  /** Whether it comes with the tool. */
  readonly bundled: boolean;
  /** Where it names itself. */
  readonly range: Range;
  readonly variants: readonly VariantItem[];
  /** What is wrong with the file; such a one can't be run. */
  readonly problems: readonly string[];
}

export interface VariantItem {
  readonly name: string;
  readonly about: string;
  readonly range: Range;
}

export interface ScenariosAtParams {
  readonly textDocument: TextDocumentIdentifier;
  readonly position: Position;
}

export interface ScenarioChoice {
  /** As `ScenarioItem.id`. */
  readonly scenario: string;
  readonly variant?: string;
  readonly name: string;
  readonly title: string;
  readonly rows: readonly string[];
  /** `ran`: its last run entered the function; `may`: it wasn't run yet, and calls lead there. */
  readonly how: 'ran' | 'may';
  /** Name of the function that was asked about. */
  readonly function: string;
}

export interface RunScenarioParams {
  readonly scenario: string;
  readonly variant?: string;
  /**
   * `open`: the tree that is open, wherever the scenario can be carried out there; `reference`: the reference kernel of its
   * design, unless a copy of that is open.
   */
  readonly on: 'open' | 'reference';
  /** Named in `gmemLens/runProgress`. */
  readonly token?: string;
}

export interface RunTarget {
  readonly tree?: string;
  readonly design?: string;
}

export interface RunScenarioProgress {
  readonly token: string;
  /** Steps of C so far. */
  readonly steps: number;
  readonly actor: string;
}

/** Commands of code lenses, carried out by the client; they take a `ScenariosAtParams`. */
export const RUN_HERE = 'gmemLens.runHere';
export const STEP_HERE = 'gmemLens.stepHere';

/** Commands of code lenses, carried out by the client; they take a `LensScenario`. */
export const RUN_SCENARIO = 'gmemLens.runScenario';
export const STEP_SCENARIO = 'gmemLens.stepScenario';
export const SHOW_RUN = 'gmemLens.showRun';

export interface LensScenario {
  readonly scenario: string;
  readonly variant?: string;
}

/** Command of a code lens, carried out by the client; it takes `ShowCallersArguments`. */
export const SHOW_CALLERS = 'gmemLens.showCallers';

/** A document and a place in it. */
export type ShowCallersArguments = readonly [uri: string, position: Position];

/** Command of hovers and code actions, carried out by the client: its argument is a `LockPathParams`. */
export const SHOW_LOCK_PATH = 'gmemLens.showLockPath';

/** Command of code actions, carried out by the client: its argument is a rule's name. */
export const EXPLAIN_RULE = 'gmemLens.explainRule';
