/** What actors know and have done: plain data, so that it can be saved with a run. */

import type { ScenarioSlot } from './model.js';

export interface ActorState {
  /** Labels of the actions that are done, as `actor.label`. */
  labels: Set<string>;
  /** Descriptors by the scenario's names of files. */
  files: Map<string, number>;
  /** struct inode by the scenario's names of files. */
  inodes: Map<string, bigint>;
  /** Memslots that there are, as the VMM asked for them. */
  slots: Map<number, ScenarioSlot>;
  /** Descriptors of the vCPUs, by their number. */
  vcpus: number[];
  /** Descriptor of the VM, -1 before there is one. */
  vm: number;
  /** struct kvm, 0 before there is one. */
  kvm: bigint;
  /** First frame of an actor's own memory. */
  own: Map<string, number>;
  /** A host access went wrong, and nothing is carried out any more. */
  hostIsDown: boolean;
}

export const newActorState = (): ActorState => ({
  labels: new Set(),
  files: new Map(),
  inodes: new Map(),
  slots: new Map(),
  vcpus: [],
  vm: -1,
  kvm: 0n,
  own: new Map(),
  hostIsDown: false,
});
