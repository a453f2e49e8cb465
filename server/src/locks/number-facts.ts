/** What comparisons of a value with numbers say together: of `x < 2` and `x != 0`, for whole numbers, that x is 1 or negative. */
import { partsOf } from './condition-text.js';

/** A whole number of C as it is written. */
function numberOf(text: string): number | undefined {
  const value = Number(text.replace(/[uUlL]+$/, ''));
  return text !== '' && Number.isSafeInteger(value) ? value : undefined;
}

class Range {
  private low = Number.NEGATIVE_INFINITY;
  private high = Number.POSITIVE_INFINITY;
  private readonly excluded = new Set<number>();

  take(key: string, truth: boolean): void {
    const { kind, constant } = partsOf(key);
    if (kind === 'true') this.equals(0, !truth);
    else if (kind === 'negative') this.below(0, truth);
    else if (kind === 'below') this.below(Number(constant), truth);
    else if (kind === 'equal') {
      const number = numberOf(constant);
      if (number !== undefined) this.equals(number, truth);
    }
  }

  private below(bound: number, truth: boolean): void {
    if (truth) this.high = Math.min(this.high, bound - 1);
    else this.low = Math.max(this.low, bound);
  }

  private equals(number: number, truth: boolean): void {
    if (!truth) this.excluded.add(number);
    else this.low = this.high = number;
  }

  /** Numbers at the ends that the value can't be are no ends. */
  private close(): void {
    while (this.excluded.has(this.low) && this.low <= this.high) this.low++;
    while (this.excluded.has(this.high) && this.low <= this.high) this.high--;
  }

  says(key: string): boolean | undefined {
    this.close();
    const { kind, constant } = partsOf(key);
    if (kind === 'true') return this.isNumber(0) === undefined ? undefined : !this.isNumber(0);
    if (kind === 'negative') return this.isBelow(0);
    if (kind === 'below') return this.isBelow(Number(constant));
    const number = kind === 'equal' ? numberOf(constant) : undefined;
    return number === undefined ? undefined : this.isNumber(number);
  }

  private isBelow(bound: number): boolean | undefined {
    return this.high < bound ? true : this.low >= bound ? false : undefined;
  }

  private isNumber(number: number): boolean | undefined {
    if (number < this.low || number > this.high || this.excluded.has(number)) return false;
    return this.low === this.high ? true : undefined;
  }
}

/** The truth of a key about a value, by what is known of others about it. */
export function knownFrom(
  facts: ReadonlyMap<string, boolean>,
  keys: readonly string[],
  wanted: string,
): boolean | undefined {
  let range: Range | undefined;
  for (const key of keys) {
    const truth = facts.get(key);
    if (truth !== undefined) (range ??= new Range()).take(key, truth);
  }
  return range?.says(wanted);
}
