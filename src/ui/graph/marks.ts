/**
 * What a step shows: its silhouette, its colour and its word. `todo` is not started yet, `unknown` an effect of which
 * nobody knows whether it happened, `undone` one that was compensated.
 */
export type Mark =
  'todo' | 'run' | 'retry' | 'gate' | 'done' | 'fail' | 'unknown' | 'undone' | 'cancelled' | 'skipped' | 'held';

/** The colour family of a mark; `mute` is neutral. */
export type Tone = 'done' | 'run' | 'gate' | 'fail' | 'odd' | 'mute';

interface MarkFacts {
  word: string;
  tone: Tone;
  /** Which one stands for several: the highest. */
  weight: number;
}

const MARKS: Readonly<Record<Mark, MarkFacts>> = {
  fail: { word: 'Failed', tone: 'fail', weight: 10 },
  unknown: { word: 'Outcome unknown', tone: 'odd', weight: 9 },
  gate: { word: 'Waiting for a decision', tone: 'gate', weight: 8 },
  held: { word: 'Held', tone: 'fail', weight: 7 },
  undone: { word: 'Undone', tone: 'odd', weight: 6 },
  retry: { word: 'Retrying', tone: 'gate', weight: 5 },
  run: { word: 'Running', tone: 'run', weight: 4 },
  cancelled: { word: 'Cancelled', tone: 'mute', weight: 3 },
  todo: { word: 'Not started', tone: 'mute', weight: 2 },
  done: { word: 'Completed', tone: 'done', weight: 1 },
  skipped: { word: 'Skipped', tone: 'mute', weight: 0 },
};

/** The word that stands beside the silhouette. */
export function markWord(mark: Mark): string {
  return MARKS[mark].word;
}

/** The colour family that it is drawn in. */
export function markTone(mark: Mark): Tone {
  return MARKS[mark].tone;
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
