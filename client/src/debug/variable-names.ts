/** Which names in C text may be variables, for inline values; knows nothing of VS Code. */

export interface NamePlace {
  readonly name: string;
  /** From 0. */
  readonly line: number;
  readonly character: number;
}

/** Comments and literals have no variables in them; their length stays, so that places do. */
const blanked = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, (found) =>
    found.replace(/[^\n]/g, ' '),
  );

/**
 * Names from a function's start to the line where it stands, the last of each first: members, labels and what is called
 * are none.
 * @param known names of variables in the frame
 */
export function namesBefore(
  lines: readonly string[],
  first: number,
  last: number,
  known: ReadonlySet<string>,
): NamePlace[] {
  const text = blanked(lines.slice(first, last + 1).join('\n')).split('\n');
  const found = new Map<string, NamePlace>();
  for (const [index, line] of text.entries())
    for (const match of line.matchAll(/(?<![\w.]|->)[A-Za-z_]\w*(?!\w|\s*\()/g))
      if (known.has(match[0]))
        found.set(match[0], { name: match[0], line: first + index, character: match.index });
  return [...found.values()];
}

/** The line where the function around a line begins: after the last `}` at the start of a line above. */
export function functionStart(lines: readonly string[], line: number): number {
  for (let at = line - 1; at >= 0; at--) if (/^}/.test(lines[at] ?? '')) return at + 1;
  return 0;
}
