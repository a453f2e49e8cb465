/** VS Code in a browser, as a user sees and drives it. */
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterEach } from 'vitest';
import { CallHierarchyView } from './call-hierarchy.ts';
import { launchChromium } from './chromium.ts';
import { CodeLenses } from './code-lenses.ts';
import { type EditorServer, startEditorServer } from './editor-server.ts';
import { type Problem, ProblemsPanel } from './problems-panel.ts';
import type { Place } from './source-place.ts';
import { StatusItem } from './status-item.ts';

export interface WorkbenchOptions {
  /** The folder to open, absolute. */
  readonly folder: string;
  readonly settings?: Record<string, unknown>;
}

const screenshots = join(import.meta.dirname, '..', 'screenshots');
/** Pictures of the README, renewed on request. */
const documentation = join(import.meta.dirname, '..', '..', '..', 'docs', 'screenshots');

const startTimeoutMs = 60_000;
const actionTimeoutMs = 20_000;
/** Lenses that arrive move the text, which hides a hover; and the first hover of a tree waits for the contexts of every lock. */
const hoverTimeoutMs = 5_000;
/** On a loaded machine those take longer than one attempt. */
const maxHovers = 8;
const quickInputTimeoutMs = 7_000;
/** Undoing goes by words. */
const maxUndos = 200;

export class Workbench implements AsyncDisposable {
  readonly calls: CallHierarchyView;
  readonly lenses: CodeLenses;
  private readonly problemsPanel: ProblemsPanel;

  private constructor(
    readonly page: Page,
    private readonly browser: Browser,
    readonly server: EditorServer,
    readonly status: StatusItem,
  ) {
    this.calls = new CallHierarchyView(page);
    this.lenses = new CodeLenses(page);
    this.problemsPanel = new ProblemsPanel(page);
  }

  static async open({ folder, settings }: WorkbenchOptions): Promise<Workbench> {
    const server = await startEditorServer(settings);
    const browser = await launchChromium();
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(actionTimeoutMs);
    const workbench = new Workbench(page, browser, server, await StatusItem.of(page));
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
    const there = this.page.locator('.statusbar-item[id="status.editor.selection"]', {
      hasText: `Ln ${line},`,
    });
    for (let attempt = 1; ; attempt++) {
      await this.quickInput('Control+G', `${line}:${column}`);
      try {
        await there.waitFor({ timeout: quickInputTimeoutMs });
        return;
      } catch (error) {
        // An editor that was just being opened goes to a place of its own.
        if (attempt === 3) throw error;
      }
    }
  }

  async gotoPlace({ line, column }: Place): Promise<void> {
    await this.gotoLine(line, column);
  }

  /** Puts the cursor at the beginning of `text`, the first in the file, by the editor's own search. */
  async gotoText(text: string): Promise<void> {
    await this.focusEditor();
    await this.page.keyboard.press('Control+Home');
    await this.page.keyboard.press('Control+F');
    const find = this.page.locator('.find-widget.visible .find-part textarea').first();
    // The search begins when the text changes.
    await find.fill('');
    await find.fill(text);
    await this.page.locator('.find-widget.visible .matchesCount', { hasText: /^1 of/ }).waitFor();
    // A message that is showing takes the first Escape for itself.
    while (await this.page.locator('.find-widget.visible').isVisible())
      await this.page.keyboard.press('Escape');
    await this.page.keyboard.press('ArrowLeft');
  }

  /** Where the cursor is, as the status bar says: it counts a tab as the columns that it covers. */
  async cursor(): Promise<Place> {
    const text = await this.page.locator('.statusbar-item[id="status.editor.selection"]').innerText();
    const [, line, column] = /Ln (\d+), Col (\d+)/.exec(text) ?? [];
    return { line: Number(line), column: Number(column) };
  }

  /** The name of the file in the active editor. */
  async activeFile(): Promise<string> {
    return this.page.locator('.tab.active .label-name').first().innerText();
  }

  async focusEditor(): Promise<void> {
    await this.page.keyboard.press('Control+1');
  }

  /** Types at the cursor, character by character. */
  async typeText(text: string): Promise<void> {
    await this.page.keyboard.type(text, { delay: 5 });
  }

  /** Takes back what was typed since the file was opened or saved. */
  async undoAll(): Promise<void> {
    await this.focusEditor();
    const dirty = this.page.locator('.tab.active.dirty');
    for (let undo = 0; undo < maxUndos && (await dirty.count()) > 0; undo++)
      await this.page.keyboard.press('Control+Z');
    await dirty.waitFor({ state: 'detached' });
  }

  /** By its title in the command palette. */
  async runCommand(title: string): Promise<void> {
    await this.quickInput('F1', title, true);
  }

  /** Chooses the first row with this label in a list that is open. */
  async pick(label: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input.input');
    await input.waitFor();
    await input.fill(label);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first().click();
  }

  /** Brings the Problems panel to the front. */
  async openProblems(): Promise<ProblemsPanel> {
    const panel = this.problemsPanel;
    if (!(await panel.element.isVisible())) await this.runCommand('Problems: Focus on Problems View');
    await panel.element.waitFor();
    return panel;
  }

  /** What the Problems panel lists at this moment; related places are left out. */
  async problems(): Promise<Problem[]> {
    return (await this.openProblems()).all();
  }

  /**
   * The hover at the cursor.
   * @param expected is waited for: what several sources say comes in one after the other
   */
  async hover(expected: string): Promise<string> {
    const content = this.page.locator('.monaco-editor .monaco-hover:not(.hidden) .hover-contents');
    for (let attempt = 1; ; attempt++) {
      await this.focusEditor();
      await this.runCommand('Show or Focus Hover');
      try {
        await content.filter({ hasText: expected }).first().waitFor({ timeout: hoverTimeoutMs });
        return (await content.allInnerTexts()).join('\n');
      } catch (error) {
        if (attempt === maxHovers) throw error;
      }
    }
  }

  /** Clicks a link in the hover at the cursor. */
  async clickInHover(link: string): Promise<void> {
    const found = this.page.locator('.monaco-hover:not(.hidden) a', { hasText: link }).first();
    for (let attempt = 1; ; attempt++) {
      await this.hover(link);
      try {
        await found.click({ timeout: hoverTimeoutMs });
        return;
      } catch (error) {
        // Lenses that arrived have hidden it again.
        if (attempt === 3) throw error;
      }
    }
  }

  /** Drags the border of the side bar. */
  async widenSideBar(pixels: number): Promise<void> {
    const box = await this.page.locator('.part.sidebar').boundingBox();
    if (!box) throw new Error('the side bar is hidden');
    const [x, y] = [box.x + box.width, box.y + box.height / 2];
    await this.page.mouse.move(x, y);
    await this.page.mouse.down();
    await this.page.mouse.move(x + pixels, y, { steps: 5 });
    await this.page.mouse.up();
    await this.page.mouse.move(0, 0);
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
    const input = widget.locator('.quick-input-filter input');
    const prefix = key === 'F1' ? '>' : key === 'Control+G' ? ':' : '';
    const timeout = quickInputTimeoutMs;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.page.keyboard.press(key);
        await input.waitFor({ timeout });
        await input.fill(prefix + text, { timeout });
        if (pick)
          await widget.locator('.monaco-list-row.focused', { hasText: basename(text) }).waitFor({ timeout });
        await input.press('Enter', { timeout });
        await widget.waitFor({ state: 'hidden', timeout });
        return;
      } catch (error) {
        // The box closes when something else takes the focus, such as an editor that has just been opened.
        if (attempt === 3) throw error;
      }
    }
  }
}

/** Of every test of this file that fails, a picture of what the user would see. */
export function keepPicturesOfFailures(workbench: () => Workbench | undefined): void {
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    await workbench()?.screenshot(`failed-${task.name.replaceAll(/\W+/g, '-')}`);
  });
}
