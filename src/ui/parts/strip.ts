import { Memo } from '../../domain/memo.js';
import { html, join, type Html } from '../html.js';
import type { Tone } from '../status.js';

/** One step of a run in its strip. */
export interface StripMark {
  tone: Tone;
  /** `tall`: gate or failure; `thin`: skipped or not reached. */
  weight: 'tall' | 'plain' | 'thin';
}

const WIDTH = 104;
const HEIGHT = 10;
/** More steps than this share marks. */
const MOST = 24;
/** What wins where several steps share a mark: the worst first. */
const ORDER: readonly Tone[] = ['fail', 'odd', 'gate', 'run', 'done', 'mute'];

/** Most runs of a list look alike. */
const MOST_DRAWN = 200;
const drawn = new Memo<string, Html>(MOST_DRAWN);

function worst(marks: readonly StripMark[]): StripMark {
  const sorted = [...marks].sort((a, b) => ORDER.indexOf(a.tone) - ORDER.indexOf(b.tone));
  return sorted[0] ?? { tone: 'mute', weight: 'thin' };
}

function binned(marks: readonly StripMark[]): readonly StripMark[] {
  if (marks.length <= MOST) return marks;
  return Array.from({ length: MOST }, (_, bin) => {
    const from = Math.floor((bin * marks.length) / MOST);
    return worst(marks.slice(from, Math.max(from + 1, Math.floor(((bin + 1) * marks.length) / MOST))));
  });
}

/** The steps of a run as a row of marks, height by weight; above 24 steps the worst of each bin. Marks that look alike are one path. */
export function stepStrip(marks: readonly StripMark[]): Html {
  const shown = binned(marks);
  const key = shown.map(({ tone, weight }) => `${tone} ${weight}`).join();
  return drawn.get(key, () => draw(shown));
}

function draw(shown: readonly StripMark[]): Html {
  const slot = (WIDTH + 1.6) / Math.max(1, shown.length);
  // Short figures: a list has hundreds of bars.
  const tenth = (value: number): number => Math.round(value * 10) / 10;
  const width = tenth(Math.max(1, slot - 1.6));
  const paths = new Map<string, { d: string; x: number; y: number }>();
  shown.forEach(({ tone, weight }, index) => {
    const height = weight === 'tall' ? HEIGHT : weight === 'plain' ? 7 : 4;
    const look = weight === 'thin' ? 'fill-rest' : `fill is-${tone}`;
    const [x, y] = [tenth(index * slot), (HEIGHT - height) / 2];
    const before = paths.get(look);
    // Steps from bar to bar are alike, so they compress; places are not.
    const to = before === undefined ? `M${x} ${y}` : `m${tenth(x - before.x)} ${y - before.y}`;
    paths.set(look, { d: `${before?.d ?? ''}${to}h${width}v${height}h-${width}z`, x, y });
  });
  const bars = [...paths].map(([look, { d }]) => html`<path class="${look}" d="${d}" />`);
  return html`<svg class="strip" viewBox="0 0 104 10" preserveAspectRatio="none" aria-hidden="true">
    ${join(bars)}
  </svg>`;
}
