/** Our memory map: a webview, which is a frame inside of a frame. */
import type { FrameLocator, Page } from 'playwright-core';

export class MemoryMapView {
  private readonly frame: FrameLocator;

  constructor(page: Page) {
    this.frame = page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
  }

  async waitForPosition(text: RegExp | string): Promise<void> {
    await this.frame.locator('#position-text', { hasText: text }).waitFor();
  }

  async position(): Promise<number> {
    const text = await this.frame.locator('#position-text').innerText();
    return Number(/step (\d+)/.exec(text)?.[1]);
  }

  /** What a screen reader is told of the selected page. */
  async cell(): Promise<string> {
    return (await this.frame.locator('#cell').getAttribute('aria-label')) ?? '';
  }

  /** Names and values beside the map. */
  async facts(): Promise<Record<string, string>> {
    const names = await this.frame.locator('#details dt').allInnerTexts();
    const values = await this.frame.locator('#details dd').allInnerTexts();
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
  }

  async press(key: string, times = 1): Promise<void> {
    const grid = this.frame.locator('#scroller');
    for (let i = 0; i < times; i++) await grid.press(key);
  }

  async filter(text: string): Promise<void> {
    await this.frame.locator('#filter').fill(text);
  }

  async click(name: string): Promise<void> {
    await this.frame.getByRole('button', { name }).first().click();
  }

  /** Goes to a step by the slider. */
  async scrub(position: number): Promise<void> {
    await this.frame.locator('#position').fill(`${position}`);
  }

  async heading(): Promise<string> {
    return this.frame.locator('#status').innerText();
  }

  /** How many different colours a part of the map has, to tell a picture from an empty canvas. */
  async colours(): Promise<number> {
    return this.frame.locator('#map').evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      const seen = new Set<number>();
      for (let at = 0; at < pixels.length; at += 4 * 7)
        seen.add(((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0));
      return seen.size;
    });
  }

  get root(): FrameLocator {
    return this.frame;
  }
}
