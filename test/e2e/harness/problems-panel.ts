/** VS Code's Problems panel. */
import type { Locator, Page } from 'playwright-core';
import type { Place } from './source-place.ts';

/** A row of the panel. */
export interface Problem extends Place {
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  /** The diagnostic's code. */
  readonly rule: string;
}

/** A row below a problem. */
export interface RelatedPlace extends Place {
  /** Name without folder. */
  readonly file: string;
  readonly message: string;
}

export class ProblemsPanel {
  private readonly panel: Locator;
  private readonly relatedRows: Locator;

  constructor(private readonly page: Page) {
    this.panel = page.locator('.markers-panel');
    // A file's row has its icon, a problem's that of its severity.
    this.relatedRows = this.panel.locator('.monaco-list-row:not(:has(.marker-icon, .file-icon))');
  }

  /** What is listed at this moment; related places are left out. */
  async all(): Promise<Problem[]> {
    const rows = await this.panel.locator('.monaco-list-row:has(.marker-icon)').all();
    return Promise.all(rows.map(readProblem));
  }

  /** The related places in view, of all problems. */
  async related(): Promise<RelatedPlace[]> {
    return Promise.all((await this.relatedRows.all()).map(readRelated));
  }

  /** @param index counts from 0 over all related places in view */
  async openRelated(index: number): Promise<void> {
    await this.relatedRows.nth(index).dblclick();
    // What the mouse rests on gets a hover, which would lie over the other rows.
    await this.page.mouse.move(0, 0);
  }

  /** Shows only problems that contain this text. */
  async filter(text: string): Promise<void> {
    await this.page.locator('.panel .viewpane-filter input').fill(text);
  }

  get element(): Locator {
    return this.panel;
  }
}

async function readProblem(row: Locator): Promise<Problem> {
  const icon = (await row.locator('.marker-icon .codicon').getAttribute('class')) ?? '';
  const [, severity] = /codicon-(error|warning|info)/.exec(icon) ?? [];
  const details = row.locator('.marker-message-details-container .details-container').first();
  const [message = '', ...origin] = (await details.innerText()).split('\n');
  return {
    severity: severity === 'error' || severity === 'warning' ? severity : 'info',
    message,
    rule: origin[1] ?? '',
    ...readPlace(origin.at(-1) ?? ''),
  };
}

async function readRelated(row: Locator): Promise<RelatedPlace> {
  const [file = '', place = '', , ...message] = (await row.innerText()).split('\n');
  return { file, message: message.join('\n'), ...readPlace(place) };
}

function readPlace(text: string): Place {
  const [, line, column] = /Ln (\d+), Col (\d+)/.exec(text) ?? [];
  return { line: Number(line), column: Number(column) };
}
