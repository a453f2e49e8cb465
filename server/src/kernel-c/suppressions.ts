/**
 * Comments that take a finding back: `gmem-lens: ignore RULE[, RULE…]: why` on the finding's line or the one above it.
 * A reason is required: whoever reads the code next needs it more than the tool does.
 */
import type { Note } from './facts.js';
import type { LineIndex } from './line-index.js';

export interface SuppressionFacts {
  /** Line of the comment's last character, from 1. */
  line: number;
  rules: string[];
  reason: string;
}

const MARK = 'gmem-lens:';
const FORM = /gmem-lens:\s*ignore\s+([\w-]+(?:\s*,\s*[\w-]+)*)\s*(?::\s*([\s\S]*?))?\s*(?:\*\/)?$/;

/** Suppressions in a file's text; one that says nothing usable becomes a note. */
export function readSuppressions(text: string, lines: LineIndex, notes: Note[]): SuppressionFacts[] {
  const found: SuppressionFacts[] = [];
  for (let at = text.indexOf(MARK); at >= 0; at = text.indexOf(MARK, at + MARK.length)) {
    const blockEnd = text.indexOf('*/', at);
    const lineEnd = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at);
    const isBlock = text.lastIndexOf('/*', at) > text.lastIndexOf('*/', at);
    const end = isBlock && blockEnd >= 0 ? blockEnd + 2 : lineEnd;
    const comment = text
      .slice(at, end)
      .replace(/\n\s*\*?\s*/g, ' ')
      .trim();
    const form = FORM.exec(comment);
    const line = lines.lineAt(Math.max(at, end - 1)) + 1;
    if (form?.[2])
      found.push({ line, rules: form[1]!.split(',').map((rule) => rule.trim()), reason: form[2] });
    else
      notes.push({
        line,
        message: "not understood: write 'gmem-lens: ignore RULE: reason'; the finding stays without a reason",
      });
  }
  return found;
}
