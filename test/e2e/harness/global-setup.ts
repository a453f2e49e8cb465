/** Once a run: the editor, the browser, and our extension packed and installed as users do it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { progress, run } from '../../support/run.ts';
import { findChromium } from './chromium.ts';
import { installCodeServer } from './code-server.ts';

/** What test files get from here, by vitest's `inject('editor')`. */
export interface InstalledEditor {
  /** VS Code's server-main.js. */
  readonly serverMain: string;
  /** The folder with our extension and no other. */
  readonly extensions: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    editor: InstalledEditor;
  }
}

const root = join(import.meta.dirname, '..', '..', '..');

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await findChromium();
  const serverMain = await installCodeServer();
  const scratch = await mkdtemp(join(tmpdir(), 'gmem-lens-e2e-'));
  const vsix = join(scratch, 'guest-memory-lens.vsix');
  const extensions = join(scratch, 'extensions');
  progress('packing and installing the extension');
  await run(process.execPath, [join(root, 'scripts', 'package.mjs'), '--out', vsix]);
  await run(process.execPath, [
    serverMain,
    '--install-extension',
    vsix,
    '--extensions-dir',
    extensions,
    '--server-data-dir',
    join(scratch, 'data'),
    '--accept-server-license-terms',
  ]);
  project.provide('editor', { serverMain, extensions });
  return () => rm(scratch, { recursive: true, force: true });
}
