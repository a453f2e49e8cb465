/** The tree that a command works on. */
import { tuneForOneRun } from '../host/engine.js';
import { type LoadedProgram, loadProgram } from '../host/load-program.js';
import { readProjectText } from '../host/project-text.js';
import { type Snapshot, type SnapshotOptions, takeSnapshot } from '../host/snapshot.js';
import { LOCK_WORDS } from '../locks/primitives.js';
import { loadProjectRules, type Project } from '../rules/load-project-rules.js';
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

/**
 * What the tree's `.gmem-lens.yaml` says.
 * @param tree absolute path
 * @throws ProjectFileError, TreeError when the file can't be used
 */
export const loadProject = (tree: string): Promise<Project> =>
  loadProjectRules((file) => readProjectText(tree, file));

/** @param snapshot one that was taken already */
export async function loadTree(
  tree: string,
  options: TreeOptions,
  snapshot: Snapshot = takeSnapshot(snapshotOptions(tree, options)),
  project?: Project,
): Promise<LoadedTree> {
  tuneForOneRun();
  const { rules } = project ?? (await loadProject(snapshot.tree));
  const loaded = await loadProgram({
    ...snapshotOptions(tree, options),
    watched: LOCK_WORDS,
    readHere: true,
    onProgress: progressLine('reading'),
    snapshot,
    ...(options.workers !== undefined && { workers: options.workers }),
  });
  return { loaded, analysis: new TreeAnalysis(loaded.program, rules) };
}
