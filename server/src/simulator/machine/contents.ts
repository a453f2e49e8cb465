/**
 * What lies in memory, page by page: a pattern and the 16-byte blocks written since. Bytes are stored encrypted with
 * the key of whoever wrote them and the physical address (AMD APM vol. 2, 15.34; Intel TDX: MKTME with the TD's key),
 * so whoever reads with another key, or moves the stored bytes, gets garbage. A guest's data is lost exactly when
 * hardware would lose it.
 */
import { digestOf } from './digest.js';
import { MachineError } from './errors.js';
import type { ContentBlock, ContentCell } from './state.js';
import type { Table } from './tables.js';
import { hexFrame, PAGE_SIZE } from './units.js';

const BLOCK = 16;

/** Memory that nobody wrote yet reads as zeros in the clear. */
const UNTOUCHED: ContentCell = { pattern: 'zero', key: 0 };

export interface ReadResult {
  bytes: Uint8Array;
  /** Some of it was stored under another key: what was read is not what was written. */
  garbled: boolean;
  /** Some of it is poisoned: a machine check. */
  poisoned: boolean;
}

export class Contents {
  constructor(private readonly table: Table<ContentCell>) {}

  /** Throws `bad-offset` where the bytes leave the page. */
  read(pfn: number, offset: number, length: number, key: number): ReadResult {
    checkBytes(pfn, offset, length);
    const cell = this.at(pfn);
    const bytes = new Uint8Array(length);
    let garbled = false;
    let poisoned = false;
    for (let at = offset - (offset % BLOCK); at < offset + length; at += BLOCK) {
      const block = cell.blocks?.find((candidate) => candidate.offset === at);
      garbled ||= (block ?? cell).key !== key;
      poisoned ||= block?.poisoned ?? false;
      const plain = xor(stored(cell, block, pfn, at), keyStream(key, pfn, at));
      const from = Math.max(at, offset);
      const to = Math.min(at + BLOCK, offset + length);
      bytes.set(plain.subarray(from - at, to - at), from - offset);
    }
    return { bytes, garbled, poisoned };
  }

  /**
   * Writes under a key. A block that is written in part is first read with that key, as a processor fills its cache
   * line: the rest of a block under another key is lost. Throws `bad-offset`.
   */
  write(pfn: number, offset: number, bytes: Uint8Array, key: number, poisoned = false): void {
    checkBytes(pfn, offset, bytes.length);
    const cell = this.at(pfn);
    const blocks = new Map((cell.blocks ?? []).map((block) => [block.offset, block]));
    for (let at = offset - (offset % BLOCK); at < offset + bytes.length; at += BLOCK) {
      const stream = keyStream(key, pfn, at);
      const plain = xor(stored(cell, blocks.get(at), pfn, at), stream);
      const from = Math.max(at, offset);
      const to = Math.min(at + BLOCK, offset + bytes.length);
      plain.set(bytes.subarray(from - offset, to - offset), from - at);
      blocks.set(at, {
        offset: at,
        stored: toHex(xor(plain, stream)),
        key,
        ...(poisoned ? { poisoned } : {}),
      });
    }
    const sorted = [...blocks.values()].sort((a, b) => a.offset - b.offset);
    this.table.write(pfn, 1, { pattern: cell.pattern, key: cell.key, blocks: sorted });
  }

  /** Fills whole pages with a pattern under a key; `zero` is zeros, any other word bytes that follow from it. */
  fill(pfn: number, pages: number, pattern: string, key: number): void {
    const cell = { pattern, key };
    const untouched = pattern === UNTOUCHED.pattern && key === UNTOUCHED.key;
    this.table.write(pfn, pages, untouched ? undefined : cell);
  }

  /** Copies a page as a processor does: reads with one key, writes with another. */
  copy(from: number, to: number, readKey: number, writeKey: number): void {
    const { bytes } = this.read(from, 0, PAGE_SIZE, readKey);
    const source = this.at(from);
    if (!source.blocks && source.key === readKey) this.fill(to, 1, source.pattern, writeKey);
    else this.write(to, 0, bytes, writeKey);
  }

  /** The pattern a page holds for a reader with that key; `undefined` where it is garbled or written to since. */
  patternOf(pfn: number, key: number): string | undefined {
    const cell = this.at(pfn);
    return cell.key === key && !cell.blocks ? cell.pattern : undefined;
  }

  at(pfn: number): ContentCell {
    return this.table.get(pfn) ?? UNTOUCHED;
  }
}

function checkBytes(pfn: number, offset: number, length: number): void {
  if (!Number.isInteger(offset) || offset < 0 || length < 1 || offset + length > PAGE_SIZE)
    throw new MachineError(
      'bad-offset',
      `${length} bytes at offset ${offset} of pfn ${hexFrame(pfn)} are not inside of the page`,
    );
}

function stored(cell: ContentCell, block: ContentBlock | undefined, pfn: number, at: number): Uint8Array {
  if (block) return fromHex(block.stored);
  return xor(patternBytes(cell.pattern, at), keyStream(cell.key, pfn, at));
}

/** Bytes of a pattern; the same on every page, so that it survives a move. */
const patternBytes = (pattern: string, at: number): Uint8Array =>
  pattern === 'zero' ? new Uint8Array(BLOCK) : bytesFrom(`pattern:${pattern}:${at}`);

/** What encryption adds; nothing for key 0. */
const keyStream = (key: number, pfn: number, at: number): Uint8Array =>
  key === 0 ? new Uint8Array(BLOCK) : bytesFrom(`key:${key}:${pfn}:${at}`);

function bytesFrom(text: string): Uint8Array {
  const words = new Int32Array(BLOCK / 4);
  const first = digestOf(text);
  const second = digestOf(`${text}+`);
  words.set([first.low, first.high, second.low, second.high]);
  return new Uint8Array(words.buffer);
}

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, index) => byte ^ b[index]!);

const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const fromHex = (text: string): Uint8Array =>
  Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  );
