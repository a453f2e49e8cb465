/** The built command line as a program of its own, on small trees made for it. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

export const root = join(import.meta.dirname, '..', '..');
export const cli = join(root, 'dist', 'cli.js');
/** The bundled reference kernel, and its variant that updates the RMP under mmu_lock. */
export const referenceKernel = join(root, 'server', 'kernels', 'guest-memfd');
export const faulty = ['--config', join(referenceKernel, 'configs', 'hook-set-attributes.config')];
export const correct = ['--config', join(referenceKernel, 'configs', 'correct.config')];

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** A folder that goes away after the tests of the file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'gmem-lens-cli-')));
  folders.push(folder);
  return folder;
}

/** A tree with these files. */
export async function treeOf(files: Record<string, string>): Promise<string> {
  const tree = await temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
  }
  return tree;
}

let cache: Promise<string> | undefined;

/** Runs `gmem-lens` to its end. Its cache is this test file's own. */
export async function gmemLens(...args: readonly string[]): Promise<Ended> {
  cache ??= temporaryFolder();
  return program(process.execPath, [cli, ...args], { ...process.env, GMEM_LENS_CACHE: await cache });
}

export function program(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      ended.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      ended.stderr += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, ...ended }));
  });
}

/** What a program that reads JSON lines gets. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
