import { html, join, type Html } from '../html.js';
import { count } from '../format.js';

/** One bar: data in slate, failures capped on top in vermilion. */
export interface Bar {
  label: string;
  value: number;
  failed: number;
  /** What the bar shows when it is followed; absent: nothing. */
  href?: string;
}

/** How a chart differs from one of runs by the hour. */
export interface BarChartOptions {
  /** Pixels, without the times under the bars. */
  height?: number;
  /** What is counted, and what the failures are called. */
  words?: readonly [value: string, failed: string];
  /** Every so many bars one has its time under it. */
  labelEvery?: number;
  /** A chart over time in which a part can be drawn over: `FROM` and `TO` in the address stand for its bounds. */
  range?: { firstMs: number; stepMs: number; href: string };
  /** What a value is called beside the chart; absent: the chart has no scale. */
  axis?: (value: number) => string;
  /** A value above which bars are unusual, drawn as a line with its words on it. */
  threshold?: { value: number; words: string } | undefined;
  /** The part that is shown, in bars from the first one. */
  band?: readonly [from: number, to: number];
}

/** Pixels for the times under the bars. */
export const UNDER_BARS = 18;

/** Seconds, minutes and hours that people count in. */
const ROUND_TIMES = [
  1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 28_800, 57_600, 86_400,
];

function roundTime(seconds: number): number {
  return ROUND_TIMES.find((one) => one >= seconds) ?? Math.ceil(seconds / 86_400) * 86_400;
}

function thresholdLine(y: number, words: string): Html {
  return html`<line class="threshold" x1="0" x2="100%" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" /><text
      class="threshold-words"
      x="100%"
      y="${(y - 5).toFixed(1)}"
      text-anchor="end"
      >${words}</text
    >`;
}

function bandRect(band: BarChartOptions['band'], bars: number, height: number): Html {
  const slot = 100 / Math.max(1, bars);
  const [from = 0, to = 0] = (band ?? []).map((one) => Math.min(bars, Math.max(0, one)) * slot);
  if (to <= from) return html``;
  return html`<rect
    class="band"
    x="${from.toFixed(2)}%"
    y="0"
    width="${(to - from).toFixed(2)}%"
    height="${height}"
  />`;
}

/**
 * Bars from zero with failures on top. Widths are shares of the chart, heights pixels, so that text keeps its size at every
 * width. `sentence` says what the chart shows to those who do not see it.
 */
export function barChart(
  bars: readonly Bar[],
  sentence: string,
  { height = 76, words = ['completed', 'failed'], labelEvery = 6, range, band, axis, threshold }: BarChartOptions = {},
): Html {
  const longest = Math.max(1, threshold?.value ?? 0, ...bars.map(({ value, failed }) => value + failed));
  const most = axis === undefined ? longest : roundTime(longest);
  const room = height - (axis === undefined ? 12 : 6);
  const slot = 100 / Math.max(1, bars.length);
  const scale = (value: number): number => (value === 0 ? 0 : Math.max(1.5, (value / most) * room));
  const lines = [0, 1, 2, 3].map((at) => {
    const y = 6 + (at * (height - 6)) / 3;
    const words =
      axis === undefined || at % 3 !== 0
        ? ''
        : html`<text x="-8" y="${(y + 4).toFixed(1)}" text-anchor="end">${at === 3 ? '0' : axis(most)}</text>`;
    return html`<line class="grid" x1="0" x2="100%" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" />${words}`;
  });
  const bound = threshold === undefined ? '' : thresholdLine(height - scale(threshold.value), threshold.words);
  const lastLink = bars.findLastIndex((bar) => bar.href !== undefined);
  const drawn = bars.map(({ label, value, failed, href }, at) => {
    const x = `${(at * slot + slot * 0.08).toFixed(2)}%`;
    const width = `${(slot * 0.84).toFixed(2)}%`;
    const body = scale(value);
    const cap = failed === 0 ? 0 : Math.max(4, scale(failed));
    const said = html`<title>${`${label}: ${count(value)} ${words[0]}, ${count(failed)} ${words[1]}`}</title>`;
    // A link is called by its one title.
    const title = href === undefined ? said : '';
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
      y="${Math.max(0, height - body - (value === 0 ? 0 : 3) - cap).toFixed(1)}"
      width="${width}"
      height="${cap.toFixed(1)}"
      rx="1.5"
      >${title}</rect
    >`;
    // The same day is written once.
    const isNamed = at % labelEvery === 0 && (at === 0 || bars[at - labelEvery]?.label !== label);
    const text = isNamed ? html`<text x="${x}" y="${height + 15}">${label}</text>` : '';
    const bar = html`${value === 0 ? '' : rest}${failed === 0 ? '' : top}`;
    if (href === undefined) return html`${bar}${text}`;
    // One stop for Tab, arrows inside; the whole height can be pressed.
    const stop = at === lastLink ? '' : html` tabindex="-1"`;
    return html`<a href="${href}" ${stop}
        >${said}<rect
          class="press"
          x="${(at * slot).toFixed(2)}%"
          y="0"
          width="${slot.toFixed(2)}%"
          height="${height}"
        />${bar}</a
      >${text}`;
  });
  const shown = bandRect(band, bars.length, height);
  const drag =
    range === undefined
      ? ''
      : html` data-range="${range.href}" data-first="${range.firstMs}" data-step="${range.stepMs}"
        data-bars="${bars.length}"`;
  const role = lastLink === -1 ? 'img' : 'group';
  return html`<svg
    class="${axis === undefined ? 'chart' : 'chart with-axis'}"
    height="${height + UNDER_BARS}"
    role="${role}"
    aria-label="${sentence}"
    data-arrows
    ${drag}
  >
    ${shown}${join(lines)}${join(drawn)}${bound}
  </svg>`;
}
