/** Scenarios on Debian's tree, and the order of calls and locks that a run of them has. */
import { join } from 'node:path';
import { loadTreeKernel } from '../../server/src/backend/load-tree-kernel.ts';
import type { KernelCode } from '../../server/src/simulator/scenario/kernel-code.ts';
import { loadScenario } from '../../server/src/simulator/scenario/load.ts';
import type { RunResult, StoryEntry } from '../../server/src/simulator/scenario/result.ts';
import { runScenario } from '../../server/src/simulator/scenario/run.ts';
import { testCache } from '../support/cache.ts';
import { fetchKernel, type KernelVersion } from './fetch-kernel.ts';

/** @param overlay texts of files instead of the tree's own, by path */
export async function kernelOf(
  version: KernelVersion,
  overlay: Readonly<Record<string, string>> = {},
): Promise<KernelCode> {
  const tree = await fetchKernel(version);
  const options = { tree, cacheFolder: join(testCache(), 'facts') };
  const { code, saved } = await loadTreeKernel(options, (path) => overlay[path]);
  await saved;
  return code;
}

export function runYaml(yaml: string, kernel: KernelCode): RunResult {
  const { scenario, problems } = loadScenario('test.yaml', (path) =>
    path.endsWith('test.yaml') ? yaml : undefined,
  );
  if (!scenario) throw new Error(problems.map(({ message }) => message).join('\n'));
  return runScenario({ scenario, kernel });
}

/** Entries of one action: after it began, until its result. */
export function entriesOf(result: RunResult, actor: string, nth: number): StoryEntry[] {
  const own = result.story.filter((entry) => entry.actor === actor);
  const starts = own.flatMap((entry, at) => (entry.kind === 'action' ? [at] : []));
  const from = starts[nth];
  if (from === undefined) throw new Error(`${actor} has no action ${nth}: ${result.message ?? ''}`);
  const to = own.findIndex((entry, at) => at > from && entry.kind === 'result');
  return own.slice(from + 1, to < 0 ? undefined : to);
}

/**
 * Calls as `name`, locks as `+lock(mode)`, of those alone that a sequence names: what a function tracer shows when it is told
 * to look at these.
 */
export function sequenceOf(entries: readonly StoryEntry[], wanted: readonly string[]): string[] {
  const seen: string[] = [];
  for (const entry of entries) {
    if (entry.kind === 'enter') seen.push(entry.function);
    else if (entry.kind === 'lock')
      seen.push(`${entry.change}${lockName(entry.name)}${MODES[entry.mode] ?? ''}`);
  }
  const names = new Set(wanted);
  return seen.filter((one) => names.has(one) || /^[+-](slots_lock|invalidate_lock|mmu_lock)/.test(one));
}

const MODES: Readonly<Record<string, string>> = { write: '(W)', read: '(R)' };
const lockName = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
