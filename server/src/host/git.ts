/** Files of a git work tree as they were at a revision. Git is only asked, nothing is written. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { TreeError } from './tree.js';

const run = promisify(execFile);
const MAX_BYTES = 64 * 1024 * 1024;

async function git(tree: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run('git', ['-C', tree, ...args], { maxBuffer: MAX_BYTES, encoding: 'utf8' });
  return stdout;
}

/**
 * Changed .c and .h files since a revision, relative to the tree, with their text at that revision
 * (`null`: the file is new since).
 * @throws TreeError when the tree is no git work tree or doesn't know the revision
 */
export async function filesAt(tree: string, revision: string): Promise<Map<string, string | null>> {
  let names: string[];
  try {
    await git(tree, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]);
    const changed = await git(tree, [
      'diff',
      '--name-only',
      '--relative',
      '-z',
      revision,
      '--',
      '*.c',
      '*.h',
    ]);
    const untracked = await git(tree, [
      'ls-files',
      '--others',
      '--exclude-standard',
      '-z',
      '--',
      '*.c',
      '*.h',
    ]);
    names = [...changed.split('\0'), ...untracked.split('\0')].filter(Boolean);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new TreeError(
      `${tree} can't be compared with '${revision}': ${missing ? 'git is not installed' : 'it is no git work tree, or has no such revision'}.`,
      'Name a commit, tag or branch of a tree under git.',
    );
  }
  const files = new Map<string, string | null>();
  for (const name of names)
    files.set(name, await git(tree, ['show', `${revision}:./${name}`]).catch(() => null));
  return files;
}
