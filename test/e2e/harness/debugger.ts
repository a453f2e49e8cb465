/** VS Code's debugger: tool bar, call stack, variables, and where the editor stands. */
import type { Locator, Page } from 'playwright-core';

export type DebugAction =
  | 'Continue'
  | 'Step Over'
  | 'Step Into'
  | 'Step Out'
  | 'Step Back'
  | 'Restart'
  | 'Stop'
  | 'Reverse';

export class Debugger {
  private readonly toolbar: Locator;
  private readonly variables: Locator;
  private readonly callStack: Locator;

  constructor(private readonly page: Page) {
    this.toolbar = page.locator('.debug-toolbar');
    this.variables = page.locator('.debug-variables');
    this.callStack = page.locator('.debug-call-stack');
  }

  /** Waits until the run stands somewhere. */
  async waitForStop(): Promise<void> {
    await this.toolbar.locator('a.action-label[aria-label^="Step Over"]:not(.disabled)').first().waitFor();
    await this.callStack.locator('.monaco-list-row.selected, .stack-frame').first().waitFor();
  }

  /** Folds views of the side bar, so that the others have their room. */
  async fold(...views: readonly string[]): Promise<void> {
    for (const view of views) await this.setFolded(view, true);
  }

  async unfold(view: string): Promise<void> {
    await this.setFolded(view, false);
  }

  private async setFolded(view: string, folded: boolean): Promise<void> {
    const header = this.page.locator(
      `.sidebar .pane-header[aria-expanded="${folded}"][aria-label^="${view}"]`,
    );
    if ((await header.count()) > 0) await header.first().click();
  }

  async press(action: DebugAction): Promise<void> {
    await this.toolbar.locator(`a.action-label[aria-label^="${action}"]`).first().click();
  }

  get bar(): Locator {
    return this.toolbar;
  }

  /** Frames of the thread that is open, innermost first, as `function` texts. */
  async frames(): Promise<string[]> {
    return this.callStack.locator('.stack-frame .label').allInnerTexts();
  }

  /** Actors, as the call stack lists them. */
  async threads(): Promise<string[]> {
    return this.callStack.locator('.thread .name').allInnerTexts();
  }

  /** Rows of the variables view that are there, as `name: value`. */
  async rows(): Promise<string[]> {
    const texts = await this.variables.locator('.monaco-list-row').allInnerTexts();
    return texts.map((text) =>
      text
        .replaceAll(/\s*\n\s*/g, ' ')
        .replaceAll('\u00a0', ' ')
        .trim(),
    );
  }

  /** Opens a scope or a variable, by how its row begins. */
  async expand(text: string): Promise<void> {
    const row = this.variables.locator('.monaco-list-row', { hasText: text }).first();
    await row.waitFor();
    if ((await row.getAttribute('aria-expanded')) === 'true') return;
    await row.locator('.monaco-tl-twistie').click();
    await this.variables
      .locator('.monaco-list-row[aria-expanded="true"]', { hasText: text })
      .first()
      .waitFor();
  }

  async collapse(text: string): Promise<void> {
    const row = this.variables.locator('.monaco-list-row[aria-expanded="true"]', { hasText: text }).first();
    if ((await row.count()) > 0) await row.locator('.monaco-tl-twistie').click();
  }

  /** The reason that the editor shows for an exception. */
  async exception(): Promise<string> {
    const widget = this.page.locator('.zone-widget.exception-widget-container, .exception-widget');
    await widget.first().waitFor();
    return widget.first().innerText();
  }
}
