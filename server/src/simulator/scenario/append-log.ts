/**
 * A list that only grows, and can be put back to any of its earlier or later lengths: saving takes no time, and all saved
 * lengths of one history share one array.
 */
export interface SavedLog<T> {
  readonly items: T[];
  readonly length: number;
}

export class AppendLog<T> {
  private items: T[] = [];
  private size = 0;
  /**
   * What is appended is known to be what followed here before, because the same steps are made again: it is not stored
   * twice.
   */
  repeating = false;

  get length(): number {
    return this.size;
  }

  at(index: number): T | undefined {
    return index < this.size ? this.items[index] : undefined;
  }

  /** Items from an index on. */
  from(index: number): T[] {
    return this.items.slice(index, this.size);
  }

  push(item: T): void {
    if (this.size < this.items.length) {
      if (this.repeating) {
        this.size++;
        return;
      }
      // Others have saved a longer list.
      this.items = this.items.slice(0, this.size);
    }
    this.items.push(item);
    this.size++;
  }

  save(): SavedLog<T> {
    return { items: this.items, length: this.size };
  }

  restore({ items, length }: SavedLog<T>): void {
    this.items = items;
    this.size = length;
  }

  /** What is appended from now on, while it is repeated, is what another log holds: one that begins as this one does. */
  follow({ items }: SavedLog<T>): void {
    this.items = items;
  }
}
