import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { expect, test } from 'vitest';
import { forbidden, options } from './architecture.rules.ts';

const root = join(import.meta.dirname, '..');

async function violations(baseDir: string): Promise<string[]> {
  const { output } = await cruise(
    ['client/src', 'server/src'],
    { ...options, baseDir, ruleSet: { forbidden }, validate: true },
    undefined,
    { tsConfig: extractTSConfig(join(root, 'tsconfig.json')) },
  );
  const { summary, modules } = output as ICruiseResult;
  expect(modules.length).toBeGreaterThan(0);
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
}

/** What the rules say of a project made of these files. */
async function violationsOf(files: Record<string, string>): Promise<string[]> {
  const project = await realpath(await mkdtemp(join(tmpdir(), 'gmem-lens-layers-')));
  try {
    for (const [path, text] of Object.entries({ 'client/src/x.ts': '', ...files })) {
      await mkdir(dirname(join(project, path)), { recursive: true });
      await writeFile(join(project, path), text);
    }
    return await violations(project);
  } finally {
    await rm(project, { recursive: true, force: true });
  }
}

test('the layers import each other one way only', async () => {
  expect(await violations(root)).toEqual([]);
});

test('an arrow against the direction is found, even if it is only a type', async () => {
  const found = await violationsOf({
    'server/src/kernel-c/a.ts': "import type { B } from '../program/b.ts'; export type A = B;",
    'server/src/program/b.ts': 'export type B = 1;',
    'server/src/rules/c.ts': "import '../simulator/d.ts'; import '../host/e.ts';",
    'server/src/simulator/d.ts': 'export {};',
    'server/src/host/e.ts': 'export {};',
  });
  expect(found.sort()).toEqual([
    'host-for-frontends-only: server/src/rules/c.ts → server/src/host/e.ts',
    'layer-kernel-c: server/src/kernel-c/a.ts → server/src/program/b.ts',
    'layer-rules: server/src/rules/c.ts → server/src/host/e.ts',
    'layer-rules: server/src/rules/c.ts → server/src/simulator/d.ts',
  ]);
});

test('a package outside its owner, a file access in the analysis and a cycle are found', async () => {
  const found = await violationsOf({
    'server/src/lsp/a.ts': "import 'vscode'; import 'web-tree-sitter';",
    'server/src/program/b.ts': "import { readFile } from 'node:fs/promises'; export { readFile };",
    'server/src/locks/c.ts': "import { d } from './d.ts'; export const c = () => d;",
    'server/src/locks/d.ts': "import { c } from './c.ts'; export const d = () => c;",
  });
  expect(found.map((line) => line.replace(/:.*/, '')).sort()).toEqual([
    'analysis-does-no-io',
    'no-cycles',
    'owner-of-vscode-vscode-languageclient',
    'owner-of-web-tree-sitter-tree-sitter-c',
    'resolvable',
  ]);
});
