/** Code lenses that run scenarios, above functions and above scenarios, with what the last run gave. */
import type { CodeLens, Command, Range } from 'vscode-languageserver/node';
import type { FunctionNode } from '../../program/model.js';
import type { OpenTree } from '../kernel-workspace.js';
import {
  type LensScenario,
  RUN_HERE,
  RUN_SCENARIO,
  SHOW_RUN,
  STEP_HERE,
  STEP_SCENARIO,
} from '../protocol.js';
import type { ScenarioEntry } from '../scenarios/catalogue.js';
import type { Ran } from '../scenarios/run-store.js';
import type { ScenarioService } from '../scenarios/service.js';
import { protocolRange } from '../scenarios/text-range.js';

/** Above a function; none where no scenario passes through it. */
export function functionRunLenses(
  open: OpenTree,
  node: FunctionNode,
  range: Range,
  service: ScenarioService,
): CodeLens[] {
  const passing = service.through(open, node);
  if (passing.length === 0) return [];
  const place = { textDocument: { uri: open.locations.uri(node.file) }, position: range.start };
  const count = passing.length > 1 ? ` (${passing.length})` : '';
  const lens = (title: string, command: string, argument: unknown): CodeLens => ({
    range,
    command: { title, command, arguments: [argument] },
  });
  const ran = service.runs.through(open.locations.opened, node.id);
  const [latest] = ran;
  return [
    lens(`▶ Run${count}`, RUN_HERE, place),
    lens('Step', STEP_HERE, place),
    ...(latest ? [{ range, command: resultCommand(service, latest, ran.length - 1, true) }] : []),
  ];
}

/** Above a scenario and each of its variants. */
export function scenarioRunLenses(entry: ScenarioEntry, service: ScenarioService): CodeLens[] {
  if (!entry.scenario) return [];
  const named = [{ name: undefined, range: entry.range }, ...entry.variants];
  return named.flatMap(({ name, range }) => {
    const which: LensScenario = { scenario: entry.id, ...(name !== undefined && { variant: name }) };
    const ran = service.runs.of(entry.id, name);
    const commands: Command[] = [
      { title: '▶ Run', command: RUN_SCENARIO, arguments: [which] },
      { title: 'Step', command: STEP_SCENARIO, arguments: [which] },
      ...(ran ? [resultCommand(service, ran, 0, false)] : []),
    ];
    return commands.map((command) => ({ range: protocolRange(range), command }));
  });
}

/** @param others further runs that there are results of */
function resultCommand(service: ScenarioService, ran: Ran, others: number, isNamed: boolean): Command {
  const { scenario, variant } = ran;
  const which: LensScenario = { scenario, ...(variant !== undefined && { variant }) };
  const stale = service.runs.isStale(ran) ? 'stale: ' : '';
  const name = isNamed ? ` · ${nameOf(scenario)}${variant === undefined ? '' : `@${variant}`}` : '';
  const more = others > 0 ? `, ${others} more` : '';
  return {
    title: `${stale}${resultText(ran.answer)}${name}${more}`,
    command: SHOW_RUN,
    arguments: [which],
  };
}

/** A bundled one is known by its name, another by its path. */
const nameOf = (id: string): string => id.replace(/^.*[\\/]/, '').replace(/(\.gmem)?\.ya?ml$/, '');

function resultText({ result, ms }: Ran['answer']): string {
  const kinds = [...new Set(result.hazards.map(({ kind }) => kind))];
  const what = kinds.length > 0 ? `${result.outcome}: ${kinds.join(', ')}` : result.outcome;
  const expected = result.passed ? (result.outcome === 'ok' ? '' : ', as expected') : ', not as expected';
  return `${result.passed ? '✓' : '✗'} ${what}${expected} · ${Math.round(ms)} ms`;
}
