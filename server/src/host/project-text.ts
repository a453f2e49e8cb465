/** The text of a tree's own `.gmem-lens.yaml`. What it means, others know. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, reasonOf, TreeError } from './tree.js';

/**
 * `undefined` where the tree has no such file.
 * @param tree absolute path
 * @throws TreeError when it is there and can't be read
 */
export function readProjectText(tree: string, name: string): string | undefined {
  try {
    return readFileSync(join(tree, name), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new TreeError(
      `${join(tree, name)} can't be read: ${reasonOf(error)}.`,
      'Mend or remove it: it holds the rules of this project.',
    );
  }
}
