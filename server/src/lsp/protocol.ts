/**
 * What client and server say to each other beyond the Language Server Protocol. Both import it, so it imports neither:
 * types, names of messages, names of commands.
 */

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
}

/** Notifications of the server by name. */
export interface ServerNotifications {
  'gmemLens/status': Status;
  /** Marks that were asked for may be others now; sent only to who has asked before. */
  'gmemLens/lockMarks/refresh': undefined;
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

/** Command of a code lens, carried out by the client; it takes `ShowCallersArguments`. */
export const SHOW_CALLERS = 'gmemLens.showCallers';

/** A document and a place in it. */
export type ShowCallersArguments = readonly [uri: string, position: Position];

/** Command of hovers and code actions, carried out by the client: its argument is a `LockPathParams`. */
export const SHOW_LOCK_PATH = 'gmemLens.showLockPath';

/** Command of code actions, carried out by the client: its argument is a rule's name. */
export const EXPLAIN_RULE = 'gmemLens.explainRule';
