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
    // Read in one go: rows come and go.
    const rows = await this.panel.locator('.monaco-list-row:has(.marker-icon)').evaluateAll((elements) =>
      elements.map((element) => ({
        icon: element.querySelector('.marker-icon .codicon')?.className ?? '',
        details: element.querySelector<HTMLElement>('.details-container')?.innerText ?? '',
      })),
    );
    return rows.map(readProblem);
  }

  /** The related places in view, of all problems. */
  async related(): Promise<RelatedPlace[]> {
    return (await this.relatedRows.allInnerTexts()).map(readRelated);
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

function readProblem({ icon, details }: { icon: string; details: string }): Problem {
  const [, severity] = /codicon-(error|warning|info)/.exec(icon) ?? [];
  const [message = '', ...origin] = details.split('\n');
  return {
    severity: severity === 'error' || severity === 'warning' ? severity : 'info',
    message,
    rule: origin[1] ?? '',
    ...readPlace(origin.at(-1) ?? ''),
  };
}

function readRelated(text: string): RelatedPlace {
  const [file = '', place = '', , ...message] = text.split('\n');
  return { file, message: message.join('\n'), ...readPlace(place) };
}

function readPlace(text: string): Place {
  const [, line, column] = /Ln (\d+), Col (\d+)/.exec(text) ?? [];
  return { line: Number(line), column: Number(column) };
}
