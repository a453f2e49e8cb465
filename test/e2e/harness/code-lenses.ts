/** Code lenses in the active editor. */
import type { Locator, Page } from 'playwright-core';

interface Lens {
  readonly text: string;
  /** Its middle, in pixels of the page. */
  readonly x: number;
  readonly y: number;
}

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
    return (await this.find(text)).map((lens) => lens.text);
  }

  /** Clicks the lens with `title` above the line with `text`. */
  async click(text: string, title: RegExp): Promise<void> {
    const lenses = await this.find(text);
    const lens = lenses.find((candidate) => title.test(candidate.text));
    if (!lens) throw new Error(`no ${title} above '${text}', but ${JSON.stringify(lenses)}`);
    await this.page.mouse.click(lens.x, lens.y);
    await this.page.mouse.move(0, 0);
  }

  /** In one go, for the editor moves lines and lenses about as the server's answers come in. */
  private async find(text: string): Promise<Lens[]> {
    const lenses = await this.page.evaluate((wanted) => {
      const plain = (element: Element): string =>
        (element.textContent ?? '').replaceAll('\u00a0', ' ').trim();
      const line = [...document.querySelectorAll('.editor-instance .view-line')]
        .find((candidate) => plain(candidate).includes(wanted))
        ?.getBoundingClientRect();
      if (!line) return undefined;
      const above = [...document.querySelectorAll('.codelens-decoration')].find((candidate) => {
        const { y, height } = candidate.getBoundingClientRect();
        return height > 0 && y < line.y && y > line.y - 1.5 * line.height;
      });
      return [...(above?.children ?? [])].map((child) => {
        const { x, y, width, height } = child.getBoundingClientRect();
        return { text: plain(child), x: x + width / 2, y: y + height / 2 };
      });
    }, text);
    if (!lenses) throw new Error(`'${text}' is not in view`);
    return lenses.filter((lens) => lens.text !== '|');
  }
}
