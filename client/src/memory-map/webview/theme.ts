/** Colours of the editor's theme for drawing, read anew when that changes. */
import type { Tone } from './bands.ts';

export interface Theme {
  readonly foreground: string;
  readonly background: string;
  readonly faint: string;
  readonly border: string;
  readonly focus: string;
  readonly changed: string;
  readonly error: string;
  readonly font: string;
  /** High contrast: areas have outlines, for colours alone aren't told apart. */
  readonly outlines: boolean;
  readonly tones: Readonly<Record<Exclude<Tone, 'none' | 'owner'>, string>>;
  readonly owners: readonly string[];
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const color = (name: string, otherwise: string): string =>
    style.getPropertyValue(`--vscode-${name}`).trim() || otherwise;
  const { classList } = document.body;
  const foreground = color('editor-foreground', '#cccccc');
  const palette = {
    blue: color('charts-blue', '#3794ff'),
    green: color('charts-green', '#89d185'),
    yellow: color('charts-yellow', '#cca700'),
    orange: color('charts-orange', '#d18616'),
    purple: color('charts-purple', '#b180d7'),
    red: color('charts-red', '#f14c4c'),
  };
  return {
    foreground,
    background: color('editor-background', '#1e1e1e'),
    faint: color('editorLineNumber-foreground', '#858585'),
    border: color('contrastBorder', color('editorWidget-border', '#454545')),
    focus: color('focusBorder', '#007fd4'),
    changed: color('editorWarning-foreground', palette.yellow),
    error: color('editorError-foreground', palette.red),
    font: style.getPropertyValue('--vscode-editor-font-family').trim() || 'monospace',
    outlines: classList.contains('vscode-high-contrast') || classList.contains('vscode-high-contrast-light'),
    tones: {
      private: palette.purple,
      shared: palette.green,
      first: palette.blue,
      second: palette.green,
      third: palette.orange,
      alarm: palette.red,
    },
    owners: [palette.blue, palette.orange, palette.green, palette.purple, palette.yellow, palette.red],
  };
}

/** The theme is told by the body's classes and the root's variables. */
export function onThemeChange(changed: () => void): void {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
}
