/** Marks in the margin of the lines under a lock. They are asked for of visible editors only, and move with the text until the answer is there. */
import * as vscode from 'vscode';
import { DARK, LIGHT, markIcon, type Palette } from './lock-mark-icons.ts';
import { keyOf, type MarkKind, markRuns } from './lock-mark-runs.ts';
import type { Server } from './server.ts';
import { section, settings } from './settings.ts';

export class LockMarkDecorations implements vscode.Disposable {
  /** By the key of their kind, made when first needed. */
  private readonly types = new Map<string, vscode.TextEditorDecorationType>();
  private readonly asking = new Set<vscode.TextEditor>();
  private readonly outdated = new Set<vscode.TextEditor>();
  private readonly listeners: vscode.Disposable;
  private isReady = false;

  constructor(private readonly server: Server) {
    this.listeners = vscode.Disposable.from(
      vscode.window.onDidChangeVisibleTextEditors(() => this.updateAll()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(`${section}.lockMarks`)) this.updateAll();
      }),
      server.onMarksChanged(() => this.updateAll()),
      server.onStatus((status) => {
        const wasReady = this.isReady;
        this.isReady = status?.state === 'ready';
        if (this.isReady !== wasReady && status?.state !== 'indexing') this.updateAll();
      }),
    );
  }

  dispose(): void {
    this.listeners.dispose();
    for (const type of this.types.values()) type.dispose();
  }

  private updateAll(): void {
    for (const editor of vscode.window.visibleTextEditors) void this.update(editor);
  }

  /** One question at a time for an editor; what changes meanwhile is asked for afterwards. */
  private async update(editor: vscode.TextEditor): Promise<void> {
    if (!isKernelSource(editor.document)) return;
    if (this.asking.has(editor)) {
      this.outdated.add(editor);
      return;
    }
    this.asking.add(editor);
    try {
      do {
        this.outdated.delete(editor);
        await this.ask(editor);
      } while (this.outdated.has(editor));
    } catch {
      // The server went away, or drops requests of a text that is no more: it will tell when there is news.
    } finally {
      this.asking.delete(editor);
      this.outdated.delete(editor);
    }
  }

  private async ask(editor: vscode.TextEditor): Promise<void> {
    const { document } = editor;
    const textDocument = { uri: document.uri.toString() };
    const marks = settings.lockMarks
      ? await this.server.ask('gmemLens/lockMarks', { textDocument })
      : undefined;
    // An edit came in between: the server tells when it has taken that in.
    if (marks && marks.version !== document.version) return;
    const shown = new Set<string>();
    for (const { kind, runs } of marks ? markRuns(marks) : []) {
      const key = keyOf(kind);
      shown.add(key);
      const ranges = runs.map(({ startLine, endLine }) => new vscode.Range(startLine, 0, endLine, 0));
      editor.setDecorations(this.typeOf(key, kind), ranges);
    }
    for (const [key, type] of this.types) if (!shown.has(key)) editor.setDecorations(type, []);
  }

  private typeOf(key: string, kind: MarkKind): vscode.TextEditorDecorationType {
    let type = this.types.get(key);
    if (!type) {
      type = vscode.window.createTextEditorDecorationType(appearance(kind));
      this.types.set(key, type);
    }
    return type;
  }
}

function isKernelSource({ uri, languageId }: vscode.TextDocument): boolean {
  return uri.scheme === 'file' && (languageId === 'c' || languageId === 'cpp');
}

/** High contrast themes take the pictures of the dark or light ones. */
function appearance(kind: MarkKind): vscode.DecorationRenderOptions {
  const icon = (palette: Palette): vscode.ThemableDecorationRenderOptions => ({
    gutterIconPath: vscode.Uri.parse(
      `data:image/svg+xml;base64,${Buffer.from(markIcon(kind, palette)).toString('base64')}`,
    ),
    gutterIconSize: 'contain',
  });
  const { color, lane } = trace(kind);
  return {
    dark: icon(DARK),
    light: icon(LIGHT),
    overviewRulerColor: new vscode.ThemeColor(color),
    overviewRulerLane: lane,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  };
}

/** Read and other locks have a lane of their own, for those who don't see the colours. */
function trace({ main }: MarkKind): { color: string; lane: vscode.OverviewRulerLane } {
  if (!main) return { color: `${section}.lockOther`, lane: vscode.OverviewRulerLane.Left };
  const lane = main.letters === 'R' ? vscode.OverviewRulerLane.Left : vscode.OverviewRulerLane.Center;
  if (main.sometimes) return { color: `${section}.lockSometimes`, lane };
  return { color: `${section}.${main.letters === 'R' ? 'lockRead' : 'lockWrite'}`, lane };
}
