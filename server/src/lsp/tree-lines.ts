/** Locks by line of a tree as it is now, for the locks that a user wants to see. */

import { type FunctionLines, LockLines, together } from '../locks/lock-lines.js';
import type { LockName } from '../locks/lock-state.js';
import type { FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';
import type { TreeAnalysis } from '../rules/tree-analysis.js';
import { MMU_LOCK, shownLocks } from './shown-locks.js';

export interface WantedLines {
  readonly locks: readonly LockName[];
  /** @param instances the functions that one text is: several for a template's */
  of(instances: readonly FunctionNode[]): FunctionLines;
}

/** A file's functions by their text. */
export function functionTexts(program: Program, file: string): [FunctionNode, ...FunctionNode[]][] {
  const texts = new Map<string, [FunctionNode, ...FunctionNode[]]>();
  for (const node of program.functionsIn(file)) {
    const { firstLine, instance } = node.facts;
    const key = instance === undefined ? node.id : `${firstLine}`;
    const known = texts.get(key);
    if (known) known.push(node);
    else texts.set(key, [node]);
  }
  return [...texts.values()];
}

export class TreeLines {
  private all: LockLines | undefined;
  private ofRules: LockLines | undefined;

  constructor(private readonly analysis: TreeAnalysis) {}

  /** @param names locks as users name them */
  wanted(names: readonly string[]): WantedLines {
    const { analysis } = this;
    const locks = shownLocks(names, () => analysis.contexts.lockNames);
    // Rules have the contexts of a few locks at hand, of this one always; those of every lock take several times as long.
    const isCheap = locks.every((lock) => lock === MMU_LOCK);
    const lines = isCheap
      ? (this.ofRules ??= new LockLines(analysis.ruleContexts))
      : (this.all ??= new LockLines(analysis.contexts));
    return { locks, of: (instances) => together(instances.map((node) => lines.of(node, locks))) };
  }
}
