/** VS Code's view "References: Callers Of …", driven by the keyboard as a user would. */
import type { Locator, Page } from 'playwright-core';

/** A row of the view. */
export interface CallRow {
  /** The function that was asked about is at 1. */
  readonly level: number;
  readonly name: string;
  /** What stands in grey behind the name. */
  readonly detail: string;
}

/** More siblings than any function here has. */
const maxSteps = 400;

export class CallHierarchyView {
  private readonly list: Locator;

  constructor(private readonly page: Page) {
    this.list = page.locator('.sidebar .pane-body .monaco-list');
  }

  /** Waits until the view is about this function. */
  async waitFor(name: string): Promise<void> {
    const root = this.list.locator('.monaco-list-row[aria-level="1"][aria-expanded="true"]');
    await root.filter({ has: this.page.getByText(name, { exact: true }) }).waitFor();
  }

  /** Callers or callees: by the button at the top of the view. */
  async show(direction: 'Incoming' | 'Outgoing'): Promise<void> {
    await this.page.locator(`.sidebar a.action-label[aria-label="Show ${direction} Calls"]`).first().click();
    const title = direction === 'Incoming' ? /callers of/i : /calls from/i;
    await this.page.locator('.sidebar .title-label', { hasText: title }).waitFor();
    // What the mouse rests on gets a hover, which would lie over the rows.
    await this.page.mouse.move(0, 0);
  }

  /** Opens one row after the other from the root down; each name must be among the children of the one before. */
  async walk(names: readonly string[]): Promise<CallRow[]> {
    await this.list.focus();
    await this.page.keyboard.press('Home');
    const rows: CallRow[] = [];
    // Rows of a former question may still be there.
    const [first = ''] = names;
    await this.list.locator('.monaco-list-row[aria-level="2"]', { hasText: first }).first().waitFor();
    for (const name of names) {
      await this.enter();
      rows.push(await this.goDownTo(name));
    }
    return rows;
  }

  /** Opens the focused row and goes to its first child. */
  private async enter(): Promise<void> {
    const { level } = await this.focused();
    const focused = this.list.locator('.monaco-list-row.focused');
    if ((await focused.getAttribute('aria-expanded')) !== 'true')
      await this.page.keyboard.press('ArrowRight');
    const index = Number(await focused.getAttribute('data-index'));
    await this.list
      .locator(`.monaco-list-row[data-index="${index + 1}"][aria-level="${level + 1}"]`)
      .waitFor();
    await this.page.keyboard.press('ArrowRight');
    await this.list.locator(`.monaco-list-row.focused[data-index="${index + 1}"]`).waitFor();
  }

  private async goDownTo(name: string): Promise<CallRow> {
    const siblings: string[] = [];
    let row = await this.focused();
    const { level } = row;
    for (let step = 0; step < maxSteps && row.level === level; step++) {
      if (row.name === name) return row;
      siblings.push(row.name);
      const before = await this.list.locator('.monaco-list-row.focused').getAttribute('data-index');
      await this.page.keyboard.press('ArrowDown');
      row = await this.focused();
      const after = await this.list.locator('.monaco-list-row.focused').getAttribute('data-index');
      if (before === after) break;
    }
    throw new Error(`The call hierarchy has no ${name} here, but ${siblings.join(', ')}`);
  }

  private async focused(): Promise<CallRow> {
    const row = this.list.locator('.monaco-list-row.focused');
    await row.waitFor();
    const detail = row.locator('.label-description');
    return {
      level: Number(await row.getAttribute('aria-level')),
      name: await row.locator('.label-name').innerText(),
      detail: (await detail.count()) > 0 ? await detail.innerText() : '',
    };
  }
}
