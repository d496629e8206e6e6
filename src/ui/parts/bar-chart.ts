import { html, join, type Html } from '../html.js';
import { count } from '../format.js';

/** One bar: data in slate, failures capped on top in vermilion. */
export interface Bar {
  label: string;
  value: number;
  failed: number;
}

/** How a chart differs from one of runs by the hour. */
export interface BarChartOptions {
  /** Pixels, without the times under the bars. */
  height?: number;
  /** What is counted, and what the failures are called. */
  words?: readonly [value: string, failed: string];
  /** Every so many bars one has its time under it. */
  labelEvery?: number;
}

/**
 * Bars from zero with failures on top. Widths are shares of the chart, heights pixels, so that text keeps its size at every
 * width. `sentence` says what the chart shows to those who do not see it.
 */
export function barChart(
  bars: readonly Bar[],
  sentence: string,
  { height = 76, words = ['completed', 'failed'], labelEvery = 6 }: BarChartOptions = {},
): Html {
  const most = Math.max(1, ...bars.map(({ value, failed }) => value + failed));
  const slot = 100 / Math.max(1, bars.length);
  const scale = (value: number): number => (value === 0 ? 0 : Math.max(1.5, (value / most) * (height - 12)));
  const lines = [0, 1, 2, 3].map((at) => {
    const y = 6 + (at * (height - 6)) / 3;
    return html`<line class="grid" x1="0" x2="100%" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" />`;
  });
  const drawn = bars.map(({ label, value, failed }, at) => {
    const x = `${(at * slot + slot * 0.08).toFixed(2)}%`;
    const width = `${(slot * 0.84).toFixed(2)}%`;
    const body = scale(value);
    const cap = failed === 0 ? 0 : Math.max(4, scale(failed));
    const title = html`<title>${`${label}: ${count(value)} ${words[0]}, ${count(failed)} ${words[1]}`}</title>`;
    const rest = html`<rect
      class="fill-d3"
      x="${x}"
      y="${(height - body).toFixed(1)}"
      width="${width}"
      height="${body.toFixed(1)}"
      rx="1.5"
      >${title}</rect
    >`;
    const top = html`<rect
      class="fill is-fail"
      x="${x}"
      y="${Math.max(0, height - body - 3 - cap).toFixed(1)}"
      width="${width}"
      height="${cap.toFixed(1)}"
      rx="1.5"
      >${title}</rect
    >`;
    const text = at % labelEvery === 0 ? html`<text x="${x}" y="${height + 15}">${label}</text>` : '';
    return html`${value === 0 ? '' : rest}${failed === 0 ? '' : top}${text}`;
  });
  return html`<svg class="chart" height="${height + 18}" role="img" aria-label="${sentence}">
    ${join(lines)}${join(drawn)}
  </svg>`;
}
