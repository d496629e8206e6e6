import { html, type Html } from '../html.js';

/** A series of a chart: data in slate; the fourth is hollow. */
export interface Series {
  label: string;
  look: 'd1' | 'd2' | 'd3' | 'hollow';
}

/** One bar: a value for each series, from the bottom up. */
export interface StackedBar {
  label: string;
  values: readonly number[];
}

const HEIGHT = 150;
const TOP = 14;
/** About so many bars have their label under them. */
const LABELS = 6;

/** The next round number above: 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((one) => one * power >= value) ?? 10;
  return step * power;
}

/** Times in milliseconds whose halves are round too. */
const ROUND_TIMES = [2, 4, 10, 20, 30, 60, 120, 240, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 28_800, 57_600].map(
  (seconds) => seconds * 1_000,
);
const TWO_DAYS_MS = 172_800_000;

function roundTimeUp(ms: number): number {
  return ROUND_TIMES.find((one) => one >= ms) ?? Math.ceil(ms / TWO_DAYS_MS) * TWO_DAYS_MS;
}

/**
 * Stacked bars from zero. Widths are shares of the chart, heights pixels, so that text keeps its size at every width.
 * `sentence` says what the chart shows to those who do not see it.
 */
export function stackedChart(
  bars: readonly StackedBar[],
  series: readonly Series[],
  words: { sentence: string; amount: (value: number) => string; isTime?: boolean },
): Html {
  const sum = (values: readonly number[]): number => values.reduce((one, other) => one + other, 0);
  const round = words.isTime === true ? roundTimeUp : roundUp;
  const most = round(Math.max(1, ...bars.map(({ values }) => sum(values))));
  const slot = 100 / Math.max(1, bars.length);
  const lines = [0, 0.5, 1].map((share) => {
    const y = HEIGHT - share * (HEIGHT - TOP);
    const label =
      share === 0
        ? ''
        : html`<text x="-8" y="${(y + 4).toFixed(1)}" text-anchor="end">${words.amount(share * most)}</text>`;
    return { label, line: html`<line class="grid" x1="0" x2="100%" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" />` };
  });
  const every = Math.max(1, Math.ceil(bars.length / LABELS));
  const drawn = bars.map(({ label, values }, at) => {
    const x = `${(at * slot + slot * 0.1).toFixed(2)}%`;
    const width = `${(slot * 0.8).toFixed(2)}%`;
    let y = HEIGHT;
    const parts = values.map((value, index) => {
      const height = (value / most) * (HEIGHT - TOP);
      if (height < 0.05) return '';
      y -= height;
      const look = series[index]?.look ?? 'd3';
      return html`<rect
        class="fill-${look}"
        x="${x}"
        y="${y.toFixed(1)}"
        width="${width}"
        height="${Math.max(0.6, height - 0.8).toFixed(1)}"
      />`;
    });
    const said = values.map((value, index) => `${series[index]?.label ?? ''} ${words.amount(value)}`).join(', ');
    const text = at % every === 0 ? html`<text x="${x}" y="${HEIGHT + 15}">${label}</text>` : '';
    return html`<g>
      <title>${`${label}: ${said}`}</title>
      ${parts}${text}
    </g>`;
  });
  return html`<svg class="chart with-axis" height="${HEIGHT + 18}" role="img" aria-label="${words.sentence}">
    ${lines.map(({ line }) => line)}${drawn}${lines.map(({ label }) => label)}
  </svg>`;
}

/** What each look of a chart stands for. */
export function chartLegend(series: readonly Series[]): Html {
  return html`<span class="legend"
    >${series.map(
      ({ label, look }) =>
        html`<span
          ><svg viewBox="0 0 10 10" aria-hidden="true">
            <rect class="fill-${look}" x=".5" y=".5" width="9" height="9" rx="2" /></svg
          >${label}</span
        >`,
    )}</span
  >`;
}
