import { goInPlace } from './in-place.js';
import { closest, within } from './page.js';

/** A press that moved less than this is a click. Pixels. */
const CLICK_PX = 4;

interface Drag {
  chart: HTMLElement;
  fromX: number;
  band: Element;
  /** It moved far enough. The band says it not: what the stream brings takes it away until the next move. */
  isDrag?: true;
}

let drag: Drag | undefined;
/** The click that ends a drag over a bar is none. */
let isDragClick = false;

/** The bar under a place, as a number of bars from the first one. */
function barAt(chart: HTMLElement, x: number): number {
  const { left, width } = chart.getBoundingClientRect();
  const bars = Number(chart.dataset['bars']);
  return within(Math.floor(((x - left) / width) * bars), bars);
}

function spanTo({ chart, fromX }: Drag, x: number): [first: number, end: number] {
  const [a, b] = [barAt(chart, fromX), barAt(chart, x)];
  return [Math.min(a, b), Math.max(a, b) + 1];
}

function onDown(event: PointerEvent): void {
  const chart = closest(event, 'svg[data-range]');
  if (!chart || event.button !== 0 || event.pointerType === 'touch') return;
  const band = document.createElementNS(chart.namespaceURI, 'rect');
  band.classList.add('band');
  drag = { chart, fromX: event.clientX, band };
}

function onMove(event: PointerEvent): void {
  if (!drag || Math.abs(event.clientX - drag.fromX) < CLICK_PX) return;
  drag.isDrag = true;
  const [first, end] = spanTo(drag, event.clientX);
  const share = 100 / Number(drag.chart.dataset['bars']);
  drag.band.setAttribute('x', `${first * share}%`);
  drag.band.setAttribute('width', `${(end - first) * share}%`);
  if (!drag.band.isConnected) drag.chart.prepend(drag.band);
}

function onUp(event: PointerEvent): void {
  const ended = drag;
  drag = undefined;
  if (!ended?.isDrag) return;
  ended.band.remove();
  isDragClick = true;
  setTimeout(() => (isDragClick = false));
  const { range = '', first = '', step = '' } = ended.chart.dataset;
  const at = (bar: number): string => encodeURIComponent(new Date(Number(first) + bar * Number(step)).toISOString());
  const [from, to] = spanTo(ended, event.clientX);
  goInPlace(new URL(range.replace('FROM', at(from)).replace('TO', at(to)), location.href));
}

/** Drawing over a chart of time narrows it; the same can be had by its links. */
export function startDragRange(): void {
  document.addEventListener('pointerdown', onDown);
  document.addEventListener('pointermove', onMove);
  document.addEventListener('pointerup', onUp);
  document.addEventListener('pointercancel', () => {
    drag?.band.remove();
    drag = undefined;
  });
  // Links inside a drawing would be dragged as links.
  document.addEventListener('dragstart', (event) => {
    if (closest(event, 'svg[data-range]')) event.preventDefault();
  });
  document.addEventListener(
    'click',
    (event) => {
      if (!isDragClick) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
}
