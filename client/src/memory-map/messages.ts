/** What the memory map's page and the extension say to each other. Types only: the page has no access to the editor. */
import type { GmemRequests } from '../protocol.ts';

/** Requests of the debug session that the page may make. */
export type MapRequest = 'gmem/machineView' | 'gmem/timeline' | 'gmem/goTo' | 'gmem/changes';

export type FromPage =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly method: MapRequest;
      readonly args: GmemRequests[MapRequest]['arguments'];
    }
  /** Opens a place that a change was made at; the line counts from 1. */
  | { readonly kind: 'open'; readonly path: string; readonly line: number }
  /** Stop when one of these changes, from now on or no longer. */
  | { readonly kind: 'watch'; readonly ids: readonly string[]; readonly on: boolean };

export type ToPage =
  | { readonly kind: 'answer'; readonly id: number; readonly body: unknown }
  | { readonly kind: 'refused'; readonly id: number; readonly message: string }
  /** A session began, or there is another one. */
  | { readonly kind: 'session'; readonly name: string }
  /** The run is at another position: ask again. */
  | { readonly kind: 'changed'; readonly position: number; readonly length: number }
  | { readonly kind: 'watched'; readonly ids: readonly string[] }
  /** It is over; what is shown is its last state. */
  | { readonly kind: 'ended' };
