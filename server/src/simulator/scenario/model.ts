/**
 * A scenario after it was read and checked: sizes are bytes, defaults are filled in, and every part knows where it was
 * written. The file format is grammars/scenario.schema.json.
 */
import type { SeptEntryState } from '../machine/state.js';
import type { TextRange } from './problem.js';

export type ScenarioPlatform = 'snp' | 'tdx' | 'sw-protected';
export type BackingKind = '4k' | 'thp' | 'hugetlb-2m' | 'hugetlb-1g';
export type Design = 'guest-memfd' | 'restrictedmem' | 'memfile-notifier' | 'tree';
export type Attribute = 'private' | 'no-read' | 'no-write' | 'no-exec';

export interface Scenario {
  /** Path as it was given to the loader. */
  file: string;
  title: string;
  about: string;
  /** Rows of MAILS.md. */
  rows: string[];
  platform: ScenarioPlatform;
  /** Bytes. */
  memory: number;
  vcpus: number;
  backing: BackingKind;
  design: Design;
  /** That `compare` runs it on. */
  designs: Design[];
  options: ScenarioOptions;
  config: Record<string, string | number | boolean>;
  seed: number;
  files: ScenarioFile[];
  slots: ScenarioSlot[];
  initial: { gpa: number; size: number; attribute: 'private' | 'shared' }[];
  actors: { name: string; actions: Action[] }[];
  schedule: Turn[];
  faults: InjectedFault[];
  expect: Expectation;
  variants: Variant[];
}

/** Variants of a design; what isn't set is the design's correct form. */
export interface ScenarioOptions {
  hook?: 'get-pfn' | 'get-folio' | 'set-attributes';
  'retry-check'?: boolean;
  'invalidate-end'?: 'exact' | 'off-by-one';
  'invalidate-balance'?: boolean;
  directmap?: 'none' | 'split' | 'remove';
  restore?: 'never' | 'on-full-2m' | 'when-uniform';
  allocation?: 'scattered' | 'grouped';
  invalidation?: 'range' | 'folio' | 'lazy';
  'refuse-private-fallocate'?: boolean;
  alignment?: 'none' | 'by-size' | 'by-flags';
  attributes?: 'upstream' | 'operation';
  protections?: boolean;
  'no-exec'?: boolean;
  'seal-auto-allocate'?: boolean;
  unmovable?: boolean;
}

export interface ScenarioFile {
  name: string;
  size: number;
  backing?: BackingKind;
  flags: ('inaccessible' | 'huge-pages' | 'seal-auto-allocate')[];
}

export interface ScenarioSlot {
  id: number;
  gpa: number;
  size: number;
  file?: string;
  offset: number;
  readOnly: boolean;
  sharedFile?: string;
}

/** A range of guest physical memory, bytes. */
export interface GuestRange {
  gpa: number;
  size: number;
}

/** A range of a file, bytes; without a size the rest of it. */
export interface FileRange {
  file: string;
  offset: number;
  size?: number;
}

export type ActionBody =
  | ({ do: 'create-file' } & ScenarioFile)
  | { do: 'close-file' | 'unregister'; file: string }
  | ({ do: 'read-file' | 'write-file' | 'map-file' | 'punch-hole' } & FileRange)
  | ({ do: 'fallocate'; retryOnEintr: boolean } & FileRange)
  | ({ do: 'create-slot' } & ScenarioSlot)
  | { do: 'delete-slot'; slot: number }
  | ({
      do: 'set-attributes';
      attributes: Attribute[];
      operation?: 'write' | 'or' | 'and';
      flags: number;
    } & GuestRange)
  | ({ do: 'get-attributes'; is?: Attribute[]; alike?: number } & GuestRange)
  | { do: 'supported-attributes'; include: Attribute[] }
  | ({ do: 'encrypt-region' | 'unencrypt-region' | 'discard' } & GuestRange)
  | { do: 'enlarge-pages'; file: string; backing: BackingKind }
  | ({ do: 'write' | 'read' | 'execute'; private: boolean; pattern?: string; bytes?: string } & GuestRange)
  | ({ do: 'accept'; pageSize: '4K' | '2M'; rescind: boolean } & GuestRange)
  | {
      do: 'host-read' | 'host-write';
      target: Target;
      via: 'directmap' | '4K' | '2M' | '1G';
      pattern?: string;
    }
  | { do: 'migrate'; target: Target }
  | { do: 'allocate'; size: number; owner: string }
  | { do: 'signal'; to: string }
  | { do: 'reclaim'; size?: number }
  | { do: 'destroy-vm' }
  | { do: 'repeat'; times: number; stride: number; actions: Action[] };

/** Which memory of the host: behind a gpa's shared side, behind a file's offset, or a page of its own. */
export type Target = ({ kind: 'gpa' } & GuestRange) | ({ kind: 'file' } & FileRange) | { kind: 'own' };

export type Action = ActionBody & {
  label?: string;
  /** `actor.label` of actions that must be done before. */
  after: string[];
  /** `ok`, `any` or an errno's name. */
  expect: string;
  at: TextRange;
};

/** An actor runs up to a place; `undefined`: until it is done or must wait. */
export interface Turn {
  run: string;
  until?: string;
  where: 'enter' | 'return';
  /** Which of its calls, from 1. */
  nth: number;
  at: TextRange;
}

export interface InjectedFault {
  in: string;
  fail: string;
  nth: number;
  times: number;
  actor?: string;
  at: TextRange;
}

/** Inclusive. */
export interface Bound {
  atLeast: number;
  atMost: number;
}

export interface Expectation {
  outcome?: 'ok' | 'violation' | 'error';
  /** All of the run's hazards, where given. */
  hazards?: ExpectedHazard[];
  counters: { name: string; bound: Bound; at: TextRange }[];
  final: ExpectedState[];
  calls: string[];
  /** Texts that the kernel's log must have. */
  log: string[];
  message?: string;
  at?: TextRange;
}

export interface ExpectedHazard {
  kind: string;
  count: Bound;
  row?: string;
  function?: string;
  actor?: string;
  gpa?: number;
  message?: string;
  at: TextRange;
}

export interface ExpectedState {
  target: ({ kind: 'gpa' } & GuestRange) | ({ kind: 'file' } & FileRange);
  attribute?: 'private' | 'shared';
  attributes?: Attribute[];
  protection?: string;
  mapped?: '4K' | '2M' | '1G' | 'no';
  sept?: SeptEntryState | 'absent';
  rmp?: 'assigned' | 'shared';
  rmpSize?: '4K' | '2M';
  directmap?: '4K' | '2M' | '1G' | 'no';
  page?: 'present' | 'absent';
  folio?: '4K' | '2M' | '1G';
  content?: string;
  at: TextRange;
}

/** The scenario with something changed. */
export interface Variant {
  name: string;
  about: string;
  design?: Design;
  platform?: ScenarioPlatform;
  backing?: BackingKind;
  options: ScenarioOptions;
  config: Scenario['config'];
  /** Instead of the scenario's. */
  expect?: Expectation;
  at: TextRange;
}

/** The scenario that a variant stands for; without a name the scenario itself. `undefined`: no such variant. */
export function withVariant(scenario: Scenario, name: string | undefined): Scenario | undefined {
  if (name === undefined) return scenario;
  const variant = scenario.variants.find((candidate) => candidate.name === name);
  if (!variant) return undefined;
  return {
    ...scenario,
    title: `${scenario.title} (${name})`,
    about: variant.about || scenario.about,
    design: variant.design ?? scenario.design,
    platform: variant.platform ?? scenario.platform,
    backing: variant.backing ?? scenario.backing,
    options: { ...scenario.options, ...variant.options },
    config: { ...scenario.config, ...variant.config },
    expect: variant.expect ?? scenario.expect,
    variants: [],
  };
}
