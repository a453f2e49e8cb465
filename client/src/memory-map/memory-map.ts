/** The memory map beside the editor: a webview that asks the debug session by us. It sees nothing else. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { DEBUG_TYPE } from '../debug/launch.ts';
import { askSession } from '../debug/requests.ts';
import type { GmemEvents } from '../protocol.ts';
import { openPlace } from '../scenarios/run-report.ts';
import { settings } from '../settings.ts';
import type { FromPage, MapRequest, ToPage } from './messages.ts';
import { pageOf } from './page.ts';
import { Watches } from './watches.ts';

/**
 * The debugger opens sources in the group that was used last; a locked group keeps them from covering the map.
 * Only the active group can be locked, and the map has just become that.
 */
async function keepGroup(isAside: boolean): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.lockEditorGroup');
  if (isAside) await vscode.commands.executeCommand('workbench.action.focusFirstEditorGroup');
}

const VIEW_TYPE = 'gmemLens.memoryMap';

const ASKABLE: ReadonlySet<string> = new Set<MapRequest>([
  'gmem/machineView',
  'gmem/timeline',
  'gmem/goTo',
  'gmem/changes',
]);

export class MemoryMap implements vscode.Disposable, vscode.DebugAdapterTrackerFactory {
  private panel: vscode.WebviewPanel | undefined;
  private session: vscode.DebugSession | undefined;
  private readonly watches = new Map<string, Watches>();
  private readonly disposables: vscode.Disposable;

  constructor(private readonly extension: vscode.Uri) {
    this.disposables = vscode.Disposable.from(
      vscode.commands.registerCommand('gmemLens.showMemoryMap', () => this.show(false)),
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, this),
      vscode.debug.onDidStartDebugSession((session) => this.started(session)),
      vscode.debug.onDidChangeActiveDebugSession((session) => {
        if (session?.type === DEBUG_TYPE && session !== this.session) this.follow(session);
      }),
      vscode.debug.onDidTerminateDebugSession((session) => this.ended(session)),
      vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
        if (session === this.session && event === 'gmem/stateChanged') {
          const { position, length } = body as GmemEvents['gmem/stateChanged'];
          this.tell({ kind: 'changed', position, length });
        }
      }),
    );
  }

  dispose(): void {
    this.panel?.dispose();
    this.disposables.dispose();
  }

  createDebugAdapterTracker(session: vscode.DebugSession): vscode.DebugAdapterTracker {
    return {
      onWillReceiveMessage: (message: { command?: string; arguments?: { breakpoints?: [] } }) => {
        if (message.command === 'setDataBreakpoints')
          void this.watchesOf(session).editorSet(message.arguments?.breakpoints ?? []);
      },
    };
  }

  private started(session: vscode.DebugSession): void {
    if (session.type !== DEBUG_TYPE || session.configuration.noDebug === true) return;
    this.session = session;
    if (this.panel) this.follow(session);
    else if (settings.opensMemoryMap) this.show(true);
  }

  private follow(session: vscode.DebugSession): void {
    this.session = session;
    this.tell({ kind: 'session', name: session.name });
    this.tell({ kind: 'watched', ids: this.watchesOf(session).all });
  }

  private ended(session: vscode.DebugSession): void {
    this.watches.delete(session.id);
    if (session !== this.session) return;
    this.session = undefined;
    this.tell({ kind: 'ended' });
  }

  private watchesOf(session: vscode.DebugSession): Watches {
    let watches = this.watches.get(session.id);
    if (!watches) {
      watches = new Watches(session);
      this.watches.set(session.id, watches);
    }
    return watches;
  }

  /** @param isAside the user is about to step, and keeps the focus */
  private show(isAside: boolean): void {
    const active = vscode.debug.activeDebugSession;
    if (active?.type === DEBUG_TYPE) this.session ??= active;
    if (this.panel) return this.panel.reveal(undefined, isAside);
    const resources = vscode.Uri.joinPath(this.extension, 'dist');
    const panel = vscode.window.createWebviewPanel(VIEW_TYPE, 'Memory Map', vscode.ViewColumn.Beside, {
      enableScripts: true,
      localResourceRoots: [resources],
      retainContextWhenHidden: true,
    });
    this.panel = panel;
    const { webview } = panel;
    const uriOf = (name: string): string =>
      webview.asWebviewUri(vscode.Uri.joinPath(resources, name)).toString();
    panel.onDidDispose(() => {
      this.panel = undefined;
    });
    webview.onDidReceiveMessage((message: FromPage) => void this.heard(message));
    webview.html = pageOf({
      script: uriOf('memory-map.js'),
      style: uriOf('memory-map.css'),
      source: webview.cspSource,
      nonce: randomBytes(16).toString('base64url'),
    });
    void keepGroup(isAside);
  }

  private tell(message: ToPage): void {
    void this.panel?.webview.postMessage(message);
  }

  private async heard(message: FromPage): Promise<void> {
    switch (message.kind) {
      case 'ready':
        if (this.session) this.follow(this.session);
        return;
      case 'ask':
        return this.answer(message);
      case 'open':
        return openPlace(message.path, message.line);
      case 'watch':
        return this.watch(message.ids, message.on);
    }
  }

  private async answer({ id, method, args }: FromPage & { kind: 'ask' }): Promise<void> {
    const { session } = this;
    if (!session || !ASKABLE.has(method))
      return this.tell({ kind: 'refused', id, message: 'No scenario is being stepped through.' });
    try {
      this.tell({ kind: 'answer', id, body: await askSession(session, method, args) });
    } catch (error) {
      this.tell({ kind: 'refused', id, message: error instanceof Error ? error.message : String(error) });
    }
  }

  private async watch(ids: readonly string[], on: boolean): Promise<void> {
    if (!this.session) return;
    const watches = this.watchesOf(this.session);
    await watches.set(ids, on);
    this.tell({ kind: 'watched', ids: watches.all });
  }
}
