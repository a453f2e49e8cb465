/** `gmem-lens callers FUNCTION`: the tree of callers up to where paths begin. */

import { loadCallersProgram } from '../host/load-callers.js';
import { entryPointOf } from '../program/entry-points.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';
import { type Registration, registrationsOf, registrationText } from '../program/registrations.js';
import { functionsNamed, noFunction } from './function-argument.js';
import { loadTree, snapshotOptions, type TreeOptions } from './load.js';
import { log, writeJson, writeLine } from './output.js';

export interface CallersOptions extends TreeOptions {
  depth: number;
  format: 'text' | 'json' | 'dot';
}

interface CallerTree {
  function: string;
  file: string | null;
  line: number | null;
  /** What starts a path here, e.g. `fallocate(2)`. */
  entry?: string;
  /** Its callers are shown where it stands first. */
  repeated?: true;
  /** There are callers, beyond the depth asked for. */
  cut?: true;
  callers: (CallerTree & {
    call: {
      file: string;
      line: number;
      via: string;
      slot?: string;
      macro?: string;
      certainty: string;
      /** The caller doesn't call: it hands the function over, to be called later. */
      handedOver?: string;
    };
  })[];
}

class CallerTrees {
  private readonly shown = new Set<string>();

  constructor(
    private readonly program: Program,
    private readonly depth: number,
  ) {}

  of(node: FunctionNode, depth = 0): CallerTree {
    const entry = entryPointOf(this.program, node);
    const tree: CallerTree = {
      function: node.name,
      file: node.file,
      line: node.facts.line,
      ...(entry && { entry: entry.label }),
      callers: [],
    };
    // Who put an entry point into its table is of interest only where that is what was asked for.
    if (depth > 0 && entry?.ends) return tree;
    // What a member holds for others doesn't lead here through callers that never put it there.
    const { callbacks } = this.program;
    const edges = this.program.callsTo(node).filter((edge) => callbacks.mayEverCall(edge));
    const registrations =
      depth > 0 && entry ? [] : registrationsOf(this.program, node).filter(({ by }) => by !== undefined);
    if (edges.length === 0 && registrations.length === 0) return tree;
    if (this.shown.has(node.id)) return { ...tree, repeated: true };
    if (depth >= this.depth) return { ...tree, cut: true };
    this.shown.add(node.id);
    tree.callers = [...this.callers(edges, depth), ...this.handedOver(registrations, depth)];
    return tree;
  }

  private handedOver(registrations: readonly Registration[], depth: number): CallerTree['callers'] {
    return registrations.map((registration) => ({
      ...this.of(registration.by!, depth + 1),
      call: {
        file: registration.at.file,
        line: registration.at.line,
        via: 'pointer',
        ...(registration.slot !== undefined && { slot: registration.slot }),
        certainty: 'possible',
        handedOver: registrationText(registration),
      },
    }));
  }

  callers(edges: readonly CallEdge[], depth: number): CallerTree['callers'] {
    return edges.map((edge) => ({
      ...this.of(edge.caller, depth + 1),
      call: {
        file: edge.caller.file,
        line: edge.site.line,
        via: edge.via,
        ...(edge.slot !== undefined && { slot: edge.slot }),
        ...(edge.site.macro !== undefined && { macro: edge.site.macro }),
        certainty: edge.certainty,
      },
    }));
  }
}

function textOf(tree: CallerTree, indent: string, lines: string[]): void {
  tree.callers.forEach((caller, index) => {
    const last = index === tree.callers.length - 1;
    const { call } = caller;
    const how =
      call.handedOver ??
      [call.via === 'call' ? '' : call.via, call.slot ?? '', call.macro ?? ''].filter(Boolean).join(' ');
    const marks = [
      how && `[${how}]`,
      caller.entry && `<- ${caller.entry}`,
      caller.repeated && '(callers above)',
      caller.cut && '(more callers: --depth)',
    ]
      .filter(Boolean)
      .join(' ');
    lines.push(
      `${indent}${last ? '└─' : '├─'} ${caller.function}  ${call.file}:${call.line}${marks ? `  ${marks}` : ''}`,
    );
    textOf(caller, `${indent}${last ? '   ' : '│  '}`, lines);
  });
}

function dotOf(tree: CallerTree): string {
  const lines = ['digraph callers {', '  rankdir=BT;', '  node [shape=box, fontname="monospace"];'];
  const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
  const seen = new Set<string>();
  const add = (node: CallerTree) => {
    const name = `${node.function}\n${node.file ?? ''}`;
    if (node.entry) lines.push(`  ${quote(name)} [style=bold, tooltip=${quote(node.entry)}];`);
    for (const caller of node.callers) {
      const edge = `  ${quote(`${caller.function}\n${caller.file ?? ''}`)} -> ${quote(name)} [label=${quote(caller.call.slot ?? (caller.call.via === 'call' ? '' : caller.call.via))}];`;
      if (!seen.has(edge)) lines.push(edge);
      seen.add(edge);
      add(caller);
    }
  };
  add(tree);
  return [...lines.map((line) => line.replace(/\n/g, '\\n')), '}'].join('\n');
}

/** The whole tree is searched for what leads to the function; a smaller scope is read as it is. */
async function programFor(
  name: string,
  tree: string,
  options: CallersOptions,
): Promise<{ program: Program; tree: string }> {
  if (options.scope !== 'all') return (await loadTree(tree, options)).loaded;
  const found = await loadCallersProgram(name.slice(name.lastIndexOf(':') + 1), {
    ...snapshotOptions(tree, options),
    ...(options.workers !== undefined && { workers: options.workers }),
  });
  if (found.notFollowed.length > 0)
    log(
      `note: callers of ${found.notFollowed.slice(0, 8).join(', ')}${found.notFollowed.length > 8 ? ' …' : ''} are not followed: too many files use these names`,
    );
  return found;
}

export async function callers(name: string, tree: string, options: CallersOptions): Promise<number> {
  const { program, tree: root } = await programFor(name, tree, options);
  const nodes = functionsNamed(program, name);
  const trees: CallerTree[] = nodes.map((node) => new CallerTrees(program, options.depth).of(node));
  if (trees.length === 0) {
    const edges = program.callsToName(name);
    if (edges.length === 0) throw noFunction(program, name, options.scope, root);
    trees.push({
      function: name,
      file: null,
      line: null,
      callers: new CallerTrees(program, options.depth).callers(edges, 0),
    });
  }
  if (options.format === 'json') await writeJson(trees.length === 1 ? trees[0] : trees);
  else if (options.format === 'dot') for (const one of trees) await writeLine(dotOf(one));
  else
    for (const one of trees) {
      const lines = [
        `${one.function}  ${one.file === null ? '(no body in this scope)' : `${one.file}:${one.line}`}${one.entry ? `  <- ${one.entry}` : ''}`,
      ];
      textOf(one, '', lines);
      if (one.callers.length === 0) lines.push('   no known callers');
      await writeLine(lines.join('\n'));
    }
  return 0;
}
