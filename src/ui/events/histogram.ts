import type { EventStats } from '../../domain/event-console.js';
import { fieldsIn } from '../format.js';
import { href, type Html } from '../html.js';
import { barChart } from '../parts/bar-chart.js';
import type { Parts } from '../parts/parts.js';
import { withTerm } from '../parts/filter-terms.js';
import { parseEventFilter } from './filter.js';

const MINUTE_MS = 60_000;
const BARS = 60;

/** The last hour as bars, and the links that move a narrowed view. */
export interface Histogram {
  chart: Html;
  /** Minutes with events, newest first. */
  minutes: { label: string; n: number }[];
  /** Earlier, later, wider and the whole, while a part of time is shown. */
  moves: { label: string; href: string }[];
}

/** A moment as the filter takes it, without seconds where it is a whole minute. */
function moment(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace(/\.000Z$/, 'Z')
    .replace(/:00Z$/, 'Z');
}

function between(q: string, from: number, to: number): string {
  return href('/ui/events', { q: withTerm(withTerm(q, 'to', moment(to)), 'from', moment(from)) });
}

function movesOf(q: string, from: number, to: number): Histogram['moves'] {
  const span = to - from;
  return [
    { label: 'Earlier', href: between(q, from - span, from) },
    { label: 'Later', href: between(q, to, to + span) },
    { label: 'Wider', href: between(q, from - span, to + span) },
    { label: 'All of it', href: href('/ui/events', { q: withTerm(withTerm(q, 'to', null), 'from', null) }) },
  ];
}

/** Sixty bars, each of which shows the events of its minute; drawn over by the pointer, those of several. */
export function histogram({ stats, q }: { stats: EventStats; q: string }, ui: Parts): Histogram {
  const known = new Map(stats.minutes.map((one) => [Date.parse(one.at), one]));
  const first = Date.parse(stats.from);
  const bars = Array.from({ length: BARS }, (_, at) => {
    const ms = first + at * MINUTE_MS;
    const { hour, minute } = fieldsIn(ui.clock.zone, ms);
    const { value = 0, failed = 0 } = known.get(ms) ?? {};
    const link = value + failed === 0 ? {} : { href: between(q, ms, ms + MINUTE_MS) };
    return { label: `${hour}:${minute}`, value, failed, ...link };
  });
  const { search } = parseEventFilter(q);
  const [from, to] = [Date.parse(search.from ?? ''), Date.parse(search.to ?? '')];
  const isPart = from < to;
  const sentence = !stats.is_counted
    ? 'Events of the last 60 minutes: they are still being counted.'
    : `Events of the last 60 minutes, minute by minute: ${stats.all}, of them ${stats.important + stats.refused} failures or refused.`;
  const chart = barChart(bars, sentence, {
    height: 46,
    words: ['events', 'failures'],
    labelEvery: 10,
    range: {
      firstMs: first,
      stepMs: MINUTE_MS,
      href: href('/ui/events', { q: `from:FROM to:TO ${withTerm(withTerm(q, 'from', null), 'to', null)}`.trim() }),
    },
    ...(isPart ? { band: [(from - first) / MINUTE_MS, (to - first) / MINUTE_MS] as const } : {}),
  });
  const minutes = bars
    .map(({ label, value, failed }) => ({ label, n: value + failed }))
    .filter(({ n }) => n > 0)
    .toReversed();
  return { chart, minutes, moves: isPart ? movesOf(q, from, to) : [] };
}
