/** A real kernel tree on disk as the C that a scenario runs; editors' unsaved texts come before its files. */

import { bundleFiles } from '../host/bundle-files.js';
import { type LoadOptions, loadProgram } from '../host/load-program.js';
import { textOf } from '../host/scenario-files.js';
import { loadParser } from '../kernel-c/parser.js';
import { readFileFacts } from '../kernel-c/templates.js';
import type { KernelCode } from '../simulator/scenario/kernel-code.js';
import { treeKernel } from '../simulator/tree/tree-kernel.js';

export interface LoadedTreeKernel {
  code: KernelCode;
  /** Absolute path of the tree, links resolved. */
  root: string;
  /** Resolves when the facts are in the cache, or can't be. */
  saved: Promise<unknown>;
}

/**
 * @param overlay text of a file instead of the tree's own; `undefined` where there is none. Paths are relative to the tree
 * @throws TreeError when the tree can't be used
 */
export async function loadTreeKernel(
  options: LoadOptions,
  overlay: (path: string) => string | undefined = () => undefined,
): Promise<LoadedTreeKernel> {
  const loaded = await loadProgram({ readHere: true, ...options });
  const { program, tree } = loaded;
  const { configuration } = loaded.configuration;
  const templates = program.templates();
  for (const path of program.paths) {
    const text = overlay(path);
    if (text === undefined) continue;
    const parser = await loadParser(bundleFiles());
    program.setFile(path, readFileFacts(parser, text, configuration, templates.get(path)));
  }
  const readText = (path: string): string | undefined => overlay(path) ?? textOf(`${tree}/${path}`);
  return { code: treeKernel({ program, configuration, readText }), root: tree, saved: loaded.saved };
}
