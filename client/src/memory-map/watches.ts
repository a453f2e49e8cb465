/**
 * Pages that the memory map watches, as data breakpoints of a session. The editor has no way to add these to its own list,
 * and the adapter takes one list at a time: so each time the editor sets its own, ours are set again beside them.
 */
import type * as vscode from 'vscode';

interface DataBreakpoint {
  readonly dataId: string;
}

export class Watches {
  private readonly ids = new Set<string>();
  private editors: readonly DataBreakpoint[] = [];
  private isSetting = false;

  constructor(private readonly session: vscode.DebugSession) {}

  get all(): string[] {
    return [...this.ids];
  }

  async set(ids: readonly string[], on: boolean): Promise<void> {
    for (const id of ids)
      if (on) this.ids.add(id);
      else this.ids.delete(id);
    await this.send();
  }

  /** The editor has set its own. */
  async editorSet(breakpoints: readonly DataBreakpoint[]): Promise<void> {
    if (this.isSetting) return;
    this.editors = breakpoints;
    if (this.ids.size > 0) await this.send();
  }

  private async send(): Promise<void> {
    const own = [...this.ids]
      .filter((id) => !this.editors.some(({ dataId }) => dataId === id))
      .map((dataId) => ({ dataId, accessType: 'write' }));
    this.isSetting = true;
    try {
      await this.session.customRequest('setDataBreakpoints', { breakpoints: [...this.editors, ...own] });
    } finally {
      this.isSetting = false;
    }
  }
}
