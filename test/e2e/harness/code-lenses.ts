/** Code lenses in the active editor. */
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

interface Lens {
  readonly title: string;
  readonly isCommand: boolean;
}

const clickTimeoutMs = 5_000;

/** Set on the lenses that were found last. */
const mark = 'data-found-lens';

export class CodeLenses {
  constructor(private readonly page: Page) {}

  /** A lens that is a command and is in view, the topmost that has this text. */
  first(text: string | RegExp): Locator {
    return this.page.locator('.codelens-decoration a', { hasText: text }).filter({ visible: true }).first();
  }

  /**
   * The lenses above the line with this text, from left to right; empty where there are none.
   * @param text stands on one line in view
   */
  async above(text: string): Promise<string[]> {
    return (await this.find(text)).map((lens) => lens.title).filter((title) => title !== '|');
  }

  /** Clicks the lens with `title` above the line with `text`. */
  async click(text: string, title: RegExp): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      // Of a file that was open before, the editor first shows the lenses that it remembers: those are mere text.
      await expect
        .poll(() => this.find(text))
        .toContainEqual({ title: expect.stringMatching(title), isCommand: true });
      const index = (await this.find(text)).findIndex((lens) => title.test(lens.title));
      try {
        await this.page.locator(`a[${mark}="${index}"]`).click({ timeout: clickTimeoutMs });
        return;
      } catch (error) {
        // It was replaced in that moment, by one that a newer answer of the server brought.
        if (attempt === 3) throw error;
      }
    }
  }

  /** In one go, for the editor moves lines and lenses about as the server's answers come in. */
  private async find(text: string): Promise<Lens[]> {
    // The editor writes spaces as U+00A0.
    const hasText = text.replaceAll(' ', '\u00a0');
    await this.page.locator('.editor-instance .view-line', { hasText }).first().waitFor();
    return this.page.evaluate(
      ([wanted, attribute]) => {
        const plain = (element: Element): string =>
          (element.textContent ?? '').replaceAll('\u00a0', ' ').trim();
        const line = [...document.querySelectorAll('.editor-instance .view-line')]
          .find((candidate) => plain(candidate).includes(wanted))
          ?.getBoundingClientRect();
        if (!line) return [];
        const above = [...document.querySelectorAll('.codelens-decoration')].find((candidate) => {
          const { y, height } = candidate.getBoundingClientRect();
          return height > 0 && y < line.y && y > line.y - 1.5 * line.height;
        });
        for (const before of document.querySelectorAll(`[${attribute}]`)) before.removeAttribute(attribute);
        return [...(above?.children ?? [])].map((child, index) => {
          child.setAttribute(attribute, `${index}`);
          return { title: plain(child), isCommand: child.tagName === 'A' };
        });
      },
      [text, mark] as const,
    );
  }
}
