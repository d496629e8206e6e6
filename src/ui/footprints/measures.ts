import { about, compact, count } from '../format.js';
import type { Series } from '../parts/stacked-chart.js';

/** What was used. */
export interface UsedView {
  runs: number;
  steps: number;
  wallMs: number;
  tokensIn: number;
  tokensOut: number;
  requests: number;
}

/** A day with what was used under each source. */
export interface DayView {
  day: string;
  used: UsedView;
  bySource: ReadonlyMap<string, UsedView>;
}

/** What the page can be read by. */
export interface Measure {
  label: string;
  /** One figure for ranking and shares. */
  of: (used: UsedView) => number;
  amount: (value: number) => string;
  /** Whether values are milliseconds. */
  isTime?: true;
  /** The headline: `31 204 runs`. */
  headline: (value: number) => string;
  series: readonly Series[];
  /** A value for each series. */
  stack: (day: DayView) => readonly number[];
}

function wallOf({ bySource }: DayView, sources: readonly string[] | null): number {
  const known = ['agent', 'action', 'gate'];
  let sum = 0;
  for (const [source, { wallMs }] of bySource) {
    if (sources === null ? !known.includes(source) : sources.includes(source)) sum += wallMs;
  }
  return sum;
}

const tokens = ({ tokensIn, tokensOut }: UsedView): number => tokensIn + tokensOut;

/** Measures by their name in the address. */
export const MEASURES = {
  runs: {
    label: 'Runs',
    of: (used) => used.runs,
    amount: compact,
    headline: (value) => `${count(value)} ${value === 1 ? 'run' : 'runs'}`,
    series: [{ label: 'runs', look: 'd2' }],
    stack: ({ used }) => [used.runs],
  },
  time: {
    label: 'Time',
    of: (used) => used.wallMs,
    amount: (value) => (value === 0 ? '0' : about(value)),
    isTime: true,
    headline: (value) => `${about(value)} of steps`,
    series: [
      { label: 'agents', look: 'd1' },
      { label: 'actions', look: 'd2' },
      { label: 'waits for people', look: 'd3' },
      { label: 'other', look: 'hollow' },
    ],
    stack: (day) => [wallOf(day, ['agent']), wallOf(day, ['action']), wallOf(day, ['gate']), wallOf(day, null)],
  },
  tokens: {
    label: 'Tokens',
    of: tokens,
    amount: compact,
    headline: (value) => `${compact(value)} tokens`,
    series: [
      { label: 'in', look: 'd2' },
      { label: 'out', look: 'd1' },
    ],
    stack: ({ used }) => [used.tokensIn, used.tokensOut],
  },
  requests: {
    label: 'Requests',
    of: (used) => used.requests,
    amount: compact,
    headline: (value) => `${count(value)} model ${value === 1 ? 'request' : 'requests'}`,
    series: [{ label: 'requests', look: 'd2' }],
    stack: ({ used }) => [used.requests],
  },
} as const satisfies Record<string, Measure>;

export type MeasureName = keyof typeof MEASURES;
