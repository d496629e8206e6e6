import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import type { HistoryJson } from '../../src/temporal/history-json.js';

const folder = new URL('./histories/', import.meta.url);
const files = readdirSync(folder);
const page = readFileSync(new URL('../../docs/benchmarks.md', import.meta.url), 'utf8');

/** Events of a recorded run. */
function eventsOf(situation: string): number {
  const file = files.find((name) => name.replace(/^[\d.]+-/, '') === `${situation}.json`) ?? '';
  return (JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as HistoryJson).events.length;
}

const RUN = 'a run: its start, its first decision, its last records and its end';
const ACTION = 'an action or a question to an agent, however often it is tried';
const BESIDE = 'each further action of one moment';
const LOCAL = 'an action that runs in the worker that decides';
const PURE =
  'transform, switch, block, parallel, for_each, handlers, when, outputs, skipped steps, results that a rerun takes over';
const GATE = 'a gate that an update decides';
const SIGNALLED = 'a gate that a signal decides';
const EXPIRED = 'a gate that expires';
const WAIT = 'a wait, or the pause before a block runs again';
const PASSED = 'a wait for a moment that has passed';
const LIMIT = 'the time limit of a `finally`, a block or a cancel, while an action runs under it';
const CANCEL = 'the cancel of an action';

/** What each construct adds to a history (language §8.7), as the page of benchmarks tells it. */
const COST = {
  [RUN]: 6,
  [ACTION]: 6,
  [BESIDE]: 3,
  [LOCAL]: 1,
  [PURE]: 0,
  [GATE]: 8,
  [SIGNALLED]: 7,
  [EXPIRED]: 6,
  [WAIT]: 6,
  [PASSED]: 0,
  [LIMIT]: 2,
  [CANCEL]: 1,
} as const;
type Construct = keyof typeof COST;

/** What happens in recorded runs beside the run itself. */
const SITUATIONS: Record<string, Construct[]> = {
  'transform-only': [PURE],
  action: [ACTION, ACTION, ACTION],
  agent: [ACTION, ACTION],
  retry: [ACTION, ACTION],
  until: [ACTION],
  'until-local': [LOCAL],
  'local-failed': [LOCAL],
  local: [...Array<Construct>(52).fill(LOCAL), ACTION],
  transform: [PURE, ACTION, PURE],
  'when-skipped': [PURE, ACTION],
  switch: [PURE, ACTION],
  'for-each-while': [PURE, ACTION],
  'for-each': [PURE, ACTION, BESIDE, ACTION],
  handled: [ACTION, PURE, ACTION, ACTION],
  block: [PURE, ACTION, ACTION, ACTION, LIMIT, ACTION],
  rerun: [PURE, ACTION, ACTION],
  'gate-approved-by-update': [ACTION, GATE, ACTION],
  'gate-approved-by-signal': [ACTION, SIGNALLED, ACTION],
  'gate-expired': [EXPIRED],
  wait: [WAIT, PASSED, ACTION],
  'block-retried': [ACTION, ACTION, WAIT, ACTION, ACTION],
};

describe('the events of a history', () => {
  it.each(Object.entries(SITUATIONS))('are what the constructs of %s cost', (situation, made) => {
    const expected = made.reduce<number>((sum, construct) => sum + COST[construct], COST[RUN]);
    expect(eventsOf(situation)).toBe(expected);
  });

  // Which results share a decision depends on the moment: all at once, or one after the other. A timer that is
  // open when the run ends is never cancelled.
  it.each([
    ['parallel', 3, 0],
    ['parallel-collect', 2, 0],
    ['parallel-concurrency', 3, 0],
    ['parallel-fail-fast', 2, COST[LIMIT] + COST[CANCEL]],
    ['parallel-join', 3, COST[LIMIT] + COST[CANCEL]],
  ])('of %s are those of its actions, at once or one after the other', (situation, actions, more) => {
    const count = eventsOf(situation) - COST[RUN];
    expect(count).toBeGreaterThanOrEqual(COST[ACTION] + COST[BESIDE] * (actions - 1) + Math.max(more - 1, 0));
    expect(count).toBeLessThanOrEqual(COST[ACTION] * actions + more);
  });

  it('are told on the page of benchmarks', () => {
    const section = /^## History events$(.*?)^## /ms.exec(page)?.[1] ?? '';
    const rows = [...section.matchAll(/^\| (.+?) +\| .*\| (\d+) +\|$/gm)].map(([, what = '', cost]) => [
      what,
      Number(cost),
    ]);
    expect(Object.fromEntries(rows)).toEqual(COST);
  });
});
