import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RunProgress } from '../domain/run-page.js';
import { RunPageService, type RunPageDeps } from './run-page.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const STEPS: RunProgress = {
  steps: [],
  loops: [{ path: 'each', states: 'dd', indexes: null }],
  failed: [],
  completed: { touch: 2 },
};

let now = NOW;
let asked: string[] = [];

/** The page of a run that ended at a time, with or without loops. */
function pageOf(completedAt: string | null, loops: RunProgress['loops'] = STEPS.loops): RunPageService {
  const store = {
    load: () => Promise.resolve((asked.push('all'), { ...STEPS, loops, gates: ['then'] })),
    surroundings: () => Promise.resolve((asked.push('around'), { gates: ['now'] })),
    usual: () => Promise.resolve({ runs: 0 }),
  };
  const run = { blueprint_id: 'bp.x', blueprint_version: null, completed_at: completedAt };
  const runs = { get: (id: string) => Promise.resolve({ ...run, run_id: id }) };
  const temporal = { uiUrl: null, namespace: 'default' };
  return new RunPageService({ runs, store, clock: () => now, temporal } as unknown as RunPageDeps);
}

beforeEach(() => {
  now = NOW;
  asked = [];
});

describe('who goes from step to step of a long run that has ended', () => {
  it('has its steps read once in 15 s, and all around them each time', async () => {
    const page = pageOf('2026-11-21T11:00:00Z');
    expect(await page.load('a')).toMatchObject({ ...STEPS, gates: ['then'] });
    expect(await page.load('a')).toMatchObject({ ...STEPS, gates: ['now'] });
    await page.load('b');
    now += 15_000;
    await page.load('a');
    await page.load('a');
    expect(asked).toEqual(['all', 'around', 'all', 'all', 'around']);
  });

  it.each<[string, string | null, RunProgress['loops']]>([
    ['has not ended', null, STEPS.loops],
    ['ended just now: records may still come', '2026-11-21T11:59:30Z', STEPS.loops],
    ['has no loops', '2026-11-21T11:00:00Z', []],
  ])('reads the steps of a run each time that %s', async (_, completedAt, loops) => {
    const page = pageOf(completedAt, loops);
    await page.load('a');
    await page.load('a');
    expect(asked).toEqual(['all', 'all']);
  });
});
