/**
 * What reading a tree leaves behind. V8 collects only when it needs room: after indexing, nearly as much as the facts
 * themselves would stay with the process for as long as nobody types.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** V8's own `gc()`; the last resort also gives back the room for new objects. */
type Collect = (options: { type: 'major'; flavor: 'last-resort' }) => void;

let collect: Collect | undefined;

/** Gives memory that nobody uses back to the system. Takes some 100 ms: only for when nothing is waited for. */
export function releaseMemory(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  collect({ type: 'major', flavor: 'last-resort' });
}
