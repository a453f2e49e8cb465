/** The tree that a command works on. */
import { type LoadedProgram, loadProgram } from '../host/load-program.js';
import type { Snapshot, SnapshotOptions } from '../host/snapshot.js';
import { LOCK_WORDS } from '../locks/primitives.js';
import { TreeAnalysis } from '../rules/tree-analysis.js';
import { progressLine } from './output.js';

/** Options that every command on a tree takes. */
export interface TreeOptions {
  scope: string;
  arch: string;
  config?: string;
  workers?: number;
}

export interface LoadedTree {
  loaded: LoadedProgram;
  analysis: TreeAnalysis;
}

export function snapshotOptions(tree: string, options: TreeOptions): SnapshotOptions {
  return {
    tree,
    scope: options.scope,
    architecture: options.arch,
    ...(options.config !== undefined && { config: options.config }),
  };
}

/** @param snapshot one that was taken already */
export async function loadTree(tree: string, options: TreeOptions, snapshot?: Snapshot): Promise<LoadedTree> {
  const loaded = await loadProgram({
    ...snapshotOptions(tree, options),
    watched: LOCK_WORDS,
    readHere: true,
    onProgress: progressLine('reading'),
    ...(snapshot && { snapshot }),
    ...(options.workers !== undefined && { workers: options.workers }),
  });
  return { loaded, analysis: new TreeAnalysis(loaded.program) };
}
