/**
 * gmem/explain: what rule of the architecture or of the kernel is behind a step. From tables: grammars/explanations.json for
 * hazards and changes of the machine, grammars/hooks.json for functions of the kernel, the models' own sources for the rest.
 */
import explanations from '../../../grammars/explanations.json' with { type: 'json' };
import hooks from '../../../grammars/hooks.json' with { type: 'json' };
import sleepers from '../../../grammars/sleepers.json' with { type: 'json' };
import type { Explanation } from '../simulator/backend/debug-protocol.js';
import { callStack } from '../simulator/execution/inspect.js';
import type { Thread } from '../simulator/execution/thread.js';
import { MODELLED } from '../simulator/kernel-api/table.js';
import type { MachineEvent } from '../simulator/machine/events.js';
import type { StoryEntry } from '../simulator/scenario/result.js';
import type { Simulation } from '../simulator/scenario/simulation.js';

interface Row {
  name: string;
  title: string;
  text: string;
  source: string;
  row?: string;
}

const byName = (rows: readonly Row[]): ReadonlyMap<string, Row> =>
  new Map(rows.map((row) => [row.name, row]));
const HAZARDS = byName(explanations.hazards);
const EVENTS = byName(explanations.events);
const HOOKS = new Map(hooks.functions.map((row) => [row.name, row]));
const SLEEPERS = new Map(sleepers.sleepers.map((row) => [row.name, row]));
const KINDS: Readonly<Record<string, string>> = hooks.kinds;

/** Callers further out say little about the statement at hand. */
const NEAR_CALLERS = 3;

/**
 * @param told by the last move
 * @param line text of the line that the thread is at
 */
export function explain(
  simulation: Simulation,
  thread: Thread,
  told: readonly StoryEntry[],
  line: string | undefined,
): Explanation[] {
  const found: Explanation[] = [
    ...told.flatMap((entry) => (entry.kind === 'hazard' ? ofHazard(entry.hazard) : [])),
    ...calledIn(line).flatMap((name) => ofCall(simulation, thread, name)),
    ...told.flatMap((entry) => (entry.kind === 'machine' ? ofEvent(entry.event) : [])),
    ...callStack(thread)
      .slice(0, NEAR_CALLERS)
      .flatMap(({ function: name }) => ofFunction(name)),
  ];
  const seen = new Set<string>();
  return found.filter(({ title }) => !seen.has(title) && seen.add(title));
}

const plain = ({ title, text, source, row }: Row): Explanation => ({
  title,
  text,
  source,
  ...(row !== undefined && { row }),
});

function ofHazard({ kind, message }: { kind: string; message: string }): Explanation[] {
  const row = HAZARDS.get(kind);
  return row ? [{ ...plain(row), text: `${message}\n\n${row.text}` }] : [];
}

function ofEvent(event: MachineEvent): Explanation[] {
  const row = EVENTS.get(event.kind === 'instruction' ? event.instruction : event.kind);
  return row ? [plain(row)] : [];
}

function ofFunction(name: string): Explanation[] {
  const row = HOOKS.get(name);
  if (!row) return [];
  return [
    {
      title: name,
      text: `${row.role}\n\n*${row.kind}*: ${KINDS[row.kind] ?? ''}.`,
      source: row.source,
      ...(row.mailRow !== null && { row: row.mailRow }),
    },
  ];
}

/** A call on the line: what it is known for, that it may sleep, or that a model stands for it. */
function ofCall({ kernel, c }: Simulation, thread: Thread, name: string): Explanation[] {
  const known = ofFunction(name);
  const sleeper = SLEEPERS.get(name);
  if (sleeper) {
    const spinning = kernel.state.holds.filter(
      (hold) => hold.thread === thread.id && (hold.kind === 'spin' || hold.kind === 'rwlock'),
    );
    const locks = spinning.map((hold) => `${hold.name} (${hold.mode})`).join(', ');
    const text =
      locks === ''
        ? `${name} may sleep. No lock that spins is held here, so it is allowed to.`
        : `${name} may sleep, and ${thread.name} holds ${locks}: sleeping there is “scheduling while atomic”.`;
    known.push({ title: `${name} may sleep`, text, source: sleeper.source, row: 'A6' });
  }
  const model = MODELLED[name];
  if (model && c.isModelled(name) && known.length === 0)
    known.push({
      title: `${name} is modelled`,
      text: `The simulator stands for ${name}: its C is not executed.`,
      source: model.source,
    });
  return known;
}

const calledIn = (line: string | undefined): string[] =>
  [...(line ?? '').matchAll(/\b([A-Za-z_]\w*)\s*\(/g)].map(([, name]) => name!);
