import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import type { ScheduleTrigger } from '../../../src/domain/plan.js';
import { runIdOf } from '../../../src/domain/ids.js';
import { scheduleEventIdOf } from '../../../src/domain/schedule.js';
import type { RunDto, ScheduleDetailDto } from '../../../src/domain/dtos.js';
import { ScheduleGateway } from '../../../src/temporal/schedules.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller, testEnv, testNode, type TestNode } from '../../support/node.js';
import { describeWith } from '../../support/parts.js';
import { gate, planOf, transform } from '../../support/plans.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testWorker } from '../../support/worker.js';

let database: TestDatabase;
let address: string;
let connection: Connection;
let node: TestNode;
let worker: Awaited<ReturnType<typeof testWorker>>;
const taskQueue = `schedules-${randomUUID()}`;
/** Other tests use the same server. */
const own = randomUUID().slice(0, 8);

beforeAll(async () => {
  ({ address } = await testTemporal());
  database = await freshDatabase({ poolSize: 20 });
  node = testNode({ catalog: database.catalog, address, taskQueue, sync: true });
  worker = await testWorker({ catalog: database.catalog, address, taskQueue });
  connection = await Connection.connect({ address });
});

afterAll(async () => {
  for (const { schedule_id: id } of await node.schedules.list()) await node.gateway.schedules.remove(testEnv.id, id);
  await node.close();
  await worker.stop();
  await connection.close();
  await database.drop();
});

type Spec = Partial<ScheduleTrigger>;
const nightly: Spec = { cron: '0 3 * * *', timezone: 'Europe/Berlin' };
const seldom: Spec = { cron: '0 0 29 2 *', timezone: 'UTC' };
/** Of gRPC. */
const UNAVAILABLE = 14;
const idOf = (name: string): string => `bp.${name}.x${own}`;

async function apply(name: string, specs: Spec[], steps = [transform('note', [['seen', true]])] as never[]) {
  const triggers = specs.map((spec): ScheduleTrigger => ({ kind: 'schedule', catchup_ms: 600_000, ...spec }));
  const plan = planOf(steps, { id: idOf(name), triggers });
  return node.blueprints.savePlan(caller(), { plan, source: `id: ${plan.id}`, debug: {} });
}
const applied = (id: string): Promise<ScheduleDetailDto> =>
  until('the schedule is applied', async () => {
    const one = await node.schedules.get(id);
    return one.sync.state === 'applied' && one.counts !== null && one;
  });
const runOf = (id: string, status: RunDto['status']): Promise<RunDto> =>
  until(`run ${status}`, async () => {
    const run = await node.access.runs.get(id);
    return run?.status === status && run;
  });
const describeRaw = (id: string) =>
  connection.workflowService
    .describeSchedule({ namespace: 'default', scheduleId: `schedule/${testEnv.id}/${id}` })
    .catch(() => undefined);
const audits = async (id: string): Promise<string[]> => {
  const { rows } = await database.catalog.pool.query<{ what: string }>(
    `SELECT action || ' by ' || actor || coalesce(': ' || reason, '') AS what FROM audit_log
     WHERE resource_id = $1 ORDER BY at`,
    [id],
  );
  return rows.map(({ what }) => what);
};

describeWith('temporal')('a schedule', () => {
  it('is made at apply, edited in place, removed without its trigger, and comes back as it was', async () => {
    const id = `${idOf('life')}:1`;
    await apply('life', [nightly]);
    expect(await applied(id)).toMatchObject({ cron: '0 3 * * *', overlap: 'skip', catchup: '10m', is_paused: false });
    const first = await describeRaw(id);
    await apply('life', [{ ...nightly, cron: '30 4 * * *', timezone: 'Asia/Tokyo', overlap: 'queue_one' }]);
    await applied(id);
    const raw = await describeRaw(id);
    expect(raw?.schedule?.spec).toMatchObject({
      timezoneName: 'Asia/Tokyo',
      structuredCalendar: [{ minute: [{ start: 30 }], hour: [{ start: 4 }] }],
    });
    expect(raw?.info?.createTime).toEqual(first?.info?.createTime);
    expect((await node.schedules.list({ blueprint_id: idOf('life') })).map((one) => one.schedule_id)).toEqual([id]);

    await apply('life', []);
    await until('Temporal has none', async () => (await describeRaw(id)) === undefined);
    expect(await node.schedules.list({ blueprint_id: idOf('life') })).toEqual([]);
    // What is the same as it was when it went is the same schedule; another one is new.
    await apply('life', [{ ...nightly, cron: '30 4 * * *', timezone: 'Asia/Tokyo', overlap: 'queue_one' }]);
    expect(await applied(id)).toMatchObject({ cron: '30 4 * * *' });
    await apply('life', []);
    await apply('life', [nightly]);
    expect(await applied(`${idOf('life')}:2`)).toMatchObject({ cron: '0 3 * * *' });
  });

  it('keeps its id beside others that come, go and change places', async () => {
    const [one, two] = [`${idOf('pair')}:1`, `${idOf('pair')}:2`];
    await apply('pair', [nightly, { every_ms: 3_600_000 }]);
    await node.schedules.pause(caller(), two, 'quiet');
    await apply('pair', [{ every_ms: 3_600_000 }, nightly, seldom]);
    const rows = await node.schedules.list({ blueprint_id: idOf('pair') });
    expect(rows.map(({ schedule_id, every, is_paused }) => [schedule_id, every, is_paused])).toEqual([
      [two, '1h', true],
      [one, null, false],
      [`${idOf('pair')}:3`, null, false],
    ]);
  });

  it('starts exactly the run of its own entry, for its nominal time', async () => {
    const id = `${idOf('fires')}:1`;
    await apply('fires', [seldom, nightly]);
    await applied(id);
    await applied(`${idOf('fires')}:2`);
    const fired = await node.schedules.trigger(caller(), id, {});
    const run = await runOf(fired.run_id, 'completed');
    expect(run).toMatchObject({ trigger: 'xyn.schedule.fired', actor: `schedule:${id}`, event_id: fired.event_id });
    const event = await node.events.get(fired.event_id);
    expect(event.data).toEqual({ schedule_id: id, blueprint_id: idOf('fires'), scheduled_at: fired.scheduled_at });
    expect(event.verdicts).toEqual([
      expect.objectContaining({ blueprint_id: idOf('fires'), verdict: 'started', detail: { trigger: 0 } }),
    ]);
    const snapshot = await node.gateway.snapshot(run.run_id);
    expect(snapshot?.state.run.scheduled_at).toBe(fired.scheduled_at);
    const shown = await until('the count', async () => {
      const one = await node.schedules.get(id);
      return (one.counts?.started ?? 0) > 0 && one;
    });
    expect(shown.runs).toEqual([expect.objectContaining({ run_id: run.run_id, scheduled_at: fired.scheduled_at })]);
    expect((await node.schedules.get(`${idOf('fires')}:2`)).runs).toEqual([]);
  });

  it('fires by itself', async () => {
    const id = `${idOf('often')}:1`;
    await apply('often', [{ every_ms: 1_000 }]);
    const runs = await until('two runs', async () => {
      const { runs } = await node.schedules.get(id);
      return runs.filter((run) => run.status === 'completed').length >= 2 && runs;
    });
    expect(new Set(runs.map((run) => run.scheduled_at)).size).toBe(runs.length);
    await node.schedules.pause(caller(), id, 'enough');
  });

  it('stays paused over restarts and edits, still fires by hand, and tells who paused it and why', async () => {
    const id = `${idOf('paused')}:1`;
    await apply('paused', [seldom]);
    const paused = await node.schedules.pause(caller('bea'), id, 'the disk is being changed');
    expect(paused).toMatchObject({ is_paused: true, pause: { by: 'bea', note: 'the disk is being changed' } });
    expect((await describeRaw(id))?.schedule?.state).toMatchObject({
      paused: true,
      notes: 'the disk is being changed',
    });
    await apply('paused', [{ ...seldom, timezone: 'Asia/Tokyo' }]);
    const later = testNode({ catalog: database.catalog, address, taskQueue, sync: true });
    await applied(id);
    await later.sync.pass();
    await later.close();
    expect((await describeRaw(id))?.schedule?.state?.paused).toBe(true);
    const fired = await node.schedules.trigger(caller(), id, {});
    await runOf(fired.run_id, 'completed');
    expect(await node.schedules.resume(caller('bea'), id)).toMatchObject({ is_paused: false, pause: null });
    expect((await describeRaw(id))?.schedule?.state?.paused).toBe(false);
    expect(await audits(id)).toEqual([
      'schedule.pause by bea: the disk is being changed',
      'schedule.trigger by ann',
      'schedule.resume by bea',
    ]);
  });

  it("takes over a pause from Temporal's own screens, and makes again what was deleted there", async () => {
    const id = `${idOf('elsewhere')}:1`;
    await apply('elsewhere', [seldom]);
    await applied(id);
    await database.catalog.pool.query(
      `UPDATE schedules SET applied_at = now() - interval '1 hour' WHERE schedule_id = $1`,
      [id],
    );
    const scheduleId = `schedule/${testEnv.id}/${id}`;
    const { workflowService } = connection;
    await workflowService.patchSchedule({ namespace: 'default', scheduleId, patch: { pause: 'by hand' } });
    const compare = (what: string, is: (one: ScheduleDetailDto) => boolean) =>
      until(what, async () => {
        const looking = testNode({ catalog: database.catalog, address, taskQueue });
        await looking.sync.pass();
        await looking.close();
        const one = await node.schedules.get(id);
        return is(one) && one;
      });
    const found = await compare('the pause is seen', (one) => one.is_paused);
    expect(found.pause).toMatchObject({ by: 'temporal-ui', note: 'by hand' });
    expect(await audits(id)).toEqual(['schedule.pause by temporal-ui: by hand']);
    await workflowService.deleteSchedule({ namespace: 'default', scheduleId });
    await until('it is there again', async () => {
      await compare('look', () => true);
      return (await describeRaw(id))?.schedule?.state?.paused === true;
    });
  });
});

describeWith('temporal')('while Temporal is away', () => {
  it('a schedule is kept and says so, a trigger is refused, and all of it follows when Temporal is back', async () => {
    const id = `${idOf('away')}:1`;
    const cut = testNode({ catalog: database.catalog, address: '127.0.0.1:1', taskQueue });
    const triggers: ScheduleTrigger[] = [{ kind: 'schedule', catchup_ms: 600_000, ...seldom }];
    const plan = planOf([transform('note', [['seen', true]])], { id: idOf('away'), triggers });
    await cut.blueprints.savePlan(caller(), { plan, source: `id: ${plan.id}`, debug: {} });
    await expect(cut.schedules.trigger(caller(), id, { idempotencyKey: 'away' })).rejects.toMatchObject({
      code: 'temporal_unavailable',
      retryable: true,
    });
    const shown = await cut.schedules.get(id);
    expect([shown.counts, shown.next.length]).toEqual([null, 10]);
    await cut.close();
    await applied(id);
    const fired = await node.schedules.trigger(caller(), id, { idempotencyKey: 'away' });
    await runOf(fired.run_id, 'completed');
    expect(await audits(id)).toEqual(['schedule.trigger by ann']);
  });
});

describeWith('temporal')('overlap', () => {
  const waits = [gate('hold')] as never[];
  const open = async (id: string) => {
    const fired = await node.schedules.trigger(caller(), id, {});
    await runOf(fired.run_id, 'running');
    await nextSecond(fired);
    return fired;
  };
  /** Another time needs another second. */
  const nextSecond = (fired: { scheduled_at: string }) =>
    until('the next second', () => Date.now() > Date.parse(fired.scheduled_at) + 1_000);
  const skippedOf = async (id: string): Promise<number> =>
    until('the counts', async () => (await node.schedules.get(id)).counts?.skipped);

  it('skip leaves the open run alone', async () => {
    const id = `${idOf('skip')}:1`;
    await apply('skip', [seldom], waits);
    await applied(id);
    const first = await open(id);
    const second = await node.schedules.trigger(caller(), id, {});
    await until('it is counted', async () => (await skippedOf(id)) === 1);
    expect(await node.access.runs.get(second.run_id)).toBeUndefined();
    await node.runs.cancel(caller(), first.run_id, 'done');
    await runOf(first.run_id, 'cancelled');
    await nextSecond(second);
    // As soon as the tick has seen the end, the next time starts.
    const third = await until('it starts again', async () => {
      const skipped = await skippedOf(id);
      const fired = await node.schedules.trigger(caller(), id, {});
      const became = await until('a run, or none', async () => {
        if ((await node.access.runs.get(fired.run_id)) !== undefined) return 'run';
        return (await skippedOf(id)) > skipped && 'skipped';
      });
      await nextSecond(fired);
      return became === 'run' && fired;
    });
    await node.runs.cancel(caller(), third.run_id, 'done');
  });

  it('cancel_other cancels the open run and then starts', async () => {
    const id = `${idOf('other')}:1`;
    await apply('other', [{ ...seldom, overlap: 'cancel_other' }], waits);
    await applied(id);
    const first = await open(id);
    const second = await node.schedules.trigger(caller(), id, {});
    const cancelling = node.cancels;
    await until('cancelled', async () => {
      await cancelling.sweep();
      return (await node.access.runs.get(first.run_id))?.status === 'cancelled';
    });
    await runOf(second.run_id, 'running');
    expect(await audits(first.run_id)).toContainEqual(
      'run.cancel by schedule: The schedule came due again, or its tick was cancelled.',
    );
    await node.runs.cancel(caller(), second.run_id, 'done');
  });

  it('queue_one runs the next one after the open one', async () => {
    const id = `${idOf('queue')}:1`;
    await apply('queue', [{ ...seldom, overlap: 'queue_one' }], waits);
    await applied(id);
    const first = await open(id);
    const second = await node.schedules.trigger(caller(), id, {});
    await node.runs.cancel(caller(), first.run_id, 'done');
    await runOf(second.run_id, 'running');
    await node.runs.cancel(caller(), second.run_id, 'done');
  });
});

describeWith('temporal')('by hand', () => {
  it('a key triggers once, with one body', async () => {
    const id = `${idOf('keyed')}:1`;
    await apply('keyed', [seldom]);
    const key = randomUUID();
    const [one, two] = await Promise.all(
      [1, 2].map(() => node.schedules.trigger(caller(), id, { idempotencyKey: key })),
    );
    expect(two).toEqual(one);
    await runOf((one as { run_id: string }).run_id, 'completed');
    expect((await node.schedules.get(id)).runs).toHaveLength(1);
    await expect(node.schedules.trigger(caller(), id, { idempotencyKey: key, overlap: 'allow' })).rejects.toMatchObject(
      { code: 'idempotency_mismatch' },
    );
    expect(await audits(id)).toEqual(['schedule.trigger by ann']);
  });

  it('is sent again when the answer is lost, and fires once', async () => {
    const id = `${idOf('lost')}:1`;
    await apply('lost', [seldom]);
    await applied(id);
    let calls = 0;
    const client = new Client({ connection });
    const gateway = new ScheduleGateway({
      ...{ client, namespace: 'default', taskQueue },
      async bounded(_deadlineMs, call) {
        const answer = await call();
        calls += 1;
        if (calls > 1) return answer;
        throw Object.assign(new Error('gone'), { code: UNAVAILABLE, details: 'gone', metadata: {} });
      },
    });
    const at = new Date();
    await gateway.trigger(testEnv.id, id, { id: randomUUID(), at, overlap: 'allow' });
    await runOf(runIdOf(scheduleEventIdOf(testEnv.id, id, at), idOf('lost')), 'completed');
    expect([calls, (await node.schedules.get(id)).counts?.started]).toEqual([2, 1]);
  });

  it('a backfill tells its times first, runs each once, and passes over those that ran', async () => {
    const id = `${idOf('fill')}:1`;
    await apply('fill', [nightly]);
    await applied(id);
    const range = { from: '2026-10-24T00:00:00Z', to: '2026-10-26T23:00:00Z' };
    const planned = await node.schedules.backfill(caller(), id, { ...range, dry_run: true });
    expect(planned.times.map(({ local, is_known }) => [local, is_known])).toEqual([
      ['2026-10-24T03:00:00+02:00', false],
      ['2026-10-25T03:00:00+01:00', false],
      ['2026-10-26T03:00:00+01:00', false],
    ]);
    expect(await audits(id)).toEqual([]);
    const done = await node.schedules.backfill(caller(), id, { ...range, dry_run: false });
    for (const { run_id: runId } of done.times) await runOf(runId, 'completed');
    const { runs } = await node.schedules.get(id);
    expect(runs.map((run) => run.scheduled_at)).toEqual(planned.times.map((time) => time.scheduled_at).reverse());
    const again = await node.schedules.backfill(caller(), id, { ...range, dry_run: true });
    expect(again.times.every((time) => time.is_known)).toBe(true);
    await node.schedules.backfill(caller(), id, { ...range, dry_run: false });
    await until('all were taken again', async () => ((await node.schedules.get(id)).counts?.started ?? 0) >= 6);
    expect((await node.schedules.get(id)).runs).toHaveLength(3);
  });

  it('refuses what is not in the past, too much, or not there', async () => {
    const id = `${idOf('refuse')}:1`;
    await apply('refuse', [{ every_ms: 60_000 }]);
    const fill = (from: string, to: string) => node.schedules.backfill(caller(), id, { from, to, dry_run: true });
    await expect(fill('2026-01-01T00:00:00Z', '2026-01-01T01:39:00Z')).resolves.toMatchObject({ schedule_id: id });
    await expect(fill('2026-01-01T00:00:00Z', '2026-01-01T01:40:00Z')).rejects.toMatchObject({
      code: 'backfill_limit',
    });
    await expect(fill('2026-01-01T00:00:00Z', '2999-01-01T00:00:00Z')).rejects.toMatchObject({ code: 'range_invalid' });
    await expect(fill('2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z')).rejects.toMatchObject({ code: 'range_invalid' });
    await expect(node.schedules.get('bp.none:1')).rejects.toMatchObject({ code: 'schedule_not_found' });
    await node.schedules.pause(caller(), id, 'too often');
  });
});

describe('ids', () => {
  it('name a time of a schedule of an environment', () => {
    const at = new Date('2026-11-21T03:00:00.700Z');
    const eventId = scheduleEventIdOf('local', 'bp.x:1', at);
    expect(eventId).toBe(scheduleEventIdOf('local', 'bp.x:1', new Date('2026-11-21T03:00:00Z')));
    expect(eventId).not.toBe(scheduleEventIdOf('other', 'bp.x:1', at));
    expect(runIdOf(eventId, 'bp.x')).toMatch(/^[0-9a-f-]{36}$/);
  });
});
