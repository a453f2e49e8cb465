/** Beside the map: all there is to say of the selected frame, who changed it, and what can be done with it. */
import type { FrameView, TimelineMark } from '../../protocol.ts';
import { factsOf, hex, watchIds } from './bands.ts';
import { elements, make } from './elements.ts';

export interface DetailsActions {
  open(path: string, line: number): void;
  goTo(position: number): void;
  watch(ids: readonly string[], on: boolean): void;
}

export class Details {
  private shown = '';

  constructor(private readonly actions: DetailsActions) {}

  /** @param changes the last first; undefined: not known yet */
  show(frame: FrameView | undefined, changes: readonly TimelineMark[] | undefined, isWatched: boolean): void {
    // Buttons that are replaced lose the focus: only what is new is made anew.
    const key = JSON.stringify([frame, changes, isWatched]);
    if (key === this.shown) return;
    this.shown = key;
    if (!frame) return elements.details.replaceChildren();
    const title = frame.gfn === undefined ? `pfn ${hex(frame.pfn ?? frame.start)}` : `gfn ${hex(frame.gfn)}`;
    const table = make(
      'dl',
      '',
      factsOf(frame).flatMap(([name, value]) => [make('dt', name), make('dd', value)]),
    );
    elements.details.replaceChildren(
      make('h2', title),
      table,
      this.buttons(frame, changes, isWatched),
      ...this.history(changes),
    );
  }

  private buttons(
    frame: FrameView,
    changes: readonly TimelineMark[] | undefined,
    isWatched: boolean,
  ): HTMLElement {
    const watch = make('button', isWatched ? 'Stop watching' : 'Watch this page');
    watch.title = isWatched
      ? 'Changes of this page no longer stop the run.'
      : 'Stop whenever this page changes.';
    watch.addEventListener('click', () => this.actions.watch(watchIds(frame), !isWatched));
    const goTo = make('button', 'Go to last change');
    const at = changes?.find((change) => change.at)?.at;
    goTo.disabled = at === undefined;
    goTo.addEventListener('click', () => at && this.actions.open(at.path, at.line));
    const buttons = make('p', '', [watch, goTo]);
    buttons.className = 'buttons';
    return buttons;
  }

  private history(changes: readonly TimelineMark[] | undefined): HTMLElement[] {
    if (!changes || changes.length === 0) return [];
    const rows = changes.map(({ position, actor, text, at }) => {
      const step = make('button', `step ${position}`);
      step.className = 'link';
      step.title = 'Go to this step';
      step.addEventListener('click', () => this.actions.goTo(position));
      const row = make('li', '', [step, make('span', ` ${actor}: ${text} `)]);
      if (at) {
        const place = make('button', `${at.path.replace(/^.*[\\/]/, '')}:${at.line}`);
        place.className = 'link';
        place.addEventListener('click', () => this.actions.open(at.path, at.line));
        row.append(place);
      }
      return row;
    });
    return [make('h3', 'Changes'), make('ul', '', rows)];
  }
}
