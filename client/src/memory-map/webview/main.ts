/** The memory map's page: what is shown is asked of the debug session, and drawn when the browser draws. */
import type { FrameView, MachineViewBody, TimelineBody, TimelineMark } from '../../protocol.ts';
import type { ToPage } from '../messages.ts';
import { BANDS, changedBands, describeFrame, frameAt, hex, watchIds } from './bands.ts';
import { Details } from './details.ts';
import { markChanges } from './diff.ts';
import { drawMap } from './draw-map.ts';
import { drawTimeline, positionAt, timelineHeight } from './draw-timeline.ts';
import { contextOf, elements, make } from './elements.ts';
import { parseFilter } from './filter.ts';
import {
  contentHeight,
  fittingZoom,
  frameAtPoint,
  framesOfRow,
  type GridShape,
  moved,
  ROW_HEIGHT,
  rowStart,
  scrollTo,
  visibleRows,
  ZOOMS,
} from './grid.ts';
import { Host } from './host.ts';
import { onThemeChange, readTheme } from './theme.ts';

/** Rows asked for beyond those in view, on each side. */
const MARGIN_ROWS = 16;
/** Runs that a session may answer with. */
const MOST_RUNS = 16_384;
/** More rows than this at first sight and the map begins at a coarser zoom. */
const ROWS_AT_FIRST = 24;
/** Sizes of cells as people say them. */
const SIZES: Readonly<Record<number, string>> = {
  1: '4 KiB',
  8: '32 KiB',
  64: '256 KiB',
  512: '2 MiB',
  4096: '16 MiB',
  32768: '128 MiB',
  262144: '1 GiB',
};

class MemoryMap {
  private readonly host = new Host((message) => this.told(message));
  private readonly details = new Details({
    open: (path, line) => this.host.tell({ kind: 'open', path, line }),
    goTo: (position) => this.goTo(position),
    watch: (ids, on) => this.host.tell({ kind: 'watch', ids, on }),
  });
  private theme = readTheme();
  private view: MachineViewBody | undefined;
  /** As the session gave it, and what it is compared with: the one at the stop before. */
  private given: MachineViewBody | undefined;
  private before: MachineViewBody | undefined;
  private timeline: TimelineBody | undefined;
  private cell = 0;
  private name = '';
  private selected: number | undefined;
  private changes:
    | { readonly frame: number; readonly position: number; readonly list: readonly TimelineMark[] }
    | undefined;
  private watched: ReadonlySet<string> = new Set();
  private matches: ((frame: FrameView) => boolean) | undefined;
  private isDrawing = false;
  private isAsking = false;
  private isOutdated = false;
  private wantedPosition: number | undefined;
  private isMoving = false;

  constructor() {
    const { scroller, map, space, filter, zoomIn, zoomOut, timeline, position, back, forward } = elements;
    space.addEventListener('change', () => this.startOver());
    filter.addEventListener('input', () => {
      this.matches = parseFilter(filter.value);
      this.draw();
    });
    zoomIn.addEventListener('click', () => this.zoom(-1));
    zoomOut.addEventListener('click', () => this.zoom(1));
    scroller.addEventListener('scroll', () => {
      this.draw();
      if (!this.hasRowsInView()) void this.refresh();
    });
    map.addEventListener('pointerdown', (event) => this.pointed(event));
    scroller.addEventListener('keydown', (event) => this.pressed(event));
    scroller.addEventListener('focus', () => this.draw());
    scroller.addEventListener('blur', () => this.draw());
    scroller.addEventListener('wheel', (event) => this.wheeled(event), { passive: false });
    position.addEventListener('input', () => this.goTo(Number(position.value)));
    back.addEventListener('click', () => this.goTo((this.timeline?.position ?? 1) - 1));
    forward.addEventListener('click', () => this.goTo((this.timeline?.position ?? 0) + 1));
    const scrub = (event: PointerEvent): void => {
      if (event.buttons !== 1 || !this.timeline) return;
      this.goTo(positionAt(this.timeline, event.offsetX, timeline.clientWidth));
    };
    timeline.addEventListener('pointerdown', scrub);
    timeline.addEventListener('pointermove', scrub);
    new ResizeObserver(() => this.draw()).observe(document.body);
    new ResizeObserver(() => this.draw()).observe(scroller);
    onThemeChange(() => {
      this.theme = readTheme();
      this.draw();
      this.legend();
    });
    this.legend();
    this.host.tell({ kind: 'ready' });
  }

  private told(message: ToPage): void {
    switch (message.kind) {
      case 'session':
        document.body.classList.remove('ended');
        this.name = message.name;
        elements.status.textContent = message.name;
        return this.startOver();
      case 'changed':
        return void this.refresh();
      case 'watched':
        this.watched = new Set(message.ids);
        this.showDetails();
        return this.draw();
      case 'ended':
        document.body.classList.add('ended');
        elements.status.textContent = 'The session is over: this is its last state.';
        return;
    }
  }

  private startOver(): void {
    this.view = undefined;
    this.given = undefined;
    this.before = undefined;
    this.timeline = undefined;
    this.selected = undefined;
    this.changes = undefined;
    this.cell = 0;
    void this.refresh();
  }

  // ---- asking

  /** One question at a time; what happens meanwhile is asked for afterwards. */
  private async refresh(): Promise<void> {
    this.isOutdated = true;
    if (this.isAsking) return;
    this.isAsking = true;
    while (this.isOutdated) {
      this.isOutdated = false;
      try {
        await this.ask();
      } catch (error) {
        // It answers once it has stopped; a session that is over says so itself.
        if (!this.view) elements.status.textContent = error instanceof Error ? error.message : String(error);
        break;
      }
    }
    this.isAsking = false;
  }

  private async ask(): Promise<void> {
    const space = elements.space.value === 'host' ? 'host' : 'guest';
    const view =
      this.cell === 0
        ? await this.firstView(space)
        : await this.host.ask('gmem/machineView', {
            space,
            ...this.window(),
            cell: this.cell,
            limit: MOST_RUNS,
          });
    if (this.given && this.given.position !== view.position) this.before = this.given;
    this.given = view;
    this.view = { ...view, runs: markChanges(this.before, view) };
    elements.status.textContent = this.name;
    this.cell = view.cell;
    this.timeline = await this.host.ask('gmem/timeline', {});
    this.selected ??= this.interesting(this.view);
    this.draw();
    this.showPosition();
    this.showDetails();
    await this.askChanges();
  }

  /** The zoom at which all of it is in view. */
  private async firstView(space: 'guest' | 'host'): Promise<MachineViewBody> {
    const { start, pages } = await this.host.ask('gmem/machineView', { space, cell: 512, limit: 64 });
    const cell = fittingZoom(pages, ROWS_AT_FIRST);
    return this.host.ask('gmem/machineView', { space, start, pages, cell, limit: MOST_RUNS });
  }

  /** The frame to begin with: what the last step changed, else the first that is in use. */
  private interesting({ runs, start }: MachineViewBody): number {
    return (
      (runs.find(({ changed }) => changed?.length) ?? runs.find(({ pfn, rmp }) => pfn ?? rmp))?.start ?? start
    );
  }

  /** Frames of the rows in view, with some around them. */
  private window(): { start: number; pages: number } {
    const shape = this.shape();
    const [first, last] = visibleRows(shape, elements.scroller.scrollTop, elements.scroller.clientHeight);
    const start = Math.max(shape.start, rowStart(shape, Math.max(0, first - MARGIN_ROWS)));
    const end = Math.min(shape.start + shape.pages, rowStart(shape, last + MARGIN_ROWS));
    return { start, pages: Math.max(1, end - start) };
  }

  private hasRowsInView(): boolean {
    if (!this.view) return true;
    const shape = this.shape();
    const [first, last] = visibleRows(shape, elements.scroller.scrollTop, elements.scroller.clientHeight);
    const end = Math.min(shape.start + shape.pages, rowStart(shape, last));
    return (
      Math.max(shape.start, rowStart(shape, first)) >= this.view.start &&
      end <= this.view.start + this.view.pages
    );
  }

  private async askChanges(): Promise<void> {
    const frame = this.frame();
    if (!frame || !this.view) return;
    const { position } = this.view;
    if (this.changes?.frame === frame.start && this.changes.position === position) return;
    const { changes } = await this.host.ask('gmem/changes', {
      ...(frame.gfn !== undefined && { gfn: frame.gfn }),
      ...(frame.pfn !== undefined && { pfn: frame.pfn }),
      limit: 12,
    });
    this.changes = { frame: frame.start, position, list: changes };
    this.showDetails();
  }

  // ---- moving

  /** While the session is on its way, only the last wish counts. */
  private goTo(position: number): void {
    const { timeline } = this;
    if (!timeline) return;
    this.wantedPosition = Math.min(Math.max(0, position), timeline.length);
    if (!this.isMoving) void this.move();
  }

  private async move(): Promise<void> {
    this.isMoving = true;
    while (this.wantedPosition !== undefined) {
      const position = this.wantedPosition;
      this.wantedPosition = undefined;
      await this.host.ask('gmem/goTo', { position }).catch(() => undefined);
    }
    this.isMoving = false;
    // The session tells that it has stopped; this is for one that was there already.
    void this.refresh();
  }

  private zoom(by: number): void {
    if (!this.view) return;
    const at = ZOOMS.findIndex((cell) => cell >= this.cell);
    const cell = ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, at + by))]!;
    if (cell === this.cell) return;
    this.cell = cell;
    this.layOut();
    this.reveal();
    void this.refresh();
    this.say(`A cell is ${SIZES[cell]}`);
  }

  private wheeled(event: WheelEvent): void {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.zoom(event.deltaY > 0 ? 1 : -1);
  }

  private pointed(event: PointerEvent): void {
    if (!this.view) return;
    const frame = frameAtPoint(this.shape(), event.offsetX, event.offsetY + elements.scroller.scrollTop);
    if (frame !== undefined) this.select(frame);
  }

  private pressed(event: KeyboardEvent): void {
    if (!this.view || this.selected === undefined || event.altKey || event.metaKey) return;
    const { scroller } = elements;
    const frame = this.frame();
    if (event.key === '+' || event.key === '-') this.zoom(event.key === '+' ? -1 : 1);
    else if (event.key === 'w' && frame)
      this.host.tell({ kind: 'watch', ids: watchIds(frame), on: !this.isWatched(frame) });
    else if (event.key === 'Enter') this.openLastChange();
    else {
      const rows = Math.max(1, Math.floor(scroller.clientHeight / ROW_HEIGHT));
      const next = moved(this.shape(), this.selected, event.key, rows);
      if (next === undefined) return;
      this.select(next);
    }
    event.preventDefault();
  }

  private openLastChange(): void {
    const at = this.changes?.list.find((change) => change.at)?.at;
    if (at) this.host.tell({ kind: 'open', path: at.path, line: at.line });
    else this.say('Nothing has changed this page yet');
  }

  private select(frame: number): void {
    this.selected = frame;
    this.reveal();
    this.draw();
    this.showDetails();
    void this.askChanges().catch(() => undefined);
  }

  private reveal(): void {
    if (this.selected === undefined) return;
    const { scroller } = elements;
    scroller.scrollTop = scrollTo(this.shape(), this.selected, scroller.scrollTop, scroller.clientHeight);
  }

  // ---- showing

  private shape(): GridShape {
    const { start, pages } = this.view?.whole ?? { start: 0, pages: 1 };
    return { start, pages, cell: this.cell || 1, width: elements.scroller.clientWidth };
  }

  /** The selected cell, as its first frame. */
  private frame(): FrameView | undefined {
    const { selected } = this;
    const run = this.view?.runs.find(
      ({ start, pages }) => selected !== undefined && selected >= start && selected < start + pages,
    );
    return run && selected !== undefined ? frameAt(run, selected) : undefined;
  }

  private isWatched(frame: FrameView): boolean {
    return watchIds(frame).some((id) => this.watched.has(id));
  }

  private layOut(): void {
    elements.spacer.style.height = `${contentHeight(this.shape())}px`;
    elements.zoom.textContent = SIZES[this.cell] ?? `${this.cell * 4} KiB`;
  }

  private draw(): void {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.drawNow();
    });
  }

  private drawNow(): void {
    const { view, timeline, theme } = this;
    const { scroller } = elements;
    if (!view) return;
    this.layOut();
    const { clientWidth: width, clientHeight: height } = scroller;
    const context = contextOf(elements.map, width, height);
    if (context)
      drawMap(
        context,
        {
          shape: this.shape(),
          runs: view.runs,
          slots: view.slots,
          scroll: scroller.scrollTop,
          height,
          selected: this.selected ?? view.start,
          isFocused: document.activeElement === scroller,
          matches: this.matches,
          isWatched: (frame) => this.watched.size > 0 && this.isWatched(frame),
        },
        theme,
      );
    if (!timeline) return;
    const lane = contextOf(
      elements.timeline,
      scroller.parentElement?.clientWidth ?? width,
      timelineHeight(timeline),
    );
    if (lane) drawTimeline(lane, timeline, elements.timeline.clientWidth, theme);
  }

  private showPosition(): void {
    const { timeline } = this;
    if (!timeline) return;
    const { position, positionText, back, forward } = elements;
    position.max = `${timeline.length}`;
    position.value = `${timeline.position}`;
    back.disabled = timeline.position === 0;
    forward.disabled = timeline.position >= timeline.length;
    positionText.textContent = `step ${timeline.position} of ${timeline.length}`;
    const changed = this.view?.runs.filter((run) => run.changed?.length) ?? [];
    const what =
      changed.length === 0
        ? 'nothing'
        : changed
            .slice(0, 3)
            .map((run) => `${hex(run.start)} ${changedBands(run).join(', ')}`)
            .join('; ');
    this.say(`Step ${timeline.position}: ${what} changed since the last stop`);
  }

  private showDetails(): void {
    const frame = this.frame();
    const changes = this.changes?.frame === frame?.start ? this.changes?.list : undefined;
    this.details.show(frame, changes, frame !== undefined && this.isWatched(frame));
    if (!frame || this.selected === undefined) return;
    const shape = this.shape();
    elements.cell.setAttribute('aria-label', describeFrame(frame));
    elements.cell.setAttribute(
      'aria-rowindex',
      `${Math.floor((this.selected - shape.start) / framesOfRow(shape)) + 1}`,
    );
    elements.cell.setAttribute('aria-colindex', `${(Math.floor(this.selected / shape.cell) % 64) + 1}`);
  }

  /** To screen readers. */
  private say(text: string): void {
    elements.live.textContent = text;
  }

  private legend(): void {
    elements.legend.replaceChildren(...BANDS.map(({ name }) => make('li', name)));
  }
}

new MemoryMap();
