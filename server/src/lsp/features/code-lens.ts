/** Code lenses above functions on a guest-memory path: callers, lock context, and what a hook is for. */
import type { CodeLens } from 'vscode-languageserver/node';
import { entryPointOf } from '../../program/entry-points.js';
import { gmemPath } from '../../rules/gmem-path.js';
import { hookOf } from '../../rules/hooks.js';
import type { OpenTree } from '../kernel-workspace.js';
import { rangeAt } from '../locations.js';
import { SHOW_CALLERS } from '../protocol.js';
import type { ScenarioService } from '../scenarios/service.js';
import { functionRunLenses } from './run-lenses.js';

/** @param scenarios where the client can run them */
export function codeLenses(open: OpenTree, file: string, scenarios?: ScenarioService): CodeLens[] {
  const { analysis, locations } = open;
  const { program } = analysis;
  const onPath = gmemPath(program);
  const lenses: CodeLens[] = [];
  for (const node of program.functionsIn(file)) {
    if (!onPath.has(node.id)) continue;
    const range = rangeAt(node.facts.line, node.facts.column, node.name.length);
    if (scenarios) lenses.push(...functionRunLenses(open, node, range, scenarios));
    const callers = new Set(program.callsTo(node).map((edge) => edge.caller.id)).size;
    const show = { command: SHOW_CALLERS, arguments: [locations.uri(file), range.start] };
    // What calls it from outside of the scope, if anything does.
    const entry = callers === 0 ? entryPointOf(program, node) : undefined;
    const title = `${callers} ${callers === 1 ? 'caller' : 'callers'}${entry ? `, entry: ${entry.label}` : ''}`;
    lenses.push({ range, command: { ...show, title } });
    const held = analysis.ruleContexts.whenHeld(node, 'kvm.mmu_lock');
    lenses.push({
      range,
      command: { ...show, title: `mmu_lock: ${held === 'never' ? 'never held' : `${held} held`}` },
    });
    const hook = hookOf(node.name);
    // Without a command it is plain text.
    if (hook)
      lenses.push({
        range,
        command: { title: `${hook.kind}: ${hook.role.replace(/\.$/, '')}`, command: '' },
      });
  }
  return lenses;
}
