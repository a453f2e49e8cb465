/** The elements of the page, by the ids that its HTML gives them. */

function byId<E extends Element>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

export const elements = {
  status: byId('status', HTMLElement),
  space: byId('space', HTMLSelectElement),
  filter: byId('filter', HTMLInputElement),
  zoomIn: byId('zoom-in', HTMLButtonElement),
  zoomOut: byId('zoom-out', HTMLButtonElement),
  zoom: byId('zoom', HTMLElement),
  legend: byId('legend', HTMLElement),
  scroller: byId('scroller', HTMLElement),
  spacer: byId('spacer', HTMLElement),
  map: byId('map', HTMLCanvasElement),
  cell: byId('cell', HTMLElement),
  details: byId('details', HTMLElement),
  timeline: byId('timeline', HTMLCanvasElement),
  position: byId('position', HTMLInputElement),
  positionText: byId('position-text', HTMLElement),
  back: byId('back', HTMLButtonElement),
  forward: byId('forward', HTMLButtonElement),
  live: byId('live', HTMLElement),
};

/** An element with text and children; never HTML, for names come from the run. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = '',
  children: readonly Node[] = [],
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (text !== '') element.textContent = text;
  element.append(...children);
  return element;
}

/** The canvas at the screen's own resolution. */
export function contextOf(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext('2d');
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
