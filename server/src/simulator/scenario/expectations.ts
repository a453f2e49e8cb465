/** What a scenario expects, from its mapping. */
import { fileRange, guestRange } from './actions.js';
import type { Attribute, Bound, Expectation, ExpectedHazard, ExpectedState } from './model.js';
import { given, type Part } from './part.js';
import type { ScenarioProblem } from './problem.js';
import { parseSize } from './sizes.js';

export function readExpectation(part: Part | undefined, problems: ScenarioProblem[]): Expectation {
  if (!part) return { counters: [], final: [], calls: [], log: [] };
  const counters = part.part('counters');
  const hazards = part.has('hazards') ? part.parts('hazards').map(hazardOf) : undefined;
  return {
    ...given('outcome', part.get<'ok' | 'violation' | 'error'>('outcome')),
    ...given('hazards', hazards),
    counters: (counters?.keys() ?? []).map((name) => ({
      name,
      bound: boundOf(counters?.get(name)),
      at: counters?.keyPlace(name) ?? part.at,
    })),
    final: part.parts('final').flatMap((entry) => stateOf(entry, problems) ?? []),
    calls: part.texts('calls'),
    log: part.texts('log'),
    ...given('message', part.get<string>('message')),
    at: part.at,
  };
}

const hazardOf = (part: Part): ExpectedHazard => ({
  kind: part.get<string>('kind') ?? '',
  count: part.has('count') ? boundOf(part.get('count')) : { atLeast: 1, atMost: Number.POSITIVE_INFINITY },
  ...given('row', part.get<string>('row')),
  ...given('function', part.get<string>('function')),
  ...given('actor', part.get<string>('actor')),
  ...given('gpa', part.size('gpa')),
  ...given('message', part.get<string>('message')),
  at: part.at,
});

function boundOf(value: unknown): Bound {
  if (typeof value === 'object' && value !== null) {
    const bounds = value as { 'at-least'?: number; 'at-most'?: number };
    return { atLeast: bounds['at-least'] ?? 0, atMost: bounds['at-most'] ?? Number.POSITIVE_INFINITY };
  }
  const exact = parseSize(value) ?? Number.NaN;
  return { atLeast: exact, atMost: exact };
}

function stateOf(part: Part, problems: ScenarioProblem[]): ExpectedState | undefined {
  if (part.has('gpa') === part.has('file')) {
    problems.push({
      ...part.at,
      message: part.has('gpa') ? 'this state names a gpa and a file' : 'this state doesn’t say of which page',
      remedy: 'give `gpa`, or `file` and `offset`',
    });
    return undefined;
  }
  const target = part.has('gpa')
    ? ({ kind: 'gpa', ...guestRange(part) } as const)
    : ({ kind: 'file', size: 4096, ...fileRange(part) } as const);
  return {
    target,
    ...given('attribute', part.get<'private' | 'shared'>('attribute')),
    ...given('attributes', part.get<Attribute[]>('attributes')),
    ...given('protection', part.get<string>('protection')),
    ...given('mapped', part.get<'4K' | '2M' | '1G' | 'no'>('mapped')),
    ...given('sept', part.get<NonNullable<ExpectedState['sept']>>('sept')),
    ...given('rmp', part.get<'assigned' | 'shared'>('rmp')),
    ...given('rmpSize', part.get<'4K' | '2M'>('rmp-size')),
    ...given('directmap', part.get<'4K' | '2M' | '1G' | 'no'>('directmap')),
    ...given('page', part.get<'present' | 'absent'>('page')),
    ...given('folio', part.get<'4K' | '2M' | '1G'>('folio')),
    ...given('content', part.get<string>('content')),
    at: part.at,
  };
}
