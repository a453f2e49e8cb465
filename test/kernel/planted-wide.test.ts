/** Bugs far from where others are planted: all are found with a path, and nothing else is said. */
import { afterEach, beforeAll, expect, test } from 'vitest';
import { KernelAnalysis } from './kernel-analysis.ts';
import { wideSeeds } from './planted-wide.ts';
import { Planting } from './seeds.ts';

let kernel: KernelAnalysis;
beforeAll(async () => {
  kernel = await KernelAnalysis.of('6.12');
});
afterEach(() => kernel.become(new Map()));

test('each is found where it stands, and no near miss is taken for one', async () => {
  const planting = new Planting(kernel).add(
    ...wideSeeds.filter(({ name }) => name.includes(process.env.SEED ?? '')),
  );
  await kernel.become(planting.texts);
  const rules = ['rmp-under-mmu-lock', 'sleep-under-mmu-lock', 'directmap-under-mmu-lock'];
  const findings = kernel.analysis.check(rules).filter(({ severity }) => severity !== 'info');
  const place = ({ file, line }: { file: string; line: number }) => `${file}:${line}`;
  const wanted = new Map(planting.bugs.map((bug) => [place(bug), bug.seed]));
  const found = new Set(findings.map(place));
  const missed = [...wanted].filter(([at]) => !found.has(at)).map(([at, seed]) => `${at} ${seed}`);
  const text = (file: string, line: number) => planting.texts.get(file)?.split('\n')[line - 1]?.trim();
  const wrong = findings
    .filter((finding) => !wanted.has(place(finding)))
    .map((finding) => `${place(finding)} ${finding.message} ${text(finding.file, finding.line)}`);
  expect({ missed, wrong }).toEqual({ missed: [], wrong: [] });
});
