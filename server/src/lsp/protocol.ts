/**
 * What client and server say to each other beyond the Language Server Protocol.
 * The client's side is client/src/protocol.ts; a test keeps the two in step.
 */
import { NotificationType, RequestType0 } from 'vscode-languageserver/node';

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

export const StatusNotification = new NotificationType<Status>('gmemLens/status');

/** Forgets what was read of the tree and reads it again; answered when the new index is in place. */
export const ReindexRequest = new RequestType0<void, void>('gmemLens/reindex');

/** Command of a code lens, carried out by the client: arguments are a document's URI and a position in it, from 0. */
export const SHOW_CALLERS = 'gmemLens.showCallers';
