import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { runIdOf, workflowIdOf } from '../../../src/domain/ids.js';
import { describeWith } from '../../support/parts.js';
import { action, planOf, transform } from '../../support/plans.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller, testNode, type TestNode } from '../../support/node.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testLock, testWorker } from '../../support/worker.js';

let database: TestDatabase;
let address: string;
/** Accepts events, and never drains the outbox: like an API process that dies right after its commit. */
let mute: TestNode;
let worker: Awaited<ReturnType<typeof testWorker>>;
const taskQueue = `dispatch-${randomUUID()}`;

beforeAll(async () => {
  ({ address } = await testTemporal());
  database = await freshDatabase({ poolSize: 20 });
  mute = testNode({ catalog: database.catalog, address, taskQueue, dispatch: false });
  worker = await testWorker({ catalog: database.catalog, address, taskQueue });
  const plan = planOf([transform('note', [['seen', true]])], {
    id: 'bp.one',
    triggers: [{ kind: 'event', event: 'work.came' }],
  });
  await mute.blueprints.savePlan(caller(), { plan, source: '', debug: {} });
});

afterAll(async () => {
  await mute.close();
  await worker.stop();
  await database.drop();
});

const query = async <T>(sql: string, values: unknown[] = []): Promise<T[]> =>
  (await database.catalog.pool.query(sql, values)).rows as T[];
const open = async (): Promise<number> =>
  (await query<{ n: number }>("SELECT count(*)::int AS n FROM runs WHERE status IN ('created', 'running')"))[0]?.n ??
  -1;

async function emitMany(count: number): Promise<string[]> {
  const runIds: string[] = [];
  for (let left = count; left > 0; left -= 10) {
    const batch = await Promise.all(
      Array.from({ length: Math.min(10, left) }, () =>
        mute.events.emit(caller(), { event_name: 'work.came', data: {} }),
      ),
    );
    runIds.push(...batch.map((event) => event.verdicts[0]?.run_id ?? ''));
  }
  return runIds;
}

describeWith('temporal')('dispatcher', () => {
  it('starts what a process left that died between commit and start', async () => {
    const [runId = ''] = await emitMany(1);
    expect((await mute.runs.get(runId)).waiting_on).toMatchObject([{ kind: 'start' }]);
    const next = testNode({ catalog: database.catalog, address, taskQueue });
    try {
      await until('the run ends', async () => (await mute.runs.get(runId)).status === 'completed');
    } finally {
      await next.close();
    }
  });

  it('takes over a start whose dispatcher died after its claim, also when the workflow was started', async () => {
    const [started = '', claimed = ''] = await emitMany(2);
    await query('UPDATE events SET matched_at = now() WHERE run_id = ANY($1)', [[started, claimed]]);
    const [row] = await mute.access.runs.toStart([started]);
    const plan = await mute.access.blueprints.version('bp.one', 1);
    await mute.gateway.start({
      runId: started,
      plan: plan!.plan,
      name: 'x',
      blueprintId: 'bp.one',
      version: '1',
      envId: 'local',
      correlationId: row!.run.correlation_id,
      start: {
        inputs: {},
        event: null,
        env: row!.env,
        run: {
          id: started,
          blueprint: 'bp.one',
          version: '1',
          digest: row!.run.digest,
          actor: 'ann',
          trigger: 'work.came',
          started_at: new Date().toISOString(),
          correlation_id: row!.run.correlation_id,
        },
      },
    });
    const next = testNode({ catalog: database.catalog, address, taskQueue });
    try {
      await until('both runs end', async () => (await open()) === 0);
      await until('nothing is left in the outbox', async () => {
        const rows = await query('SELECT 1 FROM events WHERE dispatched_at IS NULL');
        return rows.length === 0;
      });
    } finally {
      await next.close();
    }
  });

  it('drains 80 events with two dispatchers: every run once', async () => {
    const runIds = await emitMany(80);
    expect(new Set(runIds).size).toBe(80);
    const [one, two] = [1, 2].map(() => testNode({ catalog: database.catalog, address, taskQueue }));
    try {
      await until('all runs start', async () => {
        const rows = await query("SELECT 1 FROM runs WHERE dispatched_at IS NULL AND status = 'created'");
        return rows.length === 0;
      });
      await until('all runs end', async () => (await open()) === 0, 60_000);
      const created = await query<{ n: number }>(
        "SELECT count(*)::int AS n FROM events WHERE event_name = 'xyn.run.created' AND run_id = ANY($1)",
        [runIds],
      );
      expect(created[0]?.n).toBe(80);
      const ended = await query<{ n: number }>(
        "SELECT count(*)::int AS n FROM events WHERE event_name = 'xyn.run.completed' AND run_id = ANY($1)",
        [runIds],
      );
      expect(ended[0]?.n).toBe(80);
    } finally {
      await Promise.all([one!.close(), two!.close()]);
    }
  }, 120_000);

  it('fails a run whose stored plan was changed', async () => {
    const plan = planOf([action('fix', { action: 't.echo' })], { id: 'bp.changed', actions: testLock });
    await mute.blueprints.savePlan(caller(), { plan, source: '', debug: {} });
    const run = await mute.runs.create(caller(), { blueprint_ref: 'bp.changed' });
    const { default: pg } = await import('pg');
    const owner = new pg.Client({ connectionString: database.ownerUrl });
    await owner.connect();
    await owner.query(
      `UPDATE blueprint_versions SET plan = jsonb_set(plan, '{nodes,0,effect}', '"read"') WHERE blueprint_id = 'bp.changed'`,
    );
    await owner.end();
    const next = testNode({ catalog: database.catalog, address, taskQueue });
    try {
      const failed = await until('the run fails', async () => {
        const now = await mute.runs.get(run.run_id);
        return now.status === 'failed' && now;
      });
      expect(failed.error).toMatchObject({ code: 'plan_digest_mismatch' });
      expect(await next.gateway.describe(run.run_id)).toMatchObject({ status: 'not_found' });
    } finally {
      await next.close();
    }
  });

  it('keeps what it cannot start while Temporal is away, and names runs by their event', async () => {
    const away = testNode({ catalog: database.catalog, address: '127.0.0.1:9', taskQueue });
    const event = await away.events.emit(caller(), { event_name: 'work.came', data: {} });
    const runId = event.verdicts[0]?.run_id ?? '';
    expect(runId).toBe(runIdOf(event.event_id, 'bp.one'));
    await until('the outbox row is claimed', async () => {
      const rows = await query('SELECT 1 FROM events WHERE run_id = $1 AND matched_at IS NOT NULL', [runId]);
      return rows.length > 0;
    });
    expect((await away.runs.get(runId)).waiting_on).toMatchObject([{ kind: 'start' }, { kind: 'unknown' }]);
    await away.close();
    const back = testNode({ catalog: database.catalog, address, taskQueue });
    try {
      await until('the run ends', async () => (await mute.runs.get(runId)).status === 'completed');
    } finally {
      await back.close();
    }
    expect(workflowIdOf(runId)).toBe(`run/${runId}`);
  });

  it('starts soon after the event is accepted', async () => {
    const fast = testNode({ catalog: database.catalog, address, taskQueue });
    const samples: number[] = [];
    try {
      await until('the dispatcher is idle', async () => (await open()) === 0);
      for (let n = 0; n < 10; n += 1) {
        const event = await fast.events.emit(caller(), { event_name: 'work.came', data: { n } });
        const accepted = Date.now();
        const runId = event.verdicts[0]?.run_id ?? '';
        await until('the run ends', async () => (await open()) === 0);
        const history = await fast.gateway.history(runId);
        const time = history?.events?.[0]?.eventTime;
        samples.push(Number(time?.seconds) * 1000 + (time?.nanos ?? 0) / 1e6 - accepted);
      }
    } finally {
      await fast.close();
    }
    // A process that has to look for it takes a second. The best of ten, for busy machines; the benchmark has the figure.
    expect(Math.min(...samples)).toBeLessThan(200);
  });
});
