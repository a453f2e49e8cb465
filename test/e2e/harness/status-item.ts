/** Our item in VS Code's status bar. */
import type { Locator, Page } from 'playwright-core';

const startTimeoutMs = 60_000;

interface WindowWithHistory extends Window {
  gmemLensStatus?: string[];
}

export class StatusItem {
  readonly element: Locator;

  private constructor(private readonly page: Page) {
    this.element = page.locator('.statusbar-item[id$="gmemLens.status"]');
  }

  /** To be called before the page is opened: states that last for a blink are to be seen too. */
  static async of(page: Page): Promise<StatusItem> {
    await page.addInitScript(record);
    return new StatusItem(page);
  }

  /** Without its icon. */
  async text(): Promise<string> {
    return (await this.element.innerText()).trim();
  }

  /** What it has said since the page was opened, one after the other. */
  async history(): Promise<string[]> {
    return this.page.evaluate(() => (window as WindowWithHistory).gmemLensStatus ?? []);
  }

  async waitFor(text: string | RegExp, timeout = startTimeoutMs): Promise<void> {
    await this.element.filter({ hasText: text }).waitFor({ timeout });
  }
}

/** Runs in the page. */
function record(): void {
  const history: string[] = [];
  (window as WindowWithHistory).gmemLensStatus = history;
  const look = (): void => {
    const text = document.querySelector('.statusbar-item[id$="gmemLens.status"]')?.textContent?.trim();
    if (text && text !== history.at(-1)) history.push(text);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
}
