/** Stack frames: the C's, innermost first, and what the actor does around them. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { callStack } from '../simulator/execution/inspect.js';
import type { Thread } from '../simulator/execution/thread.js';
import { ACTOR_FUNCTION, ENTRY_FILE } from '../simulator/kernel-api/entry.js';
import { describe } from '../simulator/scenario/doing.js';
import type { Launched } from './launched.js';
import { turnOf } from './places.js';
import { whyNot } from './stops.js';

export interface Shown {
  readonly thread: Thread;
  /** Index in the thread's frames of one that has C; undefined for others. */
  readonly frame: number | undefined;
  readonly name: string;
  readonly source?: DebugProtocol.Source;
  readonly line: number;
  readonly column: number;
  readonly hint?: DebugProtocol.StackFrame['presentationHint'];
}

export function framesOf(launched: Launched, thread: Thread): Shown[] {
  const shown: Shown[] = [];
  for (const { function: name, loc, index, modelled } of callStack(thread)) {
    if (name === ACTOR_FUNCTION || loc.file === ENTRY_FILE) continue;
    shown.push({
      thread,
      frame: modelled ? undefined : index,
      name: modelled ? `${name} (modelled)` : name,
      source: launched.source(loc.file),
      line: loc.line,
      column: loc.column,
      ...(modelled && { hint: 'subtle' as const }),
    });
  }
  return [...shown, actorFrame(launched, thread)];
}

/** The actor's own frame: the action that it carries out, or is about to. */
function actorFrame(launched: Launched, thread: Thread): Shown {
  const { action, begun } = turnOf(launched.simulation, thread);
  const at = action?.at;
  const waits = begun ? undefined : whyNot(thread);
  const name = action
    ? `${begun ? '' : 'next: '}${describe(action)}`
    : `${thread.name} has done all its actions`;
  return {
    thread,
    frame: undefined,
    name: waits === undefined || !action ? name : `${name} (${waits})`,
    ...(at && { source: launched.scenarioSource(at.file) }),
    line: at?.line ?? 0,
    column: at?.column ?? 0,
    ...(!at && { hint: 'label' as const }),
  };
}
