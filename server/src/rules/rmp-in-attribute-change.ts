/** RMP updates reachable from the attribute change (mail row A3). */

import { type CallbackValues, describeValues, NO_VALUES } from '../program/callback-values.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';
import type { Finding } from './finding.js';
import { hooks, hooksOfKind } from './hooks.js';
import { reaches } from './reachability.js';
import type { Rule, RuleInput } from './rule.js';

/** Functions that carry out a change of memory attributes: they know gfns, and nothing of the pfns behind them. */
const ATTRIBUTE_CHANGE = /set_mem(ory)?_attr|mem_attrs_changed|unmap_mem_range/;

function attributeChanges(program: Program): FunctionNode[] {
  const names = hooks
    .filter((hook) => hook.kind === 'conversion' && ATTRIBUTE_CHANGE.test(hook.name))
    .map((hook) => hook.name);
  const nodes = names
    .flatMap((name) => program.symbols.functionsByName.get(name) ?? [])
    .filter((node) => program.symbols.truthOf(node) !== 'false');
  // Of those that call one another, the outermost: the path shall begin where userspace comes in.
  return nodes.filter(
    (node) =>
      !nodes.some(
        (other) =>
          other !== node &&
          reaches(program, other, new Set([node.name])) &&
          !reaches(program, node, new Set([other.name])),
      ),
  );
}

/** More functions, each with what it is handed, than any change leads to. */
const MAX_WAYS = 50_000;

interface Way {
  node: FunctionNode;
  edges: CallEdge[];
  values: CallbackValues;
}

/** The shortest call chains from the attribute change to each RMP update, by the update's place. */
function chains(program: Program, updates: ReadonlySet<string>): CallEdge[][] {
  const found = new Map<string, CallEdge[]>();
  const seen = new Set<string>();
  const { callbacks } = program;
  let ways: Way[] = attributeChanges(program).map((node) => ({ node, edges: [], values: NO_VALUES }));
  while (ways.length > 0) {
    const next: typeof ways = [];
    for (const { node, edges, values } of ways) {
      const given = `${node.id}|${describeValues(values)}`;
      if (seen.has(given) || seen.size > MAX_WAYS) continue;
      seen.add(given);
      for (const edge of program.callsFrom(node)) {
        if (!callbacks.mayCall(edge, values)) continue;
        const chain = [...edges, edge];
        const key = `${node.id}:${edge.site.line}:${edge.site.column}`;
        if (updates.has(edge.calleeName)) {
          if (!found.has(key)) found.set(key, chain);
        } else if (edge.callee)
          next.push({ node: edge.callee, edges: chain, values: callbacks.handed(edge, values) });
      }
    }
    ways = next;
  }
  return [...found.values()];
}

function findingOf(edges: readonly CallEdge[]): Finding {
  const last = edges[edges.length - 1]!;
  const first = edges[0]!;
  return {
    rule: 'rmp-in-attribute-change',
    severity: 'warning',
    certainty: edges.some((edge) => edge.certainty === 'possible') ? 'sometimes' : 'always',
    message: `${last.calleeName}() updates the RMP in an attribute change (${first.caller.name}()): attributes tell of gfns, not of the pfns behind them`,
    file: last.caller.file,
    line: last.site.line,
    column: last.site.column,
    function: last.caller.name,
    path: edges.map((edge) => ({
      function: edge.caller.name,
      file: edge.caller.file,
      line: edge.site.line,
      column: edge.site.column,
      via: edge.via,
      text: `calls ${edge.calleeName}()${edge.slot ? ` through ${edge.slot}` : ''}`,
    })),
  };
}

export const rmpInAttributeChange: Rule = {
  id: 'rmp-in-attribute-change',
  summary: 'The RMP is updated where memory attributes change',
  explanation: `**What happens.** \`KVM_SET_MEMORY_ATTRIBUTES\` says what userspace wants guest frames to be. It knows nothing of host frames: the shared
page of a gfn is another pfn than its private page, comes from the normal pool and is the host's already. An RMP update made from
here hits the wrong page, or a page that isn't there yet; and the hooks run under \`kvm->mmu_lock\`, where it may not sleep.

**Where it is said.** S. Christopherson, linux-mm, May 2023 (row A3): the attributes array has zero insight into the host physical
pages; SNP shouldn't hook kvm_mem_attrs_changed(). Changing attributes unmaps, never maps.

**How it is mended.** Update the RMP where a page is allocated for the guest (\`kvm_gmem_get_pfn()\`) and where it goes back to the
host (truncation, \`free_folio\`).`,
  locks: [],
  check: ({ program, project }: RuleInput) =>
    chains(program, hooksOfKind('rmp-update', project)).map(findingOf),
};
