import { count } from '../format.js';
import { loopCounts, loopTotal, type LoopItems } from './loop-cells.js';
import type { Mark } from './marks.js';

/** `39 of 40 · 1 undone`. */
export function loopText(items: LoopItems): string {
  const counts = loopCounts(items);
  const done = counts.get('done') ?? 0;
  const odd = ODD.flatMap(([mark, word]) => {
    const number = counts.get(mark) ?? 0;
    return number === 0 ? [] : [`${count(number)} ${word}`];
  });
  const isOpenEnded = items.total === null && counts.has('run');
  return [isOpenEnded ? `${count(done)} done` : `${count(done)} of ${count(loopTotal(items))}`, ...odd].join(' · ');
}

const ODD: readonly [Mark, string][] = [
  ['fail', 'failed'],
  ['undone', 'undone'],
  ['unknown', 'unknown'],
];
