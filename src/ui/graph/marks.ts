import { statusOf, type Glyph, type Status, type Tone } from '../status.js';

/**
 * What a step shows: its silhouette, its colour and its word. `todo` is not started yet, `unknown` an effect of which
 * nobody knows whether it happened, `undone` one that was compensated.
 */
export type Mark = Exclude<Glyph, 'warn' | 'info' | 'dot'>;

interface MarkFacts {
  word: string;
  /** Which one stands for several: the highest. */
  weight: number;
}

const MARKS: Readonly<Record<Mark, MarkFacts>> = {
  fail: { word: 'Failed', weight: 10 },
  unknown: { word: 'Outcome unknown', weight: 9 },
  gate: { word: 'Waiting for a decision', weight: 8 },
  held: { word: 'Held', weight: 7 },
  undone: { word: 'Undone', weight: 6 },
  retry: { word: 'Retrying', weight: 5 },
  run: { word: 'Running', weight: 4 },
  cancelled: { word: 'Cancelled', weight: 3 },
  todo: { word: 'Not started', weight: 2 },
  done: { word: 'Completed', weight: 1 },
  skipped: { word: 'Skipped', weight: 0 },
};

/** The word that stands beside the silhouette. */
export function markWord(mark: Mark): string {
  return MARKS[mark].word;
}

/** The colour family that it is drawn in. */
export function markTone(mark: Mark): Tone {
  return markStatus(mark).tone;
}

/** Silhouette, colour and word. */
export function markStatus(mark: Mark): Status {
  return statusOf(mark, MARKS[mark].word);
}

/** The mark that a reader must not miss; `skipped` for none. */
export function worstMark(marks: Iterable<Mark>): Mark {
  let worst: Mark = 'skipped';
  for (const mark of marks) if (MARKS[mark].weight > MARKS[worst].weight) worst = mark;
  return worst;
}

/** Whether people look for such steps: they are never folded away. */
export function needsAttention(mark: Mark): boolean {
  return MARKS[mark].weight >= MARKS.run.weight;
}

/** Whether nothing more will happen to the step. */
export function isSettled(mark: Mark): boolean {
  return !['todo', 'run', 'retry', 'gate', 'held'].includes(mark);
}
