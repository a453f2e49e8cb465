/** Why a thread is stopped where it is. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Thread } from '../simulator/execution/thread.js';
import type { RunHazard } from '../simulator/scenario/result.js';

export interface Stop {
  readonly reason: DebugProtocol.StoppedEvent['body']['reason'];
  readonly thread: Thread | undefined;
  readonly description?: string;
  readonly text?: string;
  readonly hits?: readonly number[];
  readonly hazard?: RunHazard;
}

/** Why a thread doesn't go on by itself; `undefined`: it does. */
export function whyNot(thread: Thread): string | undefined {
  if (thread.state === 'ended') return `${thread.name} has done all its actions`;
  if (thread.state === 'blocked')
    return thread.why.startsWith(thread.name) ? thread.why : `${thread.name}: ${thread.why}`;
  return undefined;
}
