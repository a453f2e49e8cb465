/** Offsets ↔ lines of one text. Lines and columns count from 0 here; facts and results count lines from 1. */
export class LineIndex {
  private readonly starts: Int32Array;
  private last = 0;

  constructor(text: string) {
    const starts = [0];
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    this.starts = Int32Array.from(starts);
  }

  get lineCount(): number {
    return this.starts.length;
  }

  /** Line of an offset. Look-ups near the one before cost nothing. */
  lineAt(offset: number): number {
    const { starts } = this;
    let low = starts[this.last]! <= offset ? this.last : 0;
    let high = starts.length;
    if (low + 8 < high && starts[low + 8]! > offset) high = low + 8;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    this.last = low;
    return low;
  }

  columnAt(offset: number): number {
    return offset - this.starts[this.lineAt(offset)]!;
  }
}
