/** What a run gave, as a list to choose from: hazards and what wasn't as expected, each leading to its line. */
import { isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import type { RunAnswer } from '../protocol.ts';

interface Row extends vscode.QuickPickItem {
  readonly place?: { readonly path: string; readonly line: number };
}

export async function showRun(answer: RunAnswer): Promise<void> {
  const { result, ms } = answer;
  const title = `${result.scenario}: ${result.passed ? 'as expected' : 'NOT as expected'}, ${result.outcome}, ${result.steps.toLocaleString('en-US')} steps, ${Math.round(ms)} ms`;
  const chosen = await vscode.window.showQuickPick(rowsOf(answer), { title, matchOnDetail: true });
  if (chosen?.place) await openPlace(chosen.place.path, chosen.place.line);
}

/** @param line from 1 */
export async function openPlace(path: string, line: number): Promise<void> {
  const place = new vscode.Range(line - 1, 0, line - 1, 0);
  // Beside the memory map, not over it.
  const viewColumn = vscode.window.visibleTextEditors[0]?.viewColumn ?? vscode.ViewColumn.One;
  const editor = await vscode.window.showTextDocument(vscode.Uri.file(path), {
    selection: place,
    viewColumn,
  });
  editor.revealRange(place, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

function rowsOf({ result, root }: RunAnswer): Row[] {
  const inRoot = (path: string): string => (isAbsolute(path) ? path : join(root, path));
  const failed = result.expectations.filter(({ ok }) => !ok);
  const rows: Row[] = [];
  const group = (label: string, of: readonly Row[]): void => {
    if (of.length > 0) rows.push({ label, kind: vscode.QuickPickItemKind.Separator }, ...of);
  };
  group(
    'not as expected',
    failed.map(({ what, expected, actual, at }) => ({
      label: `$(error) ${what}`,
      detail: `expected ${expected}, got ${actual}`,
      ...(at && { place: { path: inRoot(at.file), line: at.line } }),
    })),
  );
  group(
    'hazards',
    result.hazards.map(({ kind, row, message, actor, file, line, function: name }) => ({
      label: `$(warning) ${kind}`,
      description: [row, name, actor].filter((part) => part !== undefined).join(' · '),
      detail: message,
      ...(file !== undefined && line !== undefined && { place: { path: inRoot(file), line } }),
    })),
  );
  group('result', [
    ...(result.message === undefined ? [] : [{ label: `$(info) ${result.message}` }]),
    ...Object.entries(result.counters)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => ({ label: name, description: count.toLocaleString('en-US') })),
  ]);
  return rows;
}
