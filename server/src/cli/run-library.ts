/** `gmem-lens run --all`: the whole library by row of the mails, one line a scenario. */
import { libraryScenarios } from '../host/scenario-files.js';
import { plainJson } from '../simulator/json.js';
import { MAIL_ROWS } from '../simulator/scenario/mail-rows.js';
import { withVariant } from '../simulator/scenario/model.js';
import type { RunResult } from '../simulator/scenario/result.js';
import { COULD_NOT_RUN, FOUND, UsageError } from './errors.js';
import { writeJson, writeLine } from './output.js';
import { loadNamed, type NamedScenario } from './scenario-input.js';

interface Entry {
  /** `scenario@variant`. */
  name: string;
  rows: readonly string[];
  named: NamedScenario;
}

type Ran = { result: RunResult } | { notRun: string };

/** Every scenario and each of its variants; `undefined` if one has problems, which are told. */
function entries(): Entry[] | undefined {
  const all: Entry[] = [];
  for (const name of libraryScenarios()) {
    const loaded = loadNamed(name);
    if (!loaded) return undefined;
    for (const variant of [undefined, ...loaded.scenario.variants.map((one) => one.name)]) {
      const scenario = withVariant(loaded.scenario, variant)!;
      const full = variant === undefined ? name : `${name}@${variant}`;
      all.push({ name: full, rows: scenario.rows, named: { scenario, variant } });
    }
  }
  return all;
}

/**
 * Each is run once, and has a line under every row that it shows.
 * @param carryOut throws UsageError for what can't be run
 */
export async function runLibrary(
  format: 'text' | 'json',
  carryOut: (named: NamedScenario) => RunResult,
): Promise<number> {
  const all = entries();
  if (!all) return COULD_NOT_RUN;
  const done = new Map<string, Ran>();
  const ran = ({ name, named }: Entry): Ran => {
    let outcome = done.get(name);
    if (!outcome) {
      outcome = tried(() => carryOut(named));
      done.set(name, outcome);
    }
    return outcome;
  };
  if (format === 'text') await tellByRow(all, ran);
  const results = all.map((entry) => ({ entry, outcome: ran(entry) }));
  if (format === 'json') await writeJson(results.map(asJson), plainJson);
  else await writeLine(`\n${summary(results.map(({ outcome }) => outcome))}`);
  return results.some(({ outcome }) => 'result' in outcome && !outcome.result.passed) ? FOUND : 0;
}

function tried(run: () => RunResult): Ran {
  try {
    // Hundreds of stories at once are more than anybody looks at.
    return { result: { ...run(), story: [] } };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { notRun: error.message };
  }
}

async function tellByRow(all: readonly Entry[], ran: (entry: Entry) => Ran): Promise<void> {
  for (const { row, says } of MAIL_ROWS) {
    await writeLine(`${row.padEnd(4)} ${says}`);
    const shown = all.filter(({ rows }) => rows.includes(row));
    if (shown.length === 0) await writeLine('     no scenario shows it');
    for (const entry of shown) await writeLine(`     ${lineOf(entry.name, ran(entry))}`);
  }
  const others = all.filter(({ rows }) => rows.length === 0);
  if (others.length > 0) await writeLine('of no row');
  for (const entry of others) await writeLine(`     ${lineOf(entry.name, ran(entry))}`);
}

function lineOf(name: string, outcome: Ran): string {
  if ('notRun' in outcome) return `–    ${name.padEnd(52)} not run: ${outcome.notRun}`;
  const { passed, outcome: came, hazards } = outcome.result;
  const kinds = [...new Set(hazards.map(({ kind }) => kind))].join(', ');
  return `${passed ? 'ok  ' : 'FAIL'} ${name.padEnd(52)} ${came}${kinds === '' ? '' : `: ${kinds}`}`;
}

function summary(outcomes: readonly Ran[]): string {
  const results = outcomes.flatMap((one) => ('result' in one ? [one.result] : []));
  const failed = results.filter(({ passed }) => !passed).length;
  return `${results.length} runs: ${results.length - failed} as expected, ${failed} not; ${outcomes.length - results.length} not run`;
}

function asJson({ entry, outcome }: { entry: Entry; outcome: Ran }): unknown {
  if ('notRun' in outcome) return { name: entry.name, rows: entry.rows, notRun: outcome.notRun };
  const { story: _, ...result } = outcome.result;
  return { name: entry.name, ...result };
}
