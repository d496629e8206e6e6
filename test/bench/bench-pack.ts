import { z } from 'zod';
import { defineAction } from '../../src/domain/action.js';
import type { Effect } from '../../src/domain/plan.js';
import { ActionRegistry } from '../../src/registry/registry.js';

/** Told when a step that asked for it (`mark`) begins. */
export type OnMark = (runId: string, path: string, at: number) => void;

/** Milliseconds since the epoch with fractions; comparable between processes of one machine. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

const noop = (name: string, effect: Effect, onMark: OnMark) =>
  defineAction({
    name,
    summary: 'Does nothing.',
    input: z.strictObject({ n: z.int(), mark: z.boolean().optional() }),
    output: z.strictObject({ n: z.int() }),
    traits: { effect, idempotency: effect === 'read' ? 'safe' : 'keyed' },
    errors: {},
    execute: ({ n, mark }, { runId, path }) => {
      if (mark) onMark(runId, path, preciseNow());
      return Promise.resolve({ n });
    },
  });

export const NOOP = { write: 'bench.noop', read: 'bench.look' } as const;

/** Actions that do nothing, one that writes (its attempt is recorded first) and one that reads. */
export function benchActions(onMark: OnMark): ActionRegistry {
  return new ActionRegistry([
    {
      name: 'bench',
      version: '1.0.0',
      actions: [noop(NOOP.write, 'write', onMark), noop(NOOP.read, 'read', onMark)],
    },
  ]);
}
