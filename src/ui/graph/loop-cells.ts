import { worstMark, type Mark } from './marks.js';

/** The items of a loop. */
export interface LoopItems {
  /** One letter per started item in the order of the items: see `LETTERS`. */
  states: string;
  /** How many there will be; null: not known yet. */
  total: number | null;
  /** The first that failed or were undone, at most 50. */
  failed: FailedItem[];
}

export interface FailedItem {
  index: number;
  /** The path of the step that failed, in the run. */
  path: string;
  /** The item as text, if it is known. */
  label: string | null;
  mark: Mark;
  code: string;
  message: string;
  attempts: number;
  startedMs: number | null;
  endedMs: number | null;
  undo: { path: string; mark: Mark; startedMs: number | null; endedMs: number | null }[];
}

/** Letters of `LoopItems.states`. */
const LETTERS: Readonly<Record<string, Mark>> = {
  d: 'done',
  r: 'run',
  f: 'fail',
  u: 'undone',
  q: 'unknown',
  c: 'cancelled',
  s: 'skipped',
};

/** More items than this are shown in bins. */
const MOST_TICKS = 60;
const BINS = 100;

export interface LoopCell {
  mark: Mark;
  /** Items `from` up to, not with, `to`. */
  from: number;
  to: number;
}

/** Ticks of a loop: one for each item up to 60 of them, else 100 bins in which the worst state wins. */
export function loopCells(items: LoopItems, most = MOST_TICKS, bins = BINS): LoopCell[] {
  const total = loopTotal(items);
  const cells = total <= most ? total : Math.min(bins, total);
  return Array.from({ length: cells }, (_, cell) => {
    const from = Math.floor((cell * total) / cells);
    const to = Math.floor(((cell + 1) * total) / cells);
    return { mark: binMark(items.states.slice(from, to), to - from), from, to };
  });
}

/** The mark of an item's letter; one that nobody knows is not started. */
export function loopMark(letter: string): Mark {
  return LETTERS[letter] ?? 'todo';
}

/** How many items there are, as far as is known. */
export function loopTotal({ states, total }: LoopItems): number {
  return Math.max(states.length, total ?? 0);
}

/** How many items are in each state; those not started are `todo`. */
export function loopCounts(items: LoopItems): Map<Mark, number> {
  const counts = new Map<Mark, number>();
  for (const letter of items.states) {
    const mark = loopMark(letter);
    counts.set(mark, (counts.get(mark) ?? 0) + 1);
  }
  const rest = loopTotal(items) - items.states.length;
  if (rest > 0) counts.set('todo', (counts.get('todo') ?? 0) + rest);
  return counts;
}

function binMark(states: string, size: number): Mark {
  if (states === '') return 'todo';
  const worst = worstMark([...new Set(states)].map(loopMark));
  return worst === 'done' && states.length < size ? 'run' : worst;
}
