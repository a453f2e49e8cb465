/** Sizes as scenarios write them: 4096, 0x4000, 4K, 2M, 1G (also 2MiB, 2 MB; always powers of 1024). */

const UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes; `undefined` for what is no size, or too large to be exact. */
export function parseSize(value: unknown): number | undefined {
  const bytes = typeof value === 'number' ? value : typeof value === 'string' ? bytesOf(value) : undefined;
  return bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined;
}

const SIZE = /^(0x[0-9a-fA-F]+|[0-9]+) ?(?:([KMGT])(?:iB|B)?)?$/;

/** Whether a text is written as a size, however large. */
export const isSizeText = (text: string): boolean => SIZE.test(text);

function bytesOf(text: string): number | undefined {
  const match = SIZE.exec(text);
  return match ? Number(match[1]) * (UNITS[match[2] ?? ''] ?? 1) : undefined;
}

/** Short where it comes out even: 2M, 0x4000. */
export function formatSize(bytes: number): string {
  for (const unit of ['T', 'G', 'M', 'K']) {
    const factor = UNITS[unit]!;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `0x${bytes.toString(16)}`;
}
