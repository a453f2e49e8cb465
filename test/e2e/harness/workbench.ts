/** VS Code in a browser, as a user sees and drives it. */
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { launchChromium } from './chromium.ts';
import { type EditorServer, startEditorServer } from './editor-server.ts';

export interface WorkbenchOptions {
  /** The folder to open, absolute. */
  readonly folder: string;
  readonly settings?: Record<string, unknown>;
}

/** A row of the Problems panel. */
export interface Problem {
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  /** The diagnostic's code. */
  readonly rule: string;
  readonly line: number;
  readonly column: number;
}

const screenshots = join(import.meta.dirname, '..', 'screenshots');
/** Pictures of the README, renewed on request. */
const documentation = join(import.meta.dirname, '..', '..', '..', 'docs', 'screenshots');

const startTimeoutMs = 60_000;
const actionTimeoutMs = 20_000;

export class Workbench implements AsyncDisposable {
  private constructor(
    readonly page: Page,
    private readonly browser: Browser,
    readonly server: EditorServer,
  ) {}

  static async open({ folder, settings }: WorkbenchOptions): Promise<Workbench> {
    const server = await startEditorServer(settings);
    const browser = await launchChromium();
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(actionTimeoutMs);
    const workbench = new Workbench(page, browser, server);
    try {
      // By this name the browser takes the page for a secure one, which service workers and webviews need.
      await page.goto(`http://localhost:${server.port}/?folder=${encodeURIComponent(folder)}`);
      await page
        .locator('.explorer-folders-view .monaco-list-row')
        .first()
        .waitFor({ timeout: startTimeoutMs });
      return workbench;
    } catch (error) {
      await workbench.screenshot('failed-start').catch(() => undefined);
      await workbench[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await this.server[Symbol.asyncDispose]();
  }

  /** @param path absolute, or relative to the folder that is open */
  async openFile(path: string): Promise<void> {
    await this.quickInput('Control+P', path, true);
    await this.page.locator('.tab.active', { hasText: basename(path) }).waitFor();
    await this.page.locator('.editor-instance .view-line').first().waitFor();
  }

  /** Lines and columns start at 1. */
  async gotoLine(line: number, column = 1): Promise<void> {
    await this.quickInput('Control+G', `${line}:${column}`);
    await this.page
      .locator('.editor-instance .line-numbers.active-line-number', { hasText: RegExp(`^${line}$`) })
      .waitFor();
  }

  /** Puts the cursor at the beginning of `text`, the first in the file, by the editor's own search. */
  async gotoText(text: string): Promise<void> {
    await this.focusEditor();
    await this.page.keyboard.press('Control+Home');
    await this.page.keyboard.press('Control+F');
    const find = this.page.locator('.find-widget.visible .find-part textarea').first();
    await find.fill(text);
    await this.page.locator('.find-widget.visible .matchesCount', { hasText: /^1 of/ }).waitFor();
    // A message that is showing takes the first Escape for itself.
    while (await this.page.locator('.find-widget.visible').isVisible())
      await this.page.keyboard.press('Escape');
    await this.page.keyboard.press('ArrowLeft');
  }

  async focusEditor(): Promise<void> {
    await this.page.keyboard.press('Control+1');
  }

  /** Types at the cursor, character by character. */
  async typeText(text: string): Promise<void> {
    await this.page.keyboard.type(text, { delay: 5 });
  }

  /** By its title in the command palette. */
  async runCommand(title: string): Promise<void> {
    await this.quickInput('F1', title, true);
  }

  /** The code lenses in view, from top to bottom, once there are any. */
  async codeLenses(): Promise<string[]> {
    const lenses = this.page.locator('.codelens-decoration a');
    await lenses.first().waitFor();
    return lenses.allInnerTexts();
  }

  codeLens(text: string | RegExp): Locator {
    return this.page.locator('.codelens-decoration a', { hasText: text }).first();
  }

  /** What the Problems panel lists at this moment; related places are left out. */
  async problems(): Promise<Problem[]> {
    const panel = this.page.locator('.markers-panel');
    if (!(await panel.isVisible())) await this.runCommand('Problems: Focus on Problems View');
    await panel.waitFor();
    const rows = await panel.locator('.monaco-list-row:has(.marker-icon)').all();
    return Promise.all(rows.map(readProblem));
  }

  /** The hover at the cursor. */
  async hover(): Promise<string> {
    await this.runCommand('Show or Focus Hover');
    const content = this.page.locator('.monaco-editor .monaco-hover:not(.hidden) .hover-contents');
    await content.first().waitFor();
    const texts = await content.allInnerTexts();
    return texts.join('\n');
  }

  get statusBarItem(): Locator {
    return this.page.locator('.statusbar-item[id$="gmemLens.status"]');
  }

  /** The text of our status bar item; icons are left out. */
  async statusBarText(): Promise<string> {
    return (await this.statusBarItem.innerText()).trim();
  }

  /** Waits until the status bar item says this. */
  async waitForStatus(text: string | RegExp, timeout = startTimeoutMs): Promise<void> {
    await this.statusBarItem.filter({ hasText: text }).waitFor({ timeout });
  }

  /** The lines of the output channel that is showing, as far as they are in view. */
  async outputText(): Promise<string> {
    const lines = this.page.locator('.output-view .view-line');
    await lines.first().waitFor();
    return (await lines.allInnerTexts()).join('\n').replaceAll('\u00a0', ' ');
  }

  /** The messages at the bottom right. */
  async notifications(): Promise<string[]> {
    return this.page.locator('.notification-toast .notification-list-item-message').allInnerTexts();
  }

  /** @param forReadme also a picture of the README, if those are to be renewed (GMEM_LENS_UPDATE_SCREENSHOTS=1) */
  async screenshot(name: string, forReadme = false): Promise<void> {
    await mkdir(screenshots, { recursive: true });
    await this.page.screenshot({ path: join(screenshots, `${name}.png`) });
    if (!forReadme || process.env.GMEM_LENS_UPDATE_SCREENSHOTS !== '1') return;
    await mkdir(documentation, { recursive: true });
    await this.page.screenshot({ path: join(documentation, `${name}.png`) });
  }

  /** Types into the box at the top; `pick` waits for a proposal before it presses Enter. */
  private async quickInput(key: string, text: string, pick = false): Promise<void> {
    const widget = this.page.locator('.quick-input-widget');
    await this.page.keyboard.press(key);
    const input = widget.locator('.quick-input-filter input');
    await input.waitFor();
    const prefix = key === 'F1' ? '>' : key === 'Control+G' ? ':' : '';
    await input.fill(prefix + text);
    if (pick) await widget.locator('.monaco-list-row.focused', { hasText: basename(text) }).waitFor();
    await this.page.keyboard.press('Enter');
    await widget.waitFor({ state: 'hidden' });
  }
}

async function readProblem(row: Locator): Promise<Problem> {
  const icon = (await row.locator('.marker-icon .codicon').getAttribute('class')) ?? '';
  const [, severity] = /codicon-(error|warning|info)/.exec(icon) ?? [];
  const details = row.locator('.marker-message-details-container .details-container').first();
  const [message = '', ...origin] = (await details.innerText()).split('\n');
  const [, line, column] = /Ln (\d+), Col (\d+)/.exec(origin.at(-1) ?? '') ?? [];
  return {
    severity: severity === 'error' || severity === 'warning' ? severity : 'info',
    message,
    rule: origin[1] ?? '',
    line: Number(line),
    column: Number(column),
  };
}
