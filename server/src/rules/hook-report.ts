/** The hooks that a tree has: where they are, who calls them, under which lock. */
import type { FunctionNode } from '../program/model.js';
import { type Hook, hooksOf } from './hooks.js';
import type { TreeAnalysis } from './tree-analysis.js';

export interface HookReport {
  name: string;
  kind: string;
  role: string;
  mailRow: string | null;
  /** Definitions; several where configurations or files differ. */
  definitions: { file: string; line: number }[];
  /** Where it is only declared. */
  declarations: { file: string; line: number }[];
  callers: { function: string; file: string; line: number; via: string; slot?: string }[];
  /** `kvm->mmu_lock` at its entry, over the known call sites. */
  mmuLock: 'never' | 'sometimes' | 'always';
}

function strongest(analysis: TreeAnalysis, nodes: readonly FunctionNode[]): HookReport['mmuLock'] {
  const found = new Set(nodes.map((node) => analysis.ruleContexts.whenHeld(node, 'kvm.mmu_lock')));
  return found.has('always')
    ? found.size > 1 && found.has('sometimes')
      ? 'sometimes'
      : 'always'
    : found.has('sometimes')
      ? 'sometimes'
      : 'never';
}

function reportOf(analysis: TreeAnalysis, hook: Hook): HookReport | undefined {
  const { program } = analysis;
  const nodes = program.symbols.functionsByName.get(hook.name) ?? [];
  const declarations = program.symbols.prototypes.get(hook.name) ?? [];
  if (nodes.length === 0 && declarations.length === 0) return undefined;
  const edges =
    nodes.length > 0 ? nodes.flatMap((node) => program.callsTo(node)) : program.callsToName(hook.name);
  const reached = nodes.filter((node) => program.callsTo(node).length > 0);
  return {
    name: hook.name,
    kind: hook.kind,
    role: hook.role,
    mailRow: hook.mailRow,
    definitions: nodes.map((node) => ({ file: node.file, line: node.facts.line })),
    declarations: declarations.map(({ file, line }) => ({ file, line })),
    callers: edges.map((edge) => ({
      function: edge.caller.name,
      file: edge.caller.file,
      line: edge.site.line,
      via: edge.via,
      ...(edge.slot !== undefined && { slot: edge.slot }),
    })),
    mmuLock: strongest(analysis, reached.length > 0 ? reached : nodes),
  };
}

export function hookReports(analysis: TreeAnalysis): HookReport[] {
  return hooksOf(analysis.project)
    .map((hook) => reportOf(analysis, hook))
    .filter((report) => report !== undefined);
}
