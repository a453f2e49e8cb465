/** The shortest way in which a lock came to be held at a place, or that a finding tells of, step by step. */
import {
  type LockContext,
  type LockContexts,
  type PathStep,
  type Witness,
  witnessSteps,
} from '../../locks/contexts.js';
import type { LockName } from '../../locks/lock-state.js';
import type { FunctionNode } from '../../program/model.js';
import type { Finding } from '../../rules/finding.js';
import type { OpenTree } from '../kernel-workspace.js';
import type { LockPath, LockPathParams } from '../protocol.js';
import { MMU_LOCK } from '../shown-locks.js';
import { byLock } from './held-locks.js';
import { functionAtLine } from './places.js';

export function lockPath(open: OpenTree, file: string, params: LockPathParams): LockPath | null {
  return params.rule === undefined ? pathToLine(open, file, params) : pathOfFinding(open, file, params);
}

function pathOf({ locations }: OpenTree, title: string, steps: readonly PathStep[]): LockPath {
  return {
    title,
    steps: steps.map((step) => ({
      function: step.function,
      text: step.text,
      location: locations.location(step.file, step.line, step.column),
    })),
  };
}

/** @param line from 1 */
export function findingAt(
  open: OpenTree,
  file: string,
  rule: string,
  line: number,
  column?: number,
): Finding | undefined {
  const onLine = open.analysis.findings.filter(
    (finding) => finding.file === file && finding.rule === rule && finding.line === line,
  );
  return onLine.find((finding) => finding.column === column) ?? onLine[0];
}

function pathOfFinding(open: OpenTree, file: string, { rule, position }: LockPathParams): LockPath | null {
  const finding = findingAt(open, file, rule ?? '', position.line + 1, position.character + 1);
  return finding ? pathOf(open, finding.message, finding.path) : null;
}

/** How the wanted lock, or the most interesting one, comes to be held at a line. */
function way(
  contexts: LockContexts,
  node: FunctionNode,
  line: number,
  lock: LockName | undefined,
  mode: string | undefined,
): { chosen: LockContext; witness: Witness } | undefined {
  const held = byLock(contexts.beforeLine(node, line)).flat();
  const chosen = held.find(
    (one) => (lock === undefined || one.lock === lock) && (mode === undefined || one.mode === mode),
  );
  const witness = chosen && contexts.witnessBeforeLine(node, line, chosen.lock, chosen.mode);
  return witness && { chosen, witness };
}

function pathToLine(open: OpenTree, file: string, params: LockPathParams): LockPath | null {
  const { analysis } = open;
  const line = params.position.line + 1;
  const node = functionAtLine(analysis.program, file, line);
  if (!node) return null;
  const { lock = MMU_LOCK, mode } = params;
  // The contexts of rules know a few locks only, but are there at once.
  const quick = lock === MMU_LOCK ? way(analysis.ruleContexts, node, line, lock, mode) : undefined;
  const found = quick ?? way(analysis.contexts, node, line, params.lock, mode);
  if (!found) return null;
  const { chosen, witness } = found;
  const sometimes = chosen.when === 'sometimes' ? 'sometimes ' : '';
  const how = `${sometimes}held (${chosen.mode})`;
  const here: PathStep = {
    function: node.name,
    file,
    line,
    column: 1,
    via: 'lock',
    text: `${chosen.lock} is ${how} here`,
  };
  return pathOf(open, `${chosen.lock} is ${how} in ${node.name}, line ${line}`, [
    ...witnessSteps(witness, chosen.lock),
    here,
  ]);
}
