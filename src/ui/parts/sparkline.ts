import { html, type Html } from '../html.js';

const WIDTH = 84;
const HEIGHT = 22;
/** Room for the line's width and the dot at its end. */
const EDGE = 3;
/** More points than that are neither seen nor worth their bytes. */
const MOST_POINTS = 30;

/** Neighbours added up, so that there are few enough; the newest stay whole. */
function fewer(values: readonly number[]): number[] {
  const size = Math.ceil(values.length / MOST_POINTS);
  const sums: number[] = [];
  for (let end = values.length; end > 0; end -= size) {
    sums.unshift(values.slice(Math.max(0, end - size), end).reduce((sum, one) => sum + one, 0));
  }
  return sums;
}

/** How a value went, from zero to its most: a line that ends in a dot. Decoration: the figures stand elsewhere. */
export function sparkline(values: readonly number[]): Html {
  const points = fewer(values);
  const most = Math.max(...points);
  const room = HEIGHT - 2 * EDGE;
  const y = points.map((value) => HEIGHT - EDGE - (most > 0 ? Math.round((value / most) * room) : 0));
  const step = ((WIDTH - 2 * EDGE) / Math.max(1, points.length - 1)).toFixed(1);
  const line = y.slice(1).map((at, before) => `l${step} ${at - (y[before] ?? at)}`);
  const end = EDGE + Number(step) * (points.length - 1);
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">
    <path d="M${EDGE} ${y[0] ?? HEIGHT - EDGE}${line.join('')}" />
    <circle class="fill-d2" cx="${end.toFixed(1)}" cy="${y.at(-1) ?? HEIGHT - EDGE}" r="2" />
  </svg>`;
}
