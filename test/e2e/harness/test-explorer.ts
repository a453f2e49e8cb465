/** VS Code's Test Explorer. */
import type { Locator, Page } from 'playwright-core';

export class TestExplorer {
  private readonly list: Locator;

  constructor(private readonly page: Page) {
    this.list = page.locator('.test-explorer .monaco-list');
  }

  async waitForRow(text: string): Promise<Locator> {
    const row = this.row(text);
    await row.waitFor();
    return row;
  }

  row(text: string): Locator {
    return this.list.locator('.monaco-list-row', { hasText: text }).first();
  }

  /** What rows say, from the top: as many as are in view. */
  async rows(): Promise<string[]> {
    const texts = await this.list.locator('.monaco-list-row .label').allInnerTexts();
    return texts.map((text) => text.replaceAll('\u00a0', ' ').trim());
  }

  async expand(text: string): Promise<void> {
    const row = await this.waitForRow(text);
    if ((await row.getAttribute('aria-expanded')) !== 'true') await row.locator('.monaco-tl-twistie').click();
    await this.list.locator('.monaco-list-row[aria-expanded="true"]', { hasText: text }).first().waitFor();
  }

  /** By the button that a row shows under the mouse. */
  async run(
    text: string,
    button: 'Run Test' | 'Debug Test' | 'Run Test with Coverage' = 'Run Test',
  ): Promise<void> {
    const row = await this.waitForRow(text);
    await row.hover();
    await row.locator(`a.action-label[aria-label^="${button}"]`).first().click();
    await this.page.mouse.move(0, 0);
  }

  /** What the editor says behind a line of a failed test; it is drawn by the style sheet. */
  async inlineMessage(line: string): Promise<string> {
    const content = this.page
      .locator('.editor-instance .view-line', { hasText: line })
      .locator('.test-message-inline-content');
    const texts = await content.evaluateAll((elements) =>
      elements.map((element) =>
        ['::before', '::after'].map((part) => getComputedStyle(element, part).content).join(' '),
      ),
    );
    return texts.join(' ').replaceAll('\u00a0', ' ');
  }

  /** As the row's icon says. */
  async state(text: string): Promise<string> {
    const icon = await this.row(text).locator('.computed-state').first().getAttribute('class');
    return /testing-(passed|failed|error|skipped|queued|unset|run)/.exec(icon ?? '')?.[1] ?? icon ?? '';
  }
}
