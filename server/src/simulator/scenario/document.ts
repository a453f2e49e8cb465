/** One YAML file: its values, and where each of them is written. */
import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml';
import type { ScenarioProblem, TextRange } from './problem.js';

export class ScenarioDocument {
  readonly values: unknown;
  /** What keeps the file from being YAML at all. */
  readonly syntaxProblems: ScenarioProblem[];
  private readonly lines = new LineCounter();
  private readonly root: Node | null;

  constructor(
    readonly file: string,
    text: string,
  ) {
    const document = parseDocument<ParsedNode>(text, {
      lineCounter: this.lines,
      uniqueKeys: true,
      prettyErrors: false,
      // Warnings would go to stderr; what they are about is refused by the schema.
      logLevel: 'error',
    });
    this.root = document.contents;
    this.syntaxProblems = document.errors.map((error) => ({
      ...this.between(error.pos[0], Math.max(error.pos[1], error.pos[0] + 1)),
      message: `this is not YAML: ${error.message}`,
      remedy:
        error.code === 'DUPLICATE_KEY'
          ? 'keep one of the two'
          : 'mend the indentation, quotes or brackets here',
    }));
    this.values = this.syntaxProblems.length === 0 ? this.plain(document) : undefined;
  }

  /** Where the value at a path is; the nearest that exists. */
  valueAt(path: readonly (string | number)[]): TextRange {
    return this.rangeOf(this.find(path).node);
  }

  /** Where a key of the mapping at a path is written. */
  keyAt(path: readonly (string | number)[], key: string): TextRange {
    const { node } = this.find(path);
    const pair = isMap(node)
      ? node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key)
      : undefined;
    return this.rangeOf(pair && isScalar(pair.key) ? pair.key : node);
  }

  /** Plain values. An alias to nothing, or one that grows without bounds, is an exception of the library's. */
  private plain(document: { toJS(options: { maxAliasCount: number }): unknown }): unknown {
    try {
      return document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      const message = `this is not YAML: ${error instanceof Error ? error.message : String(error)}`;
      this.syntaxProblems.push({
        ...this.between(0, 1),
        message,
        remedy: 'write the value out instead of the alias',
      });
      return undefined;
    }
  }

  private find(path: readonly (string | number)[]): { node: Node | null } {
    let node: Node | null = this.root;
    for (const step of path) {
      const next: unknown = isMap(node) || isSeq(node) ? node.get(step, true) : undefined;
      if (next === undefined || next === null) break;
      node = next as Node;
    }
    return { node };
  }

  private rangeOf(node: Node | null | undefined): TextRange {
    const [from, to] = node?.range ?? [0, 1];
    return this.between(from, to);
  }

  private between(from: number, to: number): TextRange {
    const start = this.lines.linePos(from);
    const end = this.lines.linePos(to);
    return {
      file: this.file,
      line: Math.max(start.line, 1),
      column: Math.max(start.col, 1),
      endLine: Math.max(end.line, 1),
      endColumn: Math.max(end.col, 1),
    };
  }
}
