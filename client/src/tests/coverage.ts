/** Executed lines of the kernel's C as VS Code's test coverage, added up over the scenarios of a run. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { RunAnswer } from '../protocol.ts';

interface Lines {
  /** Line → by how many scenarios it was executed; 0: it could have been. */
  readonly hits: Map<number, number>;
  /** Function → its line, and by how many scenarios it was entered. */
  readonly functions: Map<string, { readonly line: number; count: number }>;
}

const details = new WeakMap<vscode.FileCoverage, vscode.FileCoverageDetail[]>();

/** Of a file that `CoverageOfRun.files` gave. */
export const detailsOf = (file: vscode.FileCoverage): vscode.FileCoverageDetail[] => details.get(file) ?? [];

export class CoverageOfRun {
  /** By absolute path. */
  private readonly byPath = new Map<string, Lines>();

  add({ root, lines, functions }: RunAnswer): void {
    for (const [file, { executed, missed }] of Object.entries(lines)) {
      const { hits } = this.linesOf(join(root, file));
      for (const line of executed) hits.set(line, (hits.get(line) ?? 0) + 1);
      for (const line of missed) if (!hits.has(line)) hits.set(line, 0);
    }
    for (const { file, function: name, line } of functions) {
      const { functions: known } = this.linesOf(join(root, file));
      const entered = known.get(name) ?? { line, count: 0 };
      entered.count++;
      known.set(name, entered);
    }
  }

  files(): vscode.FileCoverage[] {
    return [...this.byPath].map(([path, { hits, functions }]) => {
      const covered = [...hits.values()].filter((count) => count > 0).length;
      const file = new vscode.FileCoverage(
        vscode.Uri.file(path),
        new vscode.TestCoverageCount(covered, hits.size),
        undefined,
        new vscode.TestCoverageCount(functions.size, functions.size),
      );
      details.set(file, [
        ...[...hits].map(
          ([line, count]) => new vscode.StatementCoverage(count, new vscode.Position(line - 1, 0)),
        ),
        ...[...functions].map(
          ([name, { line, count }]) =>
            new vscode.DeclarationCoverage(name, count, new vscode.Position(line - 1, 0)),
        ),
      ]);
      return file;
    });
  }

  private linesOf(path: string): Lines {
    let lines = this.byPath.get(path);
    if (!lines) {
      lines = { hits: new Map(), functions: new Map() };
      this.byPath.set(path, lines);
    }
    return lines;
  }
}
