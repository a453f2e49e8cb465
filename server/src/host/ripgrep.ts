/** Word search over a whole tree by ripgrep: VS Code's own binary, else one on the PATH. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { TreeError } from './tree.js';

const MAX_OUTPUT = 64 * 1024 * 1024;

/** @param preferred a binary that somebody names, e.g. the editor's */
async function ripgrepPath(preferred?: string): Promise<string> {
  if (preferred !== undefined && existsSync(preferred)) return preferred;
  try {
    // Its module throws where the package came without a binary for this machine.
    const { rgPath } = await import('@vscode/ripgrep');
    if (existsSync(rgPath)) return rgPath;
  } catch {
    // The PATH's, then.
  }
  return 'rg';
}

/**
 * C files of the kernel proper that contain one of the words, relative to the tree, sorted.
 * @param architecture the folder of arch/ that counts; the others are left out
 * @throws TreeError when there is no ripgrep
 */
export async function filesWithWords(
  tree: string,
  words: readonly string[],
  architecture: string,
  preferred?: string,
): Promise<string[]> {
  if (words.length === 0) return [];
  const globs = [
    '*.c',
    '*.h',
    '!/arch/*/**',
    `/arch/${architecture}/**/*.c`,
    `/arch/${architecture}/**/*.h`,
    '!/tools/**',
    '!/Documentation/**',
    '!/samples/**',
    '!/scripts/**',
  ];
  const args = [
    '--files-with-matches',
    '--word-regexp',
    '--fixed-strings',
    '--no-messages',
    '--no-ignore',
    '--null',
    ...globs.flatMap((glob) => ['--glob', glob]),
    ...words.flatMap((word) => ['-e', word]),
    './',
  ];
  const path = await ripgrepPath(preferred);
  return new Promise((resolve, reject) => {
    execFile(path, args, { cwd: tree, maxBuffer: MAX_OUTPUT, encoding: 'utf8' }, (error, stdout) => {
      // Status 1: nothing found; 2 with output: some file could not be read.
      const code = error?.code as string | number | undefined;
      if (code === 'ENOENT')
        reject(
          new TreeError(
            'ripgrep is needed to search the whole tree, and there is none.',
            'Install ripgrep (rg), or use --scope kvm.',
          ),
        );
      else if (error && typeof code !== 'number') reject(error);
      else
        resolve(
          stdout
            .split('\0')
            .filter(Boolean)
            .map((file) => file.replace(/^\.\//, ''))
            .sort(),
        );
    });
  });
}
