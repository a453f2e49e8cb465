/**
 * What client and server say to each other beyond the Language Server Protocol.
 * The server's side is server/src/lsp/protocol.ts; a test keeps the two in step.
 */
import { NotificationType, RequestType0 } from 'vscode-languageclient/node';

/** `initializationOptions` of the `initialize` request. */
export interface InitializationOptions {
  /** The kernel tree to read, absolute. */
  readonly tree: string;
  /** A folder for the cache, absolute; it may not exist yet. */
  readonly storagePath: string;
  /** The editor's own ripgrep, absolute; absent where it can't be found. */
  readonly ripgrepPath?: string;
  /** The section `gmemLens` of the configuration as it is now; changes follow by `workspace/didChangeConfiguration`. */
  readonly settings: unknown;
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

/** Line and character start at 0, as in the Language Server Protocol. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** Arguments of the command `gmemLens.showCallers` in a code lens: a document's URI and a function's name in it. */
export type ShowCallersArguments = readonly [uri: string, position: Position];
