/** The edit that takes a finding back by a comment, as server/src/kernel-c/suppressions.ts reads it. */

export interface SuppressionEdit {
  /** Where it is inserted, from 0. */
  line: number;
  character: number;
  /** Text around the reason that the user is to give; without one, the comment has a reason already. */
  before: string;
  after: string;
  needsReason: boolean;
}

const COMMENT = /gmem-lens:\s*ignore\s+[\w-]+(?:\s*,\s*[\w-]+)*(?=\s*:\s*\S)/;

/**
 * A finding looks for its comment on its own line and the one above: one that is there already takes the rule in, else
 * a line is put above.
 * @param line the finding's line, from 0
 */
export function suppressionEdit(text: readonly string[], line: number, rule: string): SuppressionEdit {
  for (const at of [line, line - 1]) {
    const there = COMMENT.exec(text[at] ?? '');
    if (there)
      return {
        line: at,
        character: there.index + there[0].length,
        before: `, ${rule}`,
        after: '',
        needsReason: false,
      };
  }
  const indent = /^[ \t]*/.exec(text[line] ?? '')?.[0] ?? '';
  // In a macro's definition a line ends it, unless it is continued.
  const isContinued = /\\\s*$/.test(text[line - 1] ?? '');
  return {
    line,
    character: 0,
    before: `${indent}/* gmem-lens: ignore ${rule}: `,
    after: ` */${isContinued ? ' \\' : ''}\n`,
    needsReason: true,
  };
}
