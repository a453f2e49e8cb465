/** The tree that a command works on. */
import { type LoadedProgram, loadProgram } from '../host/load-program.js';
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

export async function loadTree(tree: string, options: TreeOptions): Promise<LoadedTree> {
  const loaded = await loadProgram({
    tree,
    scope: options.scope,
    architecture: options.arch,
    watched: LOCK_WORDS,
    onProgress: progressLine('reading'),
    ...(options.config !== undefined && { config: options.config }),
    ...(options.workers !== undefined && { workers: options.workers }),
  });
  return { loaded, analysis: new TreeAnalysis(loaded.program) };
}
