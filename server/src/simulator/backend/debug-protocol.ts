/**
 * What the debug adapter understands beyond the Debug Adapter Protocol: the launch configuration, and requests and events
 * whose names begin with `gmem/`. docs/simulator-protocol.md describes them; grammars/simulator-protocol.schema.json checks
 * arguments.
 *
 * A step is one statement or call of one actor. Position 0 is before the first step.
 */
import type { Overlays } from './protocol.js';

/** Arguments of `launch`, besides the protocol's own (`noDebug`, `__restart`). */
export interface GmemLaunch {
  /** A scenario file, or the name of a bundled one; `NAME@VARIANT` for one of its variants. */
  readonly scenario: string;
  readonly variant?: string;
  /** A kernel tree, absolute; without it the reference kernel of the scenario's design. */
  readonly tree?: string;
  /** Another design than the scenario's. */
  readonly design?: string;
  /** Stop before the first step; default true. */
  readonly stopOnEntry?: boolean;
  /** Run to where this function is first entered, and stop there. */
  readonly stopAtFunction?: string;
  readonly overlays?: Overlays;
}

/** Custom requests by name, with their arguments and the body of the answer. */
export interface GmemRequests {
  /** Guest or host frames and what lies behind them. */
  'gmem/machineView': { arguments: MachineViewArguments; body: MachineViewBody };
  /** Who went when, locks held, actions, hazards. */
  'gmem/timeline': { arguments: TimelineArguments; body: TimelineBody };
  /** Goes to a position of the run, back or forward; a `stopped` event with the reason `goto` follows. */
  'gmem/goTo': { arguments: GoToArguments; body: GoToBody };
  /** What changed a page, the last change first. */
  'gmem/changes': { arguments: ChangesArguments; body: ChangesBody };
  /** The rule of the architecture or the kernel behind where an actor stands. */
  'gmem/explain': { arguments: ExplainArguments; body: ExplainBody };
}

/** Custom events by name, with their body. */
export interface GmemEvents {
  /** After each stop: views that show the machine are to be asked for again. */
  'gmem/stateChanged': StateChangedBody;
}

export interface MachineViewArguments {
  /** `guest`: by gfn; `host`: by pfn. Default guest. */
  readonly space?: 'guest' | 'host';
  /** First frame; default: the first that is of interest. */
  readonly start?: number;
  /** Frames; default: up to the end. */
  readonly pages?: number;
  /** Frames in a cell, a power of two: 1 for 4 KiB, 512 for 2 MiB, 262144 for 1 GiB. Default 1. */
  readonly cell?: number;
  /** At most so many runs; if there are more, cells grow. Default 4096. */
  readonly limit?: number;
}

export interface MachineViewBody {
  readonly position: number;
  readonly space: 'guest' | 'host';
  readonly platform: string;
  /** The whole of the space: first frame, and frames up to its end. */
  readonly whole: { readonly start: number; readonly pages: number };
  readonly start: number;
  readonly pages: number;
  /** Frames in a cell, which may be more than were asked for. */
  readonly cell: number;
  /** Memory slots. */
  readonly slots: readonly SlotView[];
  /** In order, without gaps. */
  readonly runs: readonly FrameView[];
}

export interface SlotView {
  readonly id: number;
  readonly gfn: number;
  readonly pages: number;
  /** Name of the file that backs its private pages. */
  readonly file?: string;
  /** Page index in that file. */
  readonly index?: number;
}

/** Frames with consecutive numbers that look alike. Numbers are of the first; they count along over the run. */
export interface FrameView {
  readonly start: number;
  readonly pages: number;
  readonly gfn?: number;
  readonly pfn?: number;
  /** What the guest's memory is to be; guest frames in a slot only. */
  readonly attribute?: 'private' | 'shared';
  /** Of the nested page table's leaf. */
  readonly npt?: '4K' | '2M' | '1G';
  readonly writable?: boolean;
  readonly executable?: boolean;
  /** State of the Secure EPT's leaf. */
  readonly sept?: string;
  /** Assigned to the guest or firmware in the RMP, validated by the guest. */
  readonly rmp?: 'assigned' | 'validated' | 'immutable';
  readonly rmpSize?: '4K' | '2M';
  readonly asid?: number;
  /** gfn in the RMP entry. */
  readonly rmpGfn?: number;
  /** The trust domain whose page it is. */
  readonly td?: string;
  /** Size of the kernel's own mapping; `no`: not mapped. */
  readonly directmap?: '4K' | '2M' | '1G' | 'no';
  /** Buddy order of its block. */
  readonly order?: number;
  readonly owner?: string;
  readonly status?: string;
  readonly file?: string;
  readonly index?: number;
  /** The pattern that lies in it, and `encrypted` if it does so under a guest's key. */
  readonly content?: string;
  readonly encrypted?: boolean;
  /** vCPUs whose TLB still has it. */
  readonly cachedBy?: readonly number[];
  /** Members that differ within a cell; they are those of its first frame here. */
  readonly mixed?: readonly string[];
  /** Members that the last step changed. */
  readonly changed?: readonly string[];
}

export interface TimelineArguments {
  /** Positions; default: the whole run so far. */
  readonly from?: number;
  readonly to?: number;
}

export interface TimelineBody {
  readonly position: number;
  /** The farthest position that was reached: `gmem/goTo` goes anywhere up to it. */
  readonly length: number;
  readonly actors: readonly string[];
  /** Who made the steps from `from` up to `to`. */
  readonly turns: readonly { readonly actor: string; readonly from: number; readonly to: number }[];
  readonly locks: readonly LockSpan[];
  readonly actions: readonly TimelineMark[];
  readonly hazards: readonly TimelineMark[];
  /** What changed in the machine. */
  readonly changes: readonly TimelineMark[];
}

export interface LockSpan {
  readonly actor: string;
  readonly lock: string;
  readonly mode: string;
  readonly from: number;
  /** Missing while it is held. */
  readonly to?: number;
  readonly at?: PlaceView;
}

export interface TimelineMark {
  readonly position: number;
  readonly actor: string;
  readonly text: string;
  readonly at?: PlaceView;
}

export interface PlaceView {
  /** Absolute. */
  readonly path: string;
  readonly line: number;
  readonly function?: string;
}

export interface GoToArguments {
  readonly position: number;
}

export interface GoToBody {
  readonly position: number;
}

export interface ChangesArguments {
  readonly gfn?: number;
  readonly pfn?: number;
  /** Default 20. */
  readonly limit?: number;
}

export interface ChangesBody {
  readonly changes: readonly TimelineMark[];
}

export interface ExplainArguments {
  /** The actor; default: the one that went last. */
  readonly threadId?: number;
}

export interface ExplainBody {
  /** One for each thing that there is to say of the step, the most particular first. */
  readonly explanations: readonly Explanation[];
}

export interface Explanation {
  readonly title: string;
  /** Markdown. */
  readonly text: string;
  /** What it rests on: a section of a manual, a file of the kernel. */
  readonly source: string;
  /** Row of the mails. */
  readonly row?: string;
}

export interface StateChangedBody {
  readonly position: number;
  readonly length: number;
  /** Frames that the last step changed. */
  readonly gfns: readonly FrameRange[];
  readonly pfns: readonly FrameRange[];
}

export interface FrameRange {
  readonly start: number;
  readonly pages: number;
}
