/**
 * Walks tree-sitter's syntax trees where they lie: in the WASM memory, without a call into WASM. A `TreeCursor` of
 * web-tree-sitter marshals itself in and out for every question, which costs more than the parse itself.
 *
 * The layout is that of `lib/subtree.h`, `lib/tree.h`, `lib/parser.h` of web-tree-sitter 0.25 (32-bit, little-endian);
 * the steps are those of `lib/tree_cursor.c`. `parser.ts` compares both on a sample when it loads, and takes the slow
 * cursor where they differ, as they would after a change of that layout.
 */
import type { Language, Tree } from 'web-tree-sitter';

/** As much of a cursor as reading a tree needs. */
export interface SyntaxCursor {
  readonly nodeTypeId: number;
  /** UTF-16 code units. */
  readonly startIndex: number;
  readonly endIndex: number;
  /** 0: the node is in no field of its parent. */
  readonly currentFieldId: number;
  gotoFirstChild(): boolean;
  gotoNextSibling(): boolean;
  gotoParent(): boolean;
  delete(): void;
}

/** As much of a `WebAssembly.Memory` as is used; TypeScript knows that type only together with the browser's. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

/** @param initial, maximum in pages of 64 KiB */
export function newWasmMemory(initial: number, maximum: number): WasmMemory {
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { Memory: new (limits: { initial: number; maximum: number }) => WasmMemory };
  };
  return new WebAssembly.Memory({ initial, maximum });
}

/** web-tree-sitter keeps an object's WASM address in its member 0, which its types don't show. */
function addressOf(object: Language | Tree): number {
  return (object as unknown as { 0: number })[0];
}

const WORD = 4;
/** Size of a `Subtree`: an inline leaf, or a pointer and padding. */
const SUBTREE = 8;
const ERROR_SYMBOL = 0xffff;

/** Offsets in `SubtreeHeapData`. */
const HEAP = {
  paddingBytes: 4,
  sizeBytes: 16,
  childCount: 36,
  symbol: 40,
  flags: 44,
  visibleChildCount: 48,
  productionId: 66,
};
/** Bits of an inline leaf's first byte; bit 0 tells it from a pointer. */
const INLINE = { is: 1, visible: 2, extra: 8 };
/** Bits of `HEAP.flags`. */
const FLAG = { visible: 1, extra: 4 };
/** Offsets in `TSLanguage`. */
const LANGUAGE = {
  symbolCount: 4,
  aliasCount: 8,
  productionCount: 28,
  fieldCount: 32,
  maxAliasSequence: 36,
  fieldMapSlices: 64,
  fieldMapEntries: 68,
  publicSymbols: 76,
  aliasSequences: 84,
};

/** The parts of a grammar's tables that a walk needs, copied out of the WASM memory once. */
export class LanguageTables {
  readonly publicSymbols: Uint16Array;
  readonly aliases: Uint16Array;
  readonly aliasStride: number;
  /** Field of each child of a production: `fields[production][structural child index]`. */
  readonly fields: readonly Uint8Array[];

  constructor(memory: WasmMemory, language: Language) {
    const view = new DataView(memory.buffer);
    const at = addressOf(language);
    const word = (offset: number) => view.getUint32(at + offset, true);
    const productions = word(LANGUAGE.productionCount);
    this.aliasStride = view.getUint16(at + LANGUAGE.maxAliasSequence, true);
    const symbols = word(LANGUAGE.symbolCount) + word(LANGUAGE.aliasCount);
    this.publicSymbols = new Uint16Array(memory.buffer, word(LANGUAGE.publicSymbols), symbols).slice();
    this.aliases = new Uint16Array(
      memory.buffer,
      word(LANGUAGE.aliasSequences),
      productions * this.aliasStride,
    ).slice();
    const fields: Uint8Array[] = [];
    for (let production = 0; production < productions; production++) {
      const own = new Uint8Array(256);
      const slice = word(LANGUAGE.fieldMapSlices) + production * WORD;
      const first = view.getUint16(slice, true);
      const count = word(LANGUAGE.fieldCount) === 0 ? 0 : view.getUint16(slice + 2, true);
      // Backwards: of several entries for a child the first one counts.
      for (let i = first + count - 1; i >= first; i--) {
        const entry = word(LANGUAGE.fieldMapEntries) + i * WORD;
        const inherited = view.getUint8(entry + 3) !== 0;
        if (!inherited) own[view.getUint8(entry + 2)] = view.getUint16(entry, true);
      }
      fields.push(own);
    }
    this.fields = fields;
  }
}

/** Numbers kept for each node between the root and the current one. */
enum Frame {
  /** Address of the node's `Subtree`. */
  Subtree = 0,
  /** Start in bytes, padding left out. */
  Position = 1,
  ChildIndex = 2,
  /** Counts children that are no extras, as aliases and fields do. */
  StructuralIndex = 3,
  /** Not 0: the node is visible, by itself or by an alias. */
  Visible = 4,
  Alias = 5,
  Size = 6,
}

export class MemoryCursor implements SyntaxCursor {
  private readonly words: Int32Array;
  private readonly halves: Uint16Array;
  private stack = new Int32Array(64 * Frame.Size);
  /** Index into the stack of the current node's frame. */
  private top = 0;

  // The node that `child` came to, before it is pushed.
  private nextVisible = 0;
  private nextAlias = 0;

  constructor(
    memory: WasmMemory,
    private readonly tables: LanguageTables,
    tree: Tree,
  ) {
    // Only parsing makes the memory grow, which would leave these views behind: a cursor ends before the next parse.
    this.words = new Int32Array(memory.buffer);
    this.halves = new Uint16Array(memory.buffer);
    const root = addressOf(tree);
    this.stack[Frame.Subtree] = root;
    this.stack[Frame.Position] = this.padding(root);
    this.stack[Frame.Visible] = 1;
  }

  delete(): void {}

  get nodeTypeId(): number {
    const alias = this.stack[this.top + Frame.Alias]!;
    const symbol = alias !== 0 ? alias : this.symbol(this.stack[this.top + Frame.Subtree]!);
    return symbol === ERROR_SYMBOL ? symbol : this.tables.publicSymbols[symbol]!;
  }

  get startIndex(): number {
    return this.stack[this.top + Frame.Position]! >> 1;
  }

  get endIndex(): number {
    return (this.stack[this.top + Frame.Position]! + this.size(this.stack[this.top + Frame.Subtree]!)) >> 1;
  }

  get currentFieldId(): number {
    const { stack } = this;
    for (let at = this.top; at > 0; at -= Frame.Size) {
      if (at !== this.top && stack[at + Frame.Visible] !== 0) return 0;
      if (this.isExtra(stack[at + Frame.Subtree]!)) return 0;
      const parent = this.words[stack[at - Frame.Size + Frame.Subtree]! >> 2]!;
      const production = this.halves[(parent + HEAP.productionId) >> 1]!;
      const field = this.tables.fields[production]![stack[at + Frame.StructuralIndex]!]!;
      if (field !== 0) return field;
    }
    return 0;
  }

  gotoFirstChild(): boolean {
    const start = this.top;
    for (;;) {
      const step = this.firstChild();
      if (step > 0) return true;
      if (step < 0) {
        this.top = start;
        return false;
      }
    }
  }

  gotoNextSibling(): boolean {
    const { stack } = this;
    const start = this.top;
    let at = start;
    while (at > 0) {
      const parent = this.words[stack[at - Frame.Size + Frame.Subtree]! >> 2]!;
      const subtree = stack[at + Frame.Subtree]!;
      const structural = stack[at + Frame.StructuralIndex]! + (this.isExtra(subtree) ? 0 : 1);
      this.top = at - Frame.Size;
      const step = this.child(
        parent,
        stack[at + Frame.ChildIndex]! + 1,
        structural,
        stack[at + Frame.Position]! + this.size(subtree),
        false,
      );
      if (step > 0) return true;
      if (step === 0) {
        this.gotoFirstChild();
        return true;
      }
      at -= Frame.Size;
      // Behind the last child of a hidden node its own siblings go on; a visible one is where a list ends.
      if (stack[at + Frame.Visible] !== 0) break;
    }
    this.top = start;
    return false;
  }

  gotoParent(): boolean {
    for (let at = this.top - Frame.Size; at >= 0; at -= Frame.Size) {
      if (this.stack[at + Frame.Visible] === 0) continue;
      this.top = at;
      return true;
    }
    return false;
  }

  /** 1: the cursor is at a visible child; 0: at a hidden one that has visible ones below; -1: there is none. */
  private firstChild(): number {
    const subtree = this.stack[this.top + Frame.Subtree]!;
    const pointer = this.words[subtree >> 2]!;
    if ((pointer & INLINE.is) !== 0) return -1;
    return this.child(pointer, 0, 0, this.stack[this.top + Frame.Position]!, true);
  }

  /** Goes to the first child from `index` on that can be seen; `position` is where the one before it ended. */
  private child(
    parent: number,
    index: number,
    structural: number,
    position: number,
    isFirst: boolean,
  ): number {
    const { words } = this;
    const count = words[(parent + HEAP.childCount) >> 2]!;
    if (index >= count) return -1;
    const production = this.halves[(parent + HEAP.productionId) >> 1]!;
    const aliases = production * this.tables.aliasStride;
    let subtree = parent - count * SUBTREE + index * SUBTREE;
    for (let i = index; i < count; i++, subtree += SUBTREE) {
      // A node begins where its first child does: that one's padding is the node's own.
      if (!isFirst || i > 0) position += this.padding(subtree);
      const extra = this.isExtra(subtree);
      const alias = extra || production === 0 ? 0 : this.tables.aliases[aliases + structural]!;
      const visible = alias !== 0 || this.isVisible(subtree);
      if (visible || this.visibleChildren(subtree) > 0) {
        this.nextVisible = visible ? 1 : 0;
        this.nextAlias = alias;
        this.push(subtree, position, i, structural);
        return this.nextVisible;
      }
      position += this.size(subtree);
      if (!extra) structural++;
    }
    return -1;
  }

  private push(subtree: number, position: number, index: number, structural: number): void {
    const at = this.top + Frame.Size;
    if (at + Frame.Size > this.stack.length) {
      const grown = new Int32Array(this.stack.length * 2);
      grown.set(this.stack);
      this.stack = grown;
    }
    const { stack } = this;
    stack[at + Frame.Subtree] = subtree;
    stack[at + Frame.Position] = position;
    stack[at + Frame.ChildIndex] = index;
    stack[at + Frame.StructuralIndex] = structural;
    stack[at + Frame.Visible] = this.nextVisible;
    stack[at + Frame.Alias] = this.nextAlias;
    this.top = at;
  }

  // Parts of a `Subtree`, by its address.

  private symbol(subtree: number): number {
    const data = this.words[subtree >> 2]!;
    return (data & INLINE.is) !== 0 ? (data >> 8) & 0xff : this.halves[(data + HEAP.symbol) >> 1]!;
  }

  private isVisible(subtree: number): boolean {
    const data = this.words[subtree >> 2]!;
    if ((data & INLINE.is) !== 0) return (data & INLINE.visible) !== 0;
    return (this.halves[(data + HEAP.flags) >> 1]! & FLAG.visible) !== 0;
  }

  private isExtra(subtree: number): boolean {
    const data = this.words[subtree >> 2]!;
    if ((data & INLINE.is) !== 0) return (data & INLINE.extra) !== 0;
    return (this.halves[(data + HEAP.flags) >> 1]! & FLAG.extra) !== 0;
  }

  private visibleChildren(subtree: number): number {
    const data = this.words[subtree >> 2]!;
    if ((data & INLINE.is) !== 0 || this.words[(data + HEAP.childCount) >> 2] === 0) return 0;
    return this.words[(data + HEAP.visibleChildCount) >> 2]!;
  }

  /** Bytes of white space before the node. */
  private padding(subtree: number): number {
    const data = this.words[subtree >> 2]!;
    if ((data & INLINE.is) !== 0) return (this.words[(subtree >> 2) + 1]! >> 16) & 0xff;
    return this.words[(data + HEAP.paddingBytes) >> 2]!;
  }

  /** Bytes. */
  private size(subtree: number): number {
    const data = this.words[subtree >> 2]!;
    if ((data & INLINE.is) !== 0) return this.words[(subtree >> 2) + 1]! >>> 24;
    return this.words[(data + HEAP.sizeBytes) >> 2]!;
  }
}
