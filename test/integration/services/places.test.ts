import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { RunDto } from '../../../src/domain/dtos.js';
import type { Rails } from '../../../src/services/rails.js';
import { RunPlaces } from '../../../src/services/run-places.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller, testNode, type TestNode } from '../../support/node.js';
import { describeWith } from '../../support/parts.js';
import { action, planOf } from '../../support/plans.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testLock, testWorker } from '../../support/worker.js';

const rails: Rails = {
  startsPerMinute: 1_000,
  eventBacklogMs: 604_800_000,
  causeDepth: 8,
  places: { workcell: 1, ci: 1 },
};

let database: TestDatabase;
let node: TestNode;
let worker: Awaited<ReturnType<typeof testWorker>>;

beforeAll(async () => {
  const { address } = await testTemporal();
  database = await freshDatabase({ poolSize: 20 });
  const place = { catalog: database.catalog, address, taskQueue: `places-${randomUUID()}` };
  node = testNode({ ...place, rails });
  worker = await testWorker(place);
});

afterAll(async () => {
  await node.close();
  await worker.stop();
  await database.drop();
});

describeWith('temporal')('runs that wait for a place', () => {
  it('run one after the other when there is one place, and all of them end', async () => {
    const actions = { ...testLock, 'container.exec': { pack: 'core@1.0.0', contract: 'sha256:x' } };
    const plan = planOf([action('say', { action: 't.echo' })], { id: 'bp.cell', actions });
    await node.blueprints.savePlan(caller(), { plan, source: '', debug: {} });
    const places = new RunPlaces(node.access, rails);
    const started = await Promise.all(
      Array.from({ length: 4 }, () => node.runs.create(caller(), { blueprint_ref: 'bp.cell' })),
    );
    const ended = await until('all runs end', async () => {
      await places.sweep();
      const runs = await Promise.all(started.map(({ run_id }) => node.access.runs.get(run_id)));
      return runs.every((run) => run?.status === 'completed') && (runs as RunDto[]);
    });
    const times = ended.map((run) => [run.started_at ?? '', run.completed_at ?? ''] as const).sort();
    for (const [ix, [from]] of times.entries()) if (ix > 0) expect(from >= (times[ix - 1]?.[1] ?? '')).toBe(true);
    expect(await node.access.places.counts('workcell')).toEqual({ running: 0, waiting: 0 });
  });
});
