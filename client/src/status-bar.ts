import * as vscode from 'vscode';
import type { Status } from './protocol.ts';
import { describeStatus } from './status-text.ts';

/** The status bar item; hidden until there is something to say. */
export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    'gmemLens.status',
    vscode.StatusBarAlignment.Left,
  );
  private shown: Status | undefined;

  constructor() {
    this.item.name = 'Guest Memory Lens';
  }

  get status(): Status | undefined {
    return this.shown;
  }

  show(status: Status): void {
    this.shown = status;
    const { text, tooltip, failed } = describeStatus(status);
    this.item.text = text;
    this.item.tooltip = tooltip.join('\n');
    this.item.backgroundColor = failed ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
    this.item.command = failed ? 'gmemLens.showOutput' : 'gmemLens.showStatus';
    this.item.show();
  }

  hide(): void {
    this.shown = undefined;
    this.item.hide();
  }

  dispose(): void {
    this.item.dispose();
  }
}
