/** A mapping in a scenario file that the schema has accepted: typed access to its keys, and where they are written. */
import type { ScenarioDocument } from './document.js';
import type { TextRange } from './problem.js';
import { parseSize } from './sizes.js';

type Path = readonly (string | number)[];

export class Part {
  constructor(
    private readonly document: ScenarioDocument,
    private readonly path: Path,
    private readonly values: Record<string, unknown>,
  ) {}

  get at(): TextRange {
    return this.document.valueAt(this.path);
  }

  /** Where the value of a key is, or the mapping where it has none. */
  placeOf(key: string): TextRange {
    return this.document.valueAt([...this.path, key]);
  }

  has(key: string): boolean {
    return this.values[key] !== undefined && this.values[key] !== null;
  }

  keys(): string[] {
    return Object.keys(this.values);
  }

  keyPlace(key: string): TextRange {
    return this.document.keyAt(this.path, key);
  }

  /** The schema has checked the type. */
  get<T>(key: string): T | undefined {
    return this.has(key) ? (this.values[key] as T) : undefined;
  }

  /** Bytes. */
  size(key: string): number | undefined {
    return this.has(key) ? parseSize(this.values[key]) : undefined;
  }

  /** A key that takes one text or a list. */
  texts(key: string): string[] {
    return [this.get<string | string[]>(key) ?? []].flat();
  }

  part(key: string): Part | undefined {
    const value = this.values[key];
    return value !== undefined && value !== null ? this.child([key], value) : undefined;
  }

  /** The entries of a list of mappings. */
  parts(key: string): Part[] {
    return (this.get<unknown[]>(key) ?? []).map((value, index) => this.child([key, index], value));
  }

  private child(steps: Path, value: unknown): Part {
    return new Part(this.document, [...this.path, ...steps], (value ?? {}) as Record<string, unknown>);
  }
}

/** `{key: value}` where there is a value, so that absent keys stay absent. */
export function given<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: T };
}
