/** The marks in the margin of the active editor, and what stands behind its lines. */
import type { Page } from 'playwright-core';
import { DARK, LIGHT } from '../../../client/src/lock-mark-icons.ts';

export class LockMarks {
  constructor(private readonly page: Page) {}

  /** What the marks of the lines in view say, by line (from 1): the title of their pictures. */
  async inView(): Promise<Record<number, string>> {
    const found = await this.page.evaluate(() => {
      const middle = (element: Element): number => {
        const { top, height } = element.getBoundingClientRect();
        return top + height / 2;
      };
      const lines = [...document.querySelectorAll('.editor-instance .margin .line-numbers')].map(
        (element) => ({
          line: Number(element.textContent),
          y: middle(element),
        }),
      );
      return [...document.querySelectorAll('.editor-instance .glyph-margin-widgets > *')].flatMap((glyph) => {
        const y = middle(glyph);
        const line = lines.find((candidate) => Math.abs(candidate.y - y) < 4)?.line;
        const [, picture] = /base64,([^"')]+)/.exec(getComputedStyle(glyph).backgroundImage) ?? [];
        return line === undefined || picture === undefined ? [] : [{ line, svg: atob(picture) }];
      });
    });
    return Object.fromEntries(
      found.map(({ line, svg }) => [line, /<title>(.*)<\/title>/.exec(svg)?.[1] ?? '']),
    );
  }

  /** The palettes of the marks in view: each of them once. */
  async themes(): Promise<string[]> {
    const pictures = await this.page
      .locator('.editor-instance .glyph-margin-widgets > *')
      .evaluateAll((glyphs) =>
        glyphs.flatMap((glyph) => {
          const [, picture] = /base64,([^"')]+)/.exec(getComputedStyle(glyph).backgroundImage) ?? [];
          return picture === undefined ? [] : [atob(picture)];
        }),
      );
    const colours = new Set(pictures.map((svg) => /fill="(#\w+)"/.exec(svg)?.[1]));
    return [LIGHT.write, DARK.write]
      .filter((colour) => colours.has(colour))
      .map((colour) => (colour === DARK.write ? 'dark' : 'light'));
  }

  /** The whole of the first line in view that contains `text`, with the hints that the editor puts into it. */
  async line(text: string): Promise<string> {
    const lines = await this.page
      .locator('.editor-instance .view-lines')
      .first()
      .locator('.view-line')
      .allInnerTexts();
    return lines.map((line) => line.replaceAll(/\s/g, ' ')).find((line) => line.includes(text)) ?? '';
  }
}
