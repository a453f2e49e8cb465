/** "Show Lock Path": the way to a lock as a peek, one row a step, with the lines of each. */
import * as vscode from 'vscode';
import { type Heading, type PathText, pathText, placeName, stepAt } from './lock-path-text.ts';
import type { LockPath, LockPathParams, LockPathStep } from './protocol.ts';
import type { Server } from './server.ts';

const SCHEME = 'gmem-lens-path';
/** Paths that can still be looked at: peeks are closed without a word. */
const KEPT = 10;

interface Shown extends PathText {
  readonly path: LockPath;
}

export class LockPathPeek
  implements vscode.TextDocumentContentProvider, vscode.DefinitionProvider, vscode.DocumentLinkProvider
{
  private readonly shown = new Map<string, Shown>();
  private readonly ownLines = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('editor.wordHighlightStrongBackground'),
  });
  private count = 0;

  constructor(private readonly server: Server) {}

  register(): vscode.Disposable {
    const selector = { scheme: SCHEME };
    return vscode.Disposable.from(
      this.ownLines,
      vscode.window.onDidChangeVisibleTextEditors((editors) => this.highlight(editors)),
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.languages.registerDefinitionProvider(selector, this),
      vscode.languages.registerDocumentLinkProvider(selector, this),
      vscode.commands.registerCommand('gmemLens.showLockPath', (params?: LockPathParams) =>
        this.show(params),
      ),
      // A row that is opened means the place in the tree, not our text about it.
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.leave(textEditor)),
      vscode.window.onDidChangeActiveTextEditor((editor) => editor && this.leave(editor)),
    );
  }

  /** @param params without them, the line at the cursor is meant */
  private async show(params = atCursor()): Promise<void> {
    if (!params) return;
    const path = await this.server.ask('gmemLens/lockPath', params);
    if (!path || path.steps.length === 0) {
      void vscode.window.showInformationMessage('No lock is known to be held on this line.');
      return;
    }
    const { uri, headings } = await this.write(path);
    await vscode.languages.setTextDocumentLanguage(await vscode.workspace.openTextDocument(uri), 'c');
    const rows = headings.map(
      ({ line, start, end }) => new vscode.Location(uri, new vscode.Range(line, start, line, end)),
    );
    const { editor, position } = await placeToShow(params);
    const source = editor.document.uri;
    await vscode.commands.executeCommand('editor.action.peekLocations', source, position, rows, 'peek');
  }

  /** The preview of a peek is an editor too. */
  private highlight(editors: readonly vscode.TextEditor[]): void {
    for (const editor of editors) {
      const headings = this.shown.get(editor.document.uri.toString())?.headings ?? [];
      const own = headings.flatMap((heading) => (heading.own === undefined ? [] : [heading.own]));
      if (own.length > 0)
        editor.setDecorations(
          this.ownLines,
          own.map((line) => new vscode.Range(line, 0, line, 0)),
        );
    }
  }

  private async write(path: LockPath): Promise<{ uri: vscode.Uri; headings: readonly Heading[] }> {
    const lines = new Map<string, readonly string[]>();
    for (const { location } of path.steps)
      if (!lines.has(location.uri)) lines.set(location.uri, await linesOf(location.uri));
    const text = pathText(path, (uri) => lines.get(uri) ?? []);
    this.count++;
    // The peek shows the last part of the path as its title. A number keeps VS Code from showing an older text.
    const name = `/Lock path/${path.title.replaceAll('/', '∕')}`;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: name, query: `${this.count}` });
    this.shown.set(uri.toString(), { ...text, path });
    for (const old of [...this.shown.keys()].slice(0, -KEPT)) this.shown.delete(old);
    return { uri, headings: text.headings };
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.shown.get(uri.toString())?.text ?? '';
  }

  provideDefinition(document: vscode.TextDocument, position: vscode.Position): vscode.Location | undefined {
    const step = this.stepIn(document, position.line);
    return step && new vscode.Location(vscode.Uri.parse(step.location.uri, true), startOf(step));
  }

  provideDocumentLinks(document: vscode.TextDocument): vscode.DocumentLink[] {
    const shown = this.shown.get(document.uri.toString());
    return (shown?.headings ?? []).flatMap(({ line }, index) => {
      const step = shown?.path.steps[index];
      if (!step) return [];
      const name = placeName(step);
      const start = document.lineAt(line).text.lastIndexOf(name);
      const target = vscode.Uri.parse(step.location.uri, true).with({
        fragment: `L${startOf(step).line + 1}`,
      });
      return [new vscode.DocumentLink(new vscode.Range(line, start, line, start + name.length), target)];
    });
  }

  private stepIn({ uri }: vscode.TextDocument, line: number): LockPathStep | undefined {
    const shown = this.shown.get(uri.toString());
    return shown?.path.steps[stepAt(shown.headings, line)];
  }

  /** Goes to the place that a text of ours tells of, where that was opened as an editor of its own. */
  private async leave({ document, selection }: vscode.TextEditor): Promise<void> {
    if (document.uri.scheme !== SCHEME) return;
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    if (!(tab?.input instanceof vscode.TabInputText)) return;
    if (tab.input.uri.toString() !== document.uri.toString()) return;
    const step = this.stepIn(document, selection.active.line);
    if (!step) return;
    await vscode.window.tabGroups.close(tab);
    const place = startOf(step);
    const target = vscode.Uri.parse(step.location.uri, true);
    const editor = await vscode.window.showTextDocument(target, {
      selection: new vscode.Range(place, place),
    });
    editor.revealRange(new vscode.Range(place, place), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }
}

function startOf({ location }: LockPathStep): vscode.Position {
  const { line, character } = location.range.start;
  return new vscode.Position(line, character);
}

/** The peek opens where the user is: in another file only where nothing else is open. */
async function placeToShow({
  textDocument,
  position,
}: LockPathParams): Promise<{ editor: vscode.TextEditor; position: vscode.Position }> {
  const source = vscode.Uri.parse(textDocument.uri, true);
  const { activeTextEditor: active } = vscode.window;
  if (active && active.document.uri.scheme === 'file' && active.document.uri.toString() !== source.toString())
    return { editor: active, position: active.selection.active };
  const editor = active ?? (await vscode.window.showTextDocument(source));
  return { editor, position: new vscode.Position(position.line, position.character) };
}

function atCursor(): LockPathParams | undefined {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return undefined;
  const { line, character } = editor.selection.active;
  return { textDocument: { uri: editor.document.uri.toString() }, position: { line, character } };
}

async function linesOf(uri: string): Promise<readonly string[]> {
  try {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri, true));
    return document.getText().split(/\r?\n/);
  } catch {
    // A file that is gone by now: the step's words remain.
    return [];
  }
}
