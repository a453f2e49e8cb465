/** Places in a source file by what stands there: line numbers move with every update of the kernel package. */
import { readFile } from 'node:fs/promises';

/** Line and column start at 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where the last of `texts` begins, each looked for behind the one before. */
export async function placeOf(path: string, ...texts: readonly string[]): Promise<Place> {
  const source = await readFile(path, 'utf8');
  let offset = 0;
  for (const text of texts) {
    const found = source.indexOf(text, offset);
    if (found < 0) throw new Error(`${path} has no '${text}' where the test looks for it`);
    offset = found;
  }
  const before = source.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
