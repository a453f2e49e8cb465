/** One file of the disk → its facts as bytes, on whatever thread. */
import { join } from 'node:path';
import type { Configuration } from '../kernel-c/conditions.js';
import { readFacts } from '../kernel-c/file-facts.js';
import type { CParser } from '../kernel-c/parser.js';
import { encodeFacts } from './facts-codec.js';
import { readSource, UnreadableFile } from './source-file.js';
import { reasonOf } from './tree.js';
import { type FileResult, failedResult } from './worker-protocol.js';

export class FileReader {
  constructor(
    private readonly parser: CParser,
    private readonly tree: string,
    private readonly paths: readonly string[],
    private readonly configuration: Configuration,
  ) {}

  /** Reads the file of an index. Throws only for mistakes of our own, and when tree-sitter breaks. */
  read(index: number): FileResult {
    const readAt = Date.now();
    let source: ReturnType<typeof readSource>;
    try {
      source = readSource(join(this.tree, this.paths[index]!));
    } catch (error) {
      const reason = error instanceof UnreadableFile ? error.message : reasonOf(error);
      return failedResult(index, `not read: ${reason}`);
    }
    const { text, hash, size, mtimeMs, ctimeMs } = source;
    const facts = readFacts(this.parser, text, this.configuration);
    return { index, facts: encodeFacts(facts), hash, size, mtimeMs, ctimeMs, readAt };
  }
}
