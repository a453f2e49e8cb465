/** The peek view inside of an editor. */
import type { Locator, Page } from 'playwright-core';

export class PeekView {
  readonly element: Locator;

  constructor(private readonly page: Page) {
    this.element = page.locator('.peekview-widget');
  }

  /** The rows at the right, from the top. */
  async rows(): Promise<string[]> {
    const rows = await this.element.locator('.ref-tree .monaco-list-row').allInnerTexts();
    return rows.map((row) => row.replaceAll('\u00a0', ' ').trim());
  }

  /** The files at the right. */
  async groups(): Promise<string[]> {
    return this.element.locator('.ref-tree .reference-file .label-name').allInnerTexts();
  }

  async title(): Promise<string> {
    return (await this.element.locator('.peekview-title').innerText()).replaceAll('\u00a0', ' ');
  }

  /** The lines of the preview that are in view. */
  async preview(): Promise<string> {
    const lines = await this.element.locator('.preview .view-line').allInnerTexts();
    return lines.join('\n').replaceAll('\u00a0', ' ');
  }

  /** Opens the row that contains `text`. */
  async open(text: string): Promise<void> {
    await this.element.locator('.ref-tree .monaco-list-row', { hasText: text }).first().dblclick();
    await this.page.mouse.move(0, 0);
  }

  async close(): Promise<void> {
    await this.element.locator('.peekview-actions .codicon-close').click();
    await this.element.waitFor({ state: 'detached' });
  }
}
