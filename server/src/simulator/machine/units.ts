/** Sizes and alignments. Frame numbers (pfn, gfn) and sizes in pages are plain numbers of 4 KiB pages; addresses are bytes. */
import { MachineError } from './errors.js';

export const PAGE_SIZE = 4096;

/** A mapping's or an entry's size, as the field writes it. */
export type Level = '4K' | '2M' | '1G';

export const LEVELS: readonly Level[] = ['4K', '2M', '1G'];

/** Pages of 4 KiB in a mapping of that level. */
export const PAGES_OF: Readonly<Record<Level, number>> = { '4K': 1, '2M': 512, '1G': 512 * 512 };

/** The buddy order of a mapping of that level. */
export const ORDER_OF: Readonly<Record<Level, number>> = { '4K': 0, '2M': 9, '1G': 18 };

export const PAGES_OF_2M = PAGES_OF['2M'];

/** Largest buddy order: a 1 GiB block, so that hugetlb's gigantic pages come from the same allocator. */
export const MAX_ORDER = ORDER_OF['1G'];

export const alignDown = (frame: number, pages: number): number => frame - (frame % pages);

export const isAligned = (frame: number, pages: number): boolean => frame % pages === 0;

export const nextLower = (level: Level): Level => (level === '1G' ? '2M' : '4K');

/** The frame of an address in bytes. */
export const frameOf = (address: number): number => Math.floor(address / PAGE_SIZE);

/** As kernels print them. */
export const hexFrame = (frame: number): string => `0x${frame.toString(16)}`;

/** Throws `bad-frame` unless the number is a frame number. */
export function checkFrame(frame: number, what: string): void {
  if (!Number.isSafeInteger(frame) || frame < 0)
    throw new MachineError(
      'bad-frame',
      `${what} ${frame} is no frame number: it must be a whole number from 0 on`,
    );
}

/** Throws `bad-range` unless it is one page or more from a frame number on. */
export function checkRange(start: number, pages: number, what: string): void {
  checkFrame(start, what);
  if (!Number.isSafeInteger(pages) || pages < 1)
    throw new MachineError('bad-range', `${pages} pages from ${what} ${hexFrame(start)} are no range`);
}

/** Throws `misaligned` unless the frame starts a mapping of that level. */
export function checkAligned(frame: number, level: Level, what: string): void {
  checkFrame(frame, what);
  if (!isAligned(frame, PAGES_OF[level]))
    throw new MachineError('misaligned', `${what} ${hexFrame(frame)} doesn't start a ${level} page`);
}
