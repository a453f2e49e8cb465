/** How V8 is to run a command that reads a tree once and ends. */
import { setFlagsFromString } from 'node:v8';

/**
 * V8's defaults are for programs that run for minutes. Of a command's few seconds they spend nearly half on compiling,
 * on another thread that takes the reading one's processor, or half of it: callees copied into optimised code again and
 * again, functions optimised that are needed no more. With these it compiles later and copies less.
 */
const FLAGS = [
  '--max-inlined-bytecode-size=100',
  '--max-inlined-bytecode-size-cumulative=200',
  '--interrupt-budget=135000',
];

/** Majors of Node whose V8 knows the flags; about others it would complain. */
const FIRST_NODE = 20;
const LAST_NODE = 24;

/** To be called before the work begins. Not for servers: what they run for long is worth compiling well. */
export function tuneForOneRun(): void {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= FIRST_NODE && major <= LAST_NODE) for (const flag of FLAGS) setFlagsFromString(flag);
}
