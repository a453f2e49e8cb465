/** Writing results. Results go to stdout, everything else to stderr. */

/** Writes to stdout and waits until a slow reader has taken it. A reader that went away ends the command quietly. */
export async function write(text: string): Promise<void> {
  if (process.stdout.write(text)) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
}

export const writeLine = (text: string): Promise<void> => write(`${text}\n`);

/** @param replacer for values that JSON doesn't have */
export const writeJson = (
  value: unknown,
  replacer?: (key: string, value: unknown) => unknown,
): Promise<void> => write(`${JSON.stringify(value, replacer, 2)}\n`);

const CHUNK = 1 << 16;

/** One JSON object a line, in large pieces: a tree has tens of thousands of them. */
export async function writeJsonLines(values: Iterable<unknown>): Promise<void> {
  let piece = '';
  for (const value of values) {
    piece += `${JSON.stringify(value)}\n`;
    if (piece.length < CHUNK) continue;
    await write(piece);
    piece = '';
  }
  if (piece !== '') await write(piece);
}

export function log(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A progress line on a terminal; silent where stderr is a file or a pipe. */
export function progressLine(label: string): (done: number, total: number) => void {
  if (!process.stderr.isTTY) return () => {};
  return (done, total) =>
    process.stderr.write(done < total ? `\r${label} ${done}/${total}\u001b[K` : '\r\u001b[K');
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
