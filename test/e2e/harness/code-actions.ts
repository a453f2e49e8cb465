/** The menu of code actions. */
import type { Locator, Page } from 'playwright-core';

export class CodeActionMenu {
  private readonly rows: Locator;

  constructor(private readonly page: Page) {
    this.rows = page.locator('.action-widget .monaco-list-row.action');
  }

  /** Opens it at the cursor; what it offers. */
  async open(): Promise<string[]> {
    await this.page.keyboard.press('Control+.');
    await this.rows.first().waitFor();
    return (await this.rows.allInnerTexts()).map((row) => row.replaceAll('\u00a0', ' ').trim());
  }

  async choose(title: string): Promise<void> {
    const row = this.rows.filter({ hasText: title }).first();
    const box = await row.boundingBox();
    // The menu takes no click before the mouse has moved: one that was meant for the text below it would hit it.
    if (box) await this.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 2 });
    await row.click();
    await this.rows.first().waitFor({ state: 'detached' });
  }

  async close(): Promise<void> {
    await this.page.keyboard.press('Escape');
    await this.rows.first().waitFor({ state: 'detached' });
  }
}
