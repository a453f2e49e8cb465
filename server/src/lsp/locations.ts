/** Places in the tree ↔ the protocol's URIs and ranges, which count lines and characters from 0. */
import { relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Location, Range } from 'vscode-languageserver/node';
import type { FunctionNode } from '../program/model.js';

/** Knows one tree by the name the editor uses and by its real path, for a tree may be opened through a link. */
export class TreeLocations {
  constructor(
    /** As the editor writes it; URIs are made from this. */
    readonly opened: string,
    private readonly real: string,
  ) {}

  uri(file: string): string {
    return pathToFileURL(resolve(this.opened, file)).toString();
  }

  /** Path relative to the tree, or undefined for a document outside of it. */
  file(uri: string): string | undefined {
    if (!uri.startsWith('file:')) return undefined;
    let path: string;
    try {
      path = fileURLToPath(uri);
    } catch {
      return undefined;
    }
    for (const root of [this.opened, this.real]) {
      const inside = relative(root, path);
      if (inside !== '' && !inside.startsWith('..') && !resolve(inside).startsWith('..')) {
        if (path === root || path.startsWith(root.endsWith(sep) ? root : root + sep))
          return inside.split(sep).join('/');
      }
    }
    return undefined;
  }

  /** @param line,column from 1 */
  location(file: string, line: number, column: number, length = 0): Location {
    return { uri: this.uri(file), range: rangeAt(line, column, length) };
  }

  nameLocation(node: FunctionNode): Location {
    return this.location(node.file, node.facts.line, node.facts.column, node.name.length);
  }
}

/** @param line,column from 1 */
export function rangeAt(line: number, column: number, length: number): Range {
  const start = { line: Math.max(0, line - 1), character: Math.max(0, column - 1) };
  return { start, end: { line: start.line, character: start.character + length } };
}
