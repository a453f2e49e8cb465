/** Bytes with states, by pages of 4 KiB that are copied when a state is saved, if they were written since the last one. */

/** State of a byte. */
export enum Byte {
  /** No object is here. */
  None = 0,
  Uninitialised = 1,
  /** Made from what an unmodelled function returned; the bytes hold the number of its origin. */
  Unknown = 2,
  Known = 3,
}

export const PAGE_SHIFT = 12;
const PAGE = 1 << PAGE_SHIFT;
/** Pages whose saved copies are kept in one array. */
const CHUNK = 64;

interface SavedPage {
  bytes: Uint8Array;
  states: Uint8Array;
  hash?: PageHash;
}

/** Two lanes of 32 bits; both 0 for a page that no object is in. */
interface PageHash {
  low: number;
  high: number;
}

type SavedChunk = readonly (SavedPage | undefined)[];

/** What all pages held at one time; shares what didn't change with its neighbours. */
export type SavedPages = readonly (SavedChunk | undefined)[];

export class PagedBytes {
  readonly m8: Uint8Array;
  readonly i8: Int8Array;
  readonly m16: Uint16Array;
  readonly i16: Int16Array;
  readonly m32: Int32Array;
  readonly s8: Uint8Array;
  readonly s16: Uint16Array;
  readonly s32: Int32Array;
  /** Pages written since they were last saved. */
  readonly dirty: Uint8Array;
  /** The same, four pages at a time. */
  private readonly dirtyWords: Int32Array;
  protected readonly end: number;
  private saved: (SavedChunk | undefined)[];

  /** @param size bytes; rounded up */
  constructor(size: number) {
    this.end = Math.ceil(size / (PAGE * CHUNK)) * PAGE * CHUNK;
    const bytes = new ArrayBuffer(this.end);
    const states = new ArrayBuffer(this.end);
    this.m8 = new Uint8Array(bytes);
    this.i8 = new Int8Array(bytes);
    this.m16 = new Uint16Array(bytes);
    this.i16 = new Int16Array(bytes);
    this.m32 = new Int32Array(bytes);
    this.s8 = new Uint8Array(states);
    this.s16 = new Uint16Array(states);
    this.s32 = new Int32Array(states);
    this.dirty = new Uint8Array(this.end >> PAGE_SHIFT);
    this.dirtyWords = new Int32Array(this.dirty.buffer);
    this.saved = new Array<SavedChunk | undefined>(this.dirty.length / CHUNK).fill(undefined);
  }

  setState(start: number, size: number, state: Byte): void {
    this.s8.fill(state, start, start + size);
    this.touch(start, size);
  }

  /** States of a new frame; a loop is quicker than the library for the few words of most. */
  setStates(start: number, states: Int32Array): void {
    const { s32 } = this;
    const at = start >> 2;
    for (let i = 0; i < states.length; i++) s32[at + i] = states[i]!;
  }

  clearStates(start: number, size: number): void {
    const end = (start + size) >> 2;
    if (size > 512) this.s32.fill(0, start >> 2, end);
    else for (let i = start >> 2; i < end; i++) this.s32[i] = 0;
  }

  /** Notes that bytes are written. */
  touch(start: number, size: number): void {
    for (let page = start >>> PAGE_SHIFT; page <= (start + Math.max(size, 1) - 1) >>> PAGE_SHIFT; page++)
      this.dirty[page] = 1;
  }

  protected savePages(): SavedPages {
    this.saveDirty();
    return [...this.saved];
  }

  private isDirty(chunk: number): boolean {
    const { dirtyWords } = this;
    const end = ((chunk + 1) * CHUNK) >> 2;
    for (let word = (chunk * CHUNK) >> 2; word < end; word++) if (dirtyWords[word] !== 0) return true;
    return false;
  }

  private saveDirty(): void {
    const { dirty } = this;
    for (let chunk = 0; chunk < this.saved.length; chunk++) {
      if (!this.isDirty(chunk)) continue;
      let pages: (SavedPage | undefined)[] | undefined;
      const first = chunk * CHUNK;
      for (let page = first; page < first + CHUNK; page++) {
        if (!dirty[page]) continue;
        dirty[page] = 0;
        pages ??= [...(this.saved[chunk] ?? new Array<undefined>(CHUNK).fill(undefined))];
        const start = page << PAGE_SHIFT;
        pages[page - first] = {
          bytes: this.m8.slice(start, start + PAGE),
          states: this.s8.slice(start, start + PAGE),
        };
      }
      if (pages) this.saved[chunk] = pages;
    }
  }

  /** Costs what differs. */
  protected restorePages(chunks: SavedPages): void {
    for (let chunk = 0; chunk < this.saved.length; chunk++) {
      const then = chunks[chunk];
      const now = this.saved[chunk];
      if (then === now && !this.isDirty(chunk)) continue;
      const first = chunk * CHUNK;
      for (let i = 0; i < CHUNK; i++) {
        const page = first + i;
        if (!this.dirty[page] && then?.[i] === now?.[i]) continue;
        this.dirty[page] = 0;
        const start = page << PAGE_SHIFT;
        const saved = then?.[i];
        if (saved) {
          this.m8.set(saved.bytes, start);
          this.s8.set(saved.states, start);
        } else {
          this.m8.fill(0, start, start + PAGE);
          this.s8.fill(0, start, start + PAGE);
        }
      }
      this.saved[chunk] = then;
    }
  }

  /** 64 bits as two lanes; the same for the same values, whatever lies in bytes without one. Of the chunks behind one page. */
  protected hashPages(from: number, seed: number): PageHash {
    this.saveDirty();
    let low = seed;
    let high = ~seed;
    for (let chunk = Math.floor(from / (PAGE * CHUNK)); chunk < this.saved.length; chunk++) {
      const pages = this.saved[chunk];
      if (!pages) continue;
      let hash = chunkHashes.get(pages);
      if (!hash) chunkHashes.set(pages, (hash = hashChunk(pages, chunk)));
      low = (low + hash.low) | 0;
      high = (high + hash.high) | 0;
    }
    return { low, high };
  }
}

/** Saved chunks never change. */
const chunkHashes = new WeakMap<SavedChunk, PageHash>();

function hashChunk(pages: SavedChunk, chunk: number): PageHash {
  let low = 0;
  let high = 0;
  pages.forEach((page, index) => {
    if (!page) return;
    page.hash ??= hashPage(page);
    if (page.hash.low === 0 && page.hash.high === 0) return;
    const place = Math.imul(chunk * CHUNK + index + 1, 0x9e3779b1);
    low = (low + Math.imul(page.hash.low ^ place, 0x85ebca6b)) | 0;
    high = (high + Math.imul(page.hash.high ^ (place >>> 3), 0xc2b2ae35)) | 0;
  });
  return { low, high };
}

/** States of four bytes that are all known. */
const KNOWN_WORD = 0x03030303;

function hashPage({ bytes, states }: SavedPage): PageHash {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, PAGE / 4);
  const wordStates = new Int32Array(states.buffer, states.byteOffset, PAGE / 4);
  let low = 0;
  let high = 0;
  const mix = (value: number, at: number): void => {
    low = Math.imul(low ^ value ^ Math.imul(at, 0x27d4eb2f), 0x85ebca6b);
    low ^= low >>> 13;
    high = Math.imul(high ^ value ^ Math.imul(at, 0x165667b1), 0xc2b2ae35);
    high ^= high >>> 16;
  };
  for (let word = 0; word < PAGE / 4; word++) {
    const state = wordStates[word]!;
    if (state === 0) continue;
    // Five places a word: one for the word as a whole, one for each of its bytes.
    if (state === KNOWN_WORD) mix(words[word]!, word * 5);
    else
      for (let i = word * 4; i < word * 4 + 4; i++) {
        if (states[i] === Byte.None) continue;
        const value = states[i] === Byte.Uninitialised ? 0 : bytes[i]!;
        mix(value | (states[i]! << 8), word * 5 + 1 + (i & 3));
      }
  }
  return { low, high };
}
