import { isSettled } from './marks.js';
import type { GraphNode, Seq } from './tree.js';

/** When a step is expected to run. Milliseconds since 1970. */
export interface Expected {
  startMs: number;
  endMs: number;
}

/**
 * When the steps that are still to come are expected, by path: each after the one before it, for as long as it usually
 * takes. A gate is expected to be decided now, since nobody knows better; a step of which nothing is known takes no time
 * and is not in the answer.
 * @param now of an open run; nothing is expected of one that has ended.
 */
export function predict(tree: Seq, now: number): { steps: Map<string, Expected>; endMs: number } {
  const steps = new Map<string, Expected>();
  return { steps, endMs: walk(tree, now, now, steps) };
}

function walk(node: GraphNode, from: number, now: number, steps: Map<string, Expected>): number {
  switch (node.type) {
    case 'seq':
      return node.items.reduce((at, item) => walk(item, at, now, steps), from);
    case 'lanes': {
      const ends = node.lanes.filter((lane) => lane.way !== 'off').map((lane) => walk(lane.body, from, now, steps));
      return ends.reduce((latest, end) => Math.max(latest, end), from);
    }
    case 'group':
      return walk(node.body, from, now, steps);
    case 'fold':
      return from;
    case 'leaf':
    case 'loop': {
      if (isSettled(node.mark) || node.usualMs === null || (node.type === 'leaf' && node.kind === 'gate')) return from;
      const startMs = node.startedMs ?? from;
      const endMs = Math.max(now, startMs + node.usualMs);
      if (node.startedMs === null) steps.set(node.path, { startMs, endMs: startMs + node.usualMs });
      return endMs;
    }
  }
}
