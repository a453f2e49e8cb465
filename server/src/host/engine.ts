/** How V8 is to run a command that reads a tree once and ends. */
import { setFlagsFromString } from 'node:v8';

/**
 * V8's defaults are for programs that run for minutes. Of a command's few seconds they spend nearly half on compiling,
 * on another thread that takes the reading one's processor, or half of it: callees copied into optimised code again and
 * again, functions optimised that are needed no more. With these it compiles later and copies less.
 */
const FLAGS = [
  { flag: '--max-inlined-bytecode-size=100', lastNode: 24 },
  { flag: '--max-inlined-bytecode-size-cumulative=200', lastNode: 24 },
  { flag: '--interrupt-budget=135000', lastNode: 20 },
];

/** Majors of Node that the flags were tried on; about a flag that it doesn't know V8 complains on stderr. */
const FIRST_NODE = 20;

/** To be called before the work begins. Not for servers: what they run for long is worth compiling well. */
export function tuneForOneRun(): void {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < FIRST_NODE) return;
  for (const { flag, lastNode } of FLAGS) if (major <= lastNode) setFlagsFromString(flag);
}
