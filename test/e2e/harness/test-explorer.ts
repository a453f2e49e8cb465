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

  /** What the editor says behind lines of failed tests, with where: the line's text. */
  async inlineMessages(): Promise<{ line: string; message: string }[]> {
    return this.page.evaluate(() => {
      const plain = (element: Element): string =>
        (element.textContent ?? '').replaceAll('\u00a0', ' ').trim();
      const lines = [...document.querySelectorAll('.editor-instance .view-line')];
      return [...document.querySelectorAll('.test-error-content-widget')].map((widget) => {
        const { y, height } = widget.getBoundingClientRect();
        const line = lines.find((one) => {
          const box = one.getBoundingClientRect();
          return y + height / 2 >= box.y && y + height / 2 < box.y + box.height;
        });
        return { line: line ? plain(line) : '', message: plain(widget) };
      });
    });
  }

  /** As the row's icon says. */
  async state(text: string): Promise<string> {
    const icon = await this.row(text).locator('.computed-state').first().getAttribute('class');
    return /testing-(passed|failed|error|skipped|queued|unset|run)/.exec(icon ?? '')?.[1] ?? icon ?? '';
  }
}
