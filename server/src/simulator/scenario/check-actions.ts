/** Whether the actors of a scenario can do what it says: who does what, to which memory, after what. */
import type { Tops } from './load.js';
import type { Action, Scenario, ScenarioSlot } from './model.js';
import type { Report } from './problem.js';
import { insideSlots, outsideText, slotsRemedy } from './slot-ranges.js';
import { meant } from './validate.js';

/** Actions of the guest; every other is the VMM's or the host's. */
const BY_GUEST: ReadonlySet<string> = new Set(['write', 'read', 'execute', 'accept']);
const BY_ANYBODY: ReadonlySet<string> = new Set(['repeat']);

/** What the scenario creates somewhere, so that actions can refer to it. */
interface Known {
  files: Map<string, number>;
  slots: ScenarioSlot[];
  labels: Set<string>;
  actors: string[];
}

export function checkActions(scenario: Scenario, tops: Tops, report: Report): void {
  const all = scenario.actors.flatMap(({ name, actions }) =>
    flatten(actions).map((action) => ({ name, action })),
  );
  const known: Known = {
    files: new Map(scenario.files.map(({ name, size }) => [name, size])),
    slots: [...scenario.slots],
    labels: new Set(all.flatMap(({ name, action }) => (action.label ? [`${name}.${action.label}`] : []))),
    actors: scenario.actors.map(({ name }) => name),
  };
  for (const { action } of all) {
    if (action.do === 'create-file') known.files.set(action.name, action.size);
    if (action.do === 'create-slot') known.slots.push(action);
  }
  checkActors(scenario, tops, report);
  for (const { name, action } of all) {
    checkActor(name, action, report);
    checkReferences(name, action, known, report);
  }
  for (const { name, actions } of scenario.actors)
    for (const action of actions) checkRanges(name, action, known, report);
  checkRest(scenario, known, report);
}

function checkActors({ actors, vcpus }: Scenario, tops: Tops, report: Report): void {
  const part = tops.part('actors');
  for (const { name } of actors) {
    const at = part!.keyPlace(name);
    const vcpu = /^vcpu(\d+)$/.exec(name);
    if (vcpu && Number(vcpu[1]) >= vcpus)
      report(
        at,
        `there is no ${name}: the guest has ${vcpus} vCPU${vcpus > 1 ? 's' : ''}`,
        `add \`vcpus: ${Number(vcpu[1]) + 1}\`, or use vcpu0`,
      );
    else if (!vcpu && !/^(vmm|host)\d*$/.test(name))
      report(at, `${name} is no actor`, meant(name, ['vmm', 'vcpu0', 'host']));
  }
}

function checkActor(name: string, action: Action, report: Report): void {
  if (BY_ANYBODY.has(action.do)) return;
  const isGuest = name.startsWith('vcpu');
  if (BY_GUEST.has(action.do) && !isGuest)
    report(
      action.at,
      `only a vCPU can do \`${action.do}\`, and this is ${name}`,
      action.do === 'accept' ? 'move it to `vcpu0:`' : `move it to \`vcpu0:\`, or use \`host-${action.do}\``,
    );
  if (!BY_GUEST.has(action.do) && isGuest)
    report(action.at, `a vCPU can't do \`${action.do}\``, 'move it to `vmm:` or `host:`');
}

function checkReferences(name: string, action: Action, known: Known, report: Report): void {
  for (const label of action.after) {
    if (!known.labels.has(label))
      report(
        action.at,
        `there is no action \`${label}\` to wait for`,
        label.includes('.') ? meant(label, [...known.labels]) : 'name it as `actor.label`',
      );
    else if (label.startsWith(`${name}.`))
      report(
        action.at,
        `${name} can't wait for its own \`${label}\``,
        'actions of one actor follow each other anyway',
      );
  }
  if (action.do === 'signal' && !known.actors.includes(action.to))
    report(action.at, `there is no actor ${action.to} to signal`, meant(action.to, known.actors));
  const file = fileIn(action);
  if (file !== undefined && !known.files.has(file))
    report(
      action.at,
      `there is no file ${file}`,
      known.files.size > 0
        ? meant(file, [...known.files.keys()])
        : 'add it to `files`, or create it with `create-file`',
    );
  if (action.do === 'delete-slot' && !known.slots.some(({ id }) => id === action.slot))
    report(action.at, `there is no slot ${action.slot}`, slotsRemedy(known.slots));
}

/** Ranges of an action, with those of a repetition's last turn; `carried` is how far an outer repetition moves them. */
function checkRanges(name: string, action: Action, known: Known, report: Report, carried = 0): void {
  if (action.do === 'repeat') {
    const last = carried + action.stride * (action.times - 1);
    for (const inner of action.actions) checkRanges(name, inner, known, report, last);
    return;
  }
  // What is expected to fail may ask for anything.
  if (action.expect !== 'ok') return;
  const target =
    'target' in action ? action.target : 'gpa' in action ? { kind: 'gpa', ...action } : undefined;
  if (target?.kind !== 'gpa' || !('gpa' in target) || action.do === 'create-slot') return;
  const { gpa, size } = target;
  if (insideSlots(gpa, size, known.slots) && insideSlots(gpa + carried, size, known.slots)) return;
  const shown = insideSlots(gpa, size, known.slots) ? gpa + carried : gpa;
  const turn = shown === gpa ? '' : ' (the last repetition gets there)';
  report(
    action.at,
    outsideText(shown, size) + turn,
    `${slotsRemedy(known.slots)}; or say \`expect: EINVAL\` if that is the point`,
  );
}

function checkRest({ faults, schedule, expect, variants }: Scenario, known: Known, report: Report): void {
  for (const { run, at } of schedule)
    if (!known.actors.includes(run)) report(at, `there is no actor ${run} to run`, meant(run, known.actors));
  for (const { actor, at } of faults)
    if (actor !== undefined && !known.actors.includes(actor))
      report(at, `there is no actor ${actor}`, meant(actor, known.actors));
  for (const { final } of [expect, ...variants.flatMap((variant) => variant.expect ?? [])]) {
    for (const { target, at } of final) {
      if (target.kind === 'file' && !known.files.has(target.file))
        report(at, `there is no file ${target.file}`, meant(target.file, [...known.files.keys()]));
      if (target.kind === 'gpa' && !insideSlots(target.gpa, target.size, known.slots))
        report(at, outsideText(target.gpa, target.size), slotsRemedy(known.slots));
    }
  }
}

function fileIn(action: Action): string | undefined {
  if ('target' in action) return action.target.kind === 'file' ? action.target.file : undefined;
  return 'file' in action ? action.file : undefined;
}

const flatten = (actions: readonly Action[]): Action[] =>
  actions.flatMap((action) => [action, ...(action.do === 'repeat' ? flatten(action.actions) : [])]);
