/** Which lines get which mark in the margin; knows nothing of VS Code. */
import type { LockMark, LockMarks } from './protocol.ts';

/** `R`: a read side; `W`: write; `RW`: one on some ways, the other on others; `L`: a lock without modes. */
export type Letters = 'R' | 'W' | 'RW' | 'L';

/** How a line is marked. */
export interface MarkKind {
  /** The lock that the user named first. */
  readonly main?: {
    readonly letters: Letters;
    readonly sometimes: boolean;
    /** The first line of those that are marked alike: it has the letters. */
    readonly first: boolean;
  };
  /** Any of the other locks. */
  readonly others?: 'always' | 'sometimes';
}

/** Lines count from 0; both belong to it. */
export interface Run {
  readonly startLine: number;
  readonly endLine: number;
}

const READ_SIDES: ReadonlySet<string> = new Set(['read', 'srcu', 'rcu']);

function lettersOf(modes: readonly string[]): Letters {
  const reads = modes.some((mode) => READ_SIDES.has(mode));
  const writes = modes.includes('write');
  if (reads && writes) return 'RW';
  return reads ? 'R' : writes ? 'W' : 'L';
}

/** Names a kind: equal keys mean equal marks. */
export function keyOf({ main, others }: MarkKind): string {
  const bar = main ? `${main.letters}${main.sometimes ? '?' : ''}${main.first ? '!' : ''}` : '-';
  return `${bar} ${others ?? ''}`;
}

/** Runs of lines by kind. */
export function markRuns({ locks, marks }: LockMarks): { kind: MarkKind; runs: Run[] }[] {
  const main = byLine(marks.filter(({ lock }) => lock === locks[0]));
  const others = byLine(marks.filter(({ lock }) => lock !== locks[0]));
  const groups = new Map<string, { kind: MarkKind; runs: { startLine: number; endLine: number }[] }>();
  const lines = [...new Set([...main.keys(), ...others.keys()])].sort((a, b) => a - b);
  for (const line of lines) {
    const kind = kindAt(line, main, others);
    const key = keyOf(kind);
    const group = groups.get(key) ?? { kind, runs: [] };
    groups.set(key, group);
    const last = group.runs.at(-1);
    if (last?.endLine === line - 1) last.endLine = line;
    else group.runs.push({ startLine: line, endLine: line });
  }
  return [...groups.values()];
}

type ByLine = ReadonlyMap<number, readonly LockMark[]>;

function byLine(marks: readonly LockMark[]): ByLine {
  const lines = new Map<number, LockMark[]>();
  for (const mark of marks)
    for (let line = mark.startLine; line <= mark.endLine; line++)
      lines.set(line, [...(lines.get(line) ?? []), mark]);
  return lines;
}

function kindAt(line: number, main: ByLine, others: ByLine): MarkKind {
  const own = mainAt(line, main);
  const before = mainAt(line - 1, main);
  const first = own?.letters !== before?.letters || own?.sometimes !== before?.sometimes;
  const beside = others.get(line);
  return {
    ...(own && { main: { ...own, first } }),
    ...(beside && { others: beside.some(({ when }) => when === 'always') ? 'always' : 'sometimes' }),
  };
}

function mainAt(line: number, main: ByLine): { letters: Letters; sometimes: boolean } | undefined {
  const marks = main.get(line);
  return (
    marks && {
      letters: lettersOf(marks.flatMap(({ modes }) => modes)),
      sometimes: marks.every(({ when }) => when === 'sometimes'),
    }
  );
}
