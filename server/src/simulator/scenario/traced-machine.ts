/** The C machine, telling which C functions are entered and left, and failing those that a scenario wants to fail. */
import { Machine, type MachineOptions } from '../execution/machine.js';
import type { CodeSource } from '../execution/source.js';
import type { Frame, Thread } from '../execution/thread.js';

export interface CallListener {
  entered(thread: Thread, name: string, file: string, depth: number): void;
  left(thread: Thread, name: string, depth: number): void;
  /** What a C function is to return instead of being run. */
  failing(thread: Thread, name: string): number | undefined;
}

type CallArguments = Parameters<Machine['call']>;

export class TracedMachine extends Machine {
  constructor(
    source: CodeSource,
    options: MachineOptions,
    private readonly listener: CallListener,
  ) {
    super(source, options);
  }

  override call(...args: CallArguments): void {
    const [thread] = args;
    const before = thread.frames.length;
    super.call(...args);
    const top = thread.frames.at(-1);
    if (thread.frames.length === before || top?.k !== 'c') return;
    const { name, viewpoint } = top.code.compiled.symbol;
    const fail = this.listener.failing(thread, name);
    this.listener.entered(thread, name, viewpoint.file, depthOf(thread));
    if (fail === undefined) return;
    this.returned[0] = -fail;
    this.returned[1] = -1;
    this.returned[2] = 0;
    this.leave(thread, top);
  }

  override leave(thread: Thread, frame: Frame): void {
    this.listener.left(thread, frame.code.compiled.symbol.name, depthOf(thread));
    super.leave(thread, frame);
  }
}

/** C functions on a thread's stack. */
const depthOf = (thread: Thread): number => thread.frames.filter(({ k }) => k === 'c').length;
