/** Who was let go, move by move: enough to make the same steps again. Numbers only, so that long runs take little room. */

/** A growing list of unsigned numbers. */
class Numbers {
  private values = new Uint32Array(256);
  length = 0;

  at(index: number): number {
    return this.values[index]!;
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = new Uint32Array(this.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }
}

export class StepLog {
  /** Index of the thread of each step. */
  private readonly threads = new Numbers();
  /** Of each move: number of steps when it was over. */
  private readonly ends = new Numbers();
  /** Of each move: length of the story when it was over. */
  private readonly stories = new Numbers();

  /** Moves. */
  get length(): number {
    return this.ends.length;
  }

  add(threads: readonly number[], story: number): void {
    for (const thread of threads) this.threads.push(thread);
    this.ends.push(this.threads.length);
    this.stories.push(story);
  }

  /** Forgets the moves from one on. */
  cut(move: number): void {
    this.threads.length = this.startOf(move);
    this.ends.length = move;
    this.stories.length = move;
  }

  /** Threads that were let go in a move; the last of them did something. */
  threadsOf(move: number): number[] {
    const steps: number[] = [];
    for (let i = this.startOf(move); i < this.ends.at(move); i++) steps.push(this.threads.at(i));
    return steps;
  }

  /** Length of the story after so many moves; `first`: before any. */
  storyAfter(moves: number, first: number): number {
    return moves === 0 ? first : this.stories.at(moves - 1);
  }

  private startOf(move: number): number {
    return move === 0 ? 0 : this.ends.at(move - 1);
  }
}
