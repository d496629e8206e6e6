import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { connectCatalog, type Catalog } from '../../../src/catalog/connect.js';
import { catalogAccess } from '../../../src/catalog/unit-of-work.js';
import { runIdOf } from '../../../src/domain/ids.js';
import type { JsonObject } from '../../../src/domain/json.js';
import type { Dedupe, Plan, Trigger } from '../../../src/domain/plan.js';
import { HeldStarts } from '../../../src/services/held-starts.js';
import type { MatchedEvent } from '../../../src/services/matching.js';
import { PlanCache } from '../../../src/services/plan-cache.js';
import type { Rails } from '../../../src/services/rails.js';
import { matchAndCreate } from '../../../src/services/run-creation.js';
import { RunPlaces } from '../../../src/services/run-places.js';
import { asAdmin, freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller, silentLog, testEnv, testNode, type TestNode } from '../../support/node.js';
import { planOf, transform } from '../../support/plans.js';
import { until } from '../../support/until.js';

const DAY_MS = 86_400_000;
const rails: Rails = {
  startsPerMinute: 10,
  eventBacklogMs: 7 * DAY_MS,
  causeDepth: 8,
  places: { workcell: 3, ci: 1 },
};

/** Two API processes over one database; nothing drains the outbox. */
let database: TestDatabase;
let catalogs: Catalog[] = [];
let nodes: TestNode[] = [];

beforeAll(async () => {
  database = await freshDatabase();
});

afterAll(() => database.drop());

beforeEach(async () => {
  const tables =
    'events, event_verdicts, runs, held_starts, run_places, blueprints, blueprint_versions, blueprint_triggers';
  await asAdmin(database.ownerUrl, [`TRUNCATE ${tables}`]);
  catalogs = [1, 2].map(() => connectCatalog({ url: database.url, applicationName: 'xyn-test' }));
  nodes = catalogs.map((catalog) => nodeOver(catalog));
});

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await Promise.all(catalogs.map((catalog) => catalog.close()));
});

function nodeOver(catalog: Catalog, dispatch = false): TestNode {
  return testNode({ catalog, address: '127.0.0.1:9', taskQueue: 'none', dispatch, rails });
}

function heldOf(catalog: Catalog, over: Partial<PlanCache> = {}): HeldStarts {
  const access = catalogAccess(catalog);
  const plans = Object.assign(new PlanCache(access.blueprints), over);
  return new HeldStarts({ catalog: access, plans, env: testEnv, clock: Date.now, log: silentLog, rails });
}

const query = async <T>(sql: string, values: unknown[] = []): Promise<T[]> =>
  (await database.catalog.pool.query(sql, values)).rows as T[];
const count = async (from: string): Promise<number> =>
  (await query<{ n: number }>(`SELECT count(*)::int AS n FROM ${from}`))[0]?.n ?? -1;

async function save(
  id: string,
  event: string,
  { dedupe, ...more }: { actions?: Plan['actions']; dedupe?: Dedupe } = {},
): Promise<void> {
  const triggers: Trigger[] = [{ kind: 'event', event, ...(dedupe === undefined ? {} : { dedupe }) }];
  const plan = planOf([transform('note', [['seen', true]])], { id, triggers, ...more });
  await nodes[0]?.blueprints.savePlan(caller(), { plan, source: '', debug: {} });
}

const nodeOf = (ix: number): TestNode => nodes[ix % 2] as TestNode;

/** Sends events to both processes at once; the verdict of each. */
async function emit(times: number, name = 'work.came'): Promise<string[]> {
  const sent = Array.from({ length: times }, (_, ix) =>
    nodeOf(ix).events.emit(caller(), { event_name: name, data: { ix } }),
  );
  return (await Promise.all(sent)).map((event) => event.verdicts[0]?.verdict ?? 'none');
}

const times = (list: readonly string[], one: string): number => list.filter((item) => item === one).length;
/** The minute of all starts so far is over. */
const aMinuteLater = (): Promise<unknown> => query("UPDATE runs SET created_at = created_at - interval '61 s'");

describe('starts of one blueprint', () => {
  beforeEach(() => save('bp.work', 'work.came'));

  it('are as many in a minute as are allowed, and not one more, over all processes', async () => {
    const verdicts = await emit(30);
    expect([times(verdicts, 'started'), times(verdicts, 'backlog')]).toEqual([10, 20]);
    expect(await count('runs')).toBe(10);
    expect(await count('held_starts')).toBe(20);
  });

  it('at the limit are all made; one above is held', async () => {
    for (let ix = 0; ix < 10; ix += 1) expect(await emit(1)).toEqual(['started']);
    expect(await emit(1)).toEqual(['backlog']);
    const [event] = await query<{ event_id: string }>('SELECT event_id FROM held_starts');
    const shown = await nodes[0]?.events.get(event?.event_id ?? '');
    expect(shown?.verdicts).toMatchObject([
      { verdict: 'backlog', run_id: null, detail: { starts_per_minute: 10, expires_at: expect.any(String) } },
    ]);
  });

  it('of another blueprint are not held', async () => {
    await emit(11);
    await save('bp.other', 'other.came');
    expect(await emit(1, 'other.came')).toEqual(['started']);
  });

  it('that were held happen in the order of their events, every one once, also when two processes release them', async () => {
    await emit(35);
    const held = catalogs.map((catalog) => heldOf(catalog));
    const waiting = await query<{ event_id: string }>('SELECT event_id FROM held_starts ORDER BY seq');
    await Promise.all(held.map((one) => one.sweep()));
    expect(await count('runs')).toBe(10);
    await aMinuteLater();
    // Somebody who comes now does not pass those who wait.
    expect(await emit(1)).toEqual(['backlog']);
    await Promise.all(held.map((one) => one.sweep()));
    expect(await count('runs')).toBe(20);
    const left = await query<{ event_id: string }>('SELECT event_id FROM held_starts ORDER BY seq');
    expect(left.slice(0, 15)).toEqual(waiting.slice(10));
    for (let round = 0; round < 2; round += 1) {
      await aMinuteLater();
      await Promise.all(held.map((one) => one.sweep()));
    }
    expect([await count('runs'), await count('held_starts')]).toEqual([36, 0]);
    const verdicts = await query<{ event_id: string; verdict: string; run_id: string | null }>(
      'SELECT * FROM event_verdicts',
    );
    for (const { event_id, verdict, run_id } of verdicts.filter((one) => one.run_id !== null)) {
      expect([verdict, run_id]).toEqual(['started', runIdOf(event_id, 'bp.work')]);
    }
    expect(await count("events WHERE event_name = 'xyn.run.created' AND dispatched_at IS NULL")).toBe(36);
    expect(await count("audit_log JOIN runs USING (run_id) WHERE action = 'run.create'")).toBe(36);
  });

  it('stay held when the process dies that was about to release them', async () => {
    await emit(12);
    await aMinuteLater();
    const dying = heldOf(catalogs[0] as Catalog, { get: () => Promise.reject(new Error('killed')) });
    await dying.sweep();
    expect([await count('runs'), await count('held_starts')]).toEqual([10, 2]);
    await heldOf(catalogs[1] as Catalog).sweep();
    expect([await count('runs'), await count('held_starts')]).toEqual([12, 0]);
  });

  it('that were held for too long never happen, and the verdict says so', async () => {
    await emit(11);
    const [event] = await query<{ event_id: string }>(
      "UPDATE held_starts SET expires_at = now() - interval '1 s' RETURNING event_id",
    );
    await aMinuteLater();
    await heldOf(catalogs[0] as Catalog).sweep();
    expect([await count('runs'), await count('held_starts')]).toEqual([10, 0]);
    const shown = await nodes[0]?.events.get(event?.event_id ?? '');
    expect(shown?.verdicts).toMatchObject([{ verdict: 'backlog', run_id: null, detail: { expired: true } }]);
    expect(await query("SELECT * FROM audit_log WHERE action = 'start.expire'")).toMatchObject([
      {
        actor: 'system',
        resource_type: 'event',
        resource_id: event?.event_id,
        after: { blueprint_id: 'bp.work' },
        correlation_id: shown?.correlation_id,
      },
    ]);
  });

  it('that were held for too long stay held while the audit trail takes nothing', async () => {
    await emit(11);
    await query("UPDATE held_starts SET expires_at = now() - interval '1 s'");
    await asAdmin(database.ownerUrl, [
      "ALTER TABLE audit_log ADD CONSTRAINT closed CHECK (action <> 'start.expire') NOT VALID",
    ]);
    await heldOf(catalogs[0] as Catalog).sweep();
    expect(await count('held_starts')).toBe(1);
    await asAdmin(database.ownerUrl, ['ALTER TABLE audit_log DROP CONSTRAINT closed']);
    await heldOf(catalogs[0] as Catalog).sweep();
    expect(await count('held_starts')).toBe(0);
  });

  it('that were held go by what the blueprint is when they happen', async () => {
    await emit(11);
    await aMinuteLater();
    await query("UPDATE blueprints SET enabled = false WHERE blueprint_id = 'bp.work'");
    await heldOf(catalogs[0] as Catalog).sweep();
    expect([await count('runs'), await count('held_starts')]).toEqual([10, 0]);
    expect(await count("event_verdicts WHERE verdict = 'disabled'")).toBe(1);
  });
});

describe('events that are the same to a trigger', () => {
  const key: Dedupe['key'] = { $: ['.', ['.', ['v', 'event'], 'data'], 'host'] };
  const minutesLater = (minutes: number): Promise<unknown> =>
    query("UPDATE runs SET created_at = created_at - $1 * interval '1 min'", [minutes]);
  const endAll = (): Promise<unknown> => query("UPDATE runs SET status = 'completed', completed_at = now()");
  const verdictOf = async (host: unknown, ix = 0) => {
    const data = { host } as JsonObject;
    return (await nodeOf(ix).events.emit(caller(), { event_name: 'alert.came', data })).verdicts[0];
  };

  it('start one run while it is open, over all processes, and every other one says which', async () => {
    await save('bp.alert', 'alert.came', { dedupe: { key, open: true } });
    const verdicts = await Promise.all(Array.from({ length: 30 }, (_, ix) => verdictOf('web-1', ix)));
    const [started, ...more] = verdicts.filter((one) => one?.verdict === 'started');
    expect(more).toEqual([]);
    for (const one of verdicts.filter((other) => other !== started)) {
      expect(one).toMatchObject({
        verdict: 'duplicate_of',
        run_id: null,
        detail: { trigger: 0, duplicate_of: started?.run_id, key: 'web-1' },
      });
    }
    // What starts nothing takes nobody's place.
    expect(await count('held_starts')).toBe(0);
    expect(await verdictOf('web-2')).toMatchObject({ verdict: 'started' });
    await minutesLater(600);
    expect(await verdictOf('web-1')).toMatchObject({ verdict: 'duplicate_of' });
    await endAll();
    expect(await verdictOf('web-1')).toMatchObject({ verdict: 'started' });
  });

  it('start one run within a time, whether it is open or not', async () => {
    await save('bp.alert', 'alert.came', { dedupe: { key, window_ms: 600_000 } });
    const started = await verdictOf('web-1');
    await endAll();
    await minutesLater(9);
    expect(await verdictOf('web-1')).toMatchObject({ detail: { duplicate_of: started?.run_id } });
    await minutesLater(2);
    expect(await verdictOf('web-1')).toMatchObject({ verdict: 'started' });
  });

  it('are the same by any value, also a long one; without a value they start nothing', async () => {
    await save('bp.alert', 'alert.came', { dedupe: { key, open: true } });
    const long = ['x'.repeat(5_000), { b: 1, a: [2] }];
    expect(await verdictOf(long)).toMatchObject({ verdict: 'started' });
    expect(await verdictOf([long[0] as string, { a: [2], b: 1 }])).toMatchObject({
      verdict: 'duplicate_of',
      detail: { key: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
    });
    expect(await verdictOf(null)).toMatchObject({
      verdict: 'filter_error',
      detail: { trigger: 0, field: 'dedupe', code: 'expression_error' },
    });
  });

  it('stay the same when a start was held: released, it sees the run that began meanwhile', async () => {
    await save('bp.alert', 'alert.came', { dedupe: { key, open: true } });
    for (let ix = 0; ix < 10; ix += 1) await verdictOf(`host-${ix}`);
    expect(await verdictOf('web-1')).toMatchObject({ verdict: 'backlog' });
    expect(await verdictOf('web-1')).toMatchObject({ verdict: 'backlog' });
    await aMinuteLater();
    await heldOf(catalogs[0] as Catalog).sweep();
    expect(await query('SELECT verdict FROM event_verdicts ORDER BY created_at, verdict')).toHaveLength(12);
    expect(await count("event_verdicts WHERE verdict = 'duplicate_of'")).toBe(1);
    expect(await count("runs WHERE dedupe_key = 'web-1'")).toBe(1);
  });

  it('of one transaction start one run, and what is too old to start is nobody before them', async () => {
    await save('bp.alert', 'alert.came', { dedupe: { key, open: true } });
    const catalog = catalogAccess(catalogs[0] as Catalog);
    const subject = (ageMs: number): MatchedEvent => ({
      event: {
        event_id: randomUUID(),
        event_name: 'alert.came',
        occurred_at: new Date(Date.now() - ageMs).toISOString(),
        env_id: testEnv.id,
        actor: 'ann',
        correlation_id: 'c',
        run_id: null,
        step_id: null,
        resource: null,
        data: { host: 'web-1' },
      },
      causeDepth: 0,
    });
    const deps = { plans: new PlanCache(catalog.blueprints), env: testEnv, clock: Date.now, rails };
    const subjects = [subject(8 * DAY_MS), subject(0), subject(0)];
    const { verdicts } = await catalog.transaction((unit) => matchAndCreate(unit, deps, subjects));
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['backlog', 'started', 'duplicate_of']);
    expect(verdicts[2]?.detail).toMatchObject({ duplicate_of: verdicts[1]?.run_id });
    expect(await count('runs')).toBe(1);
  });

  it('are what they were when an event comes again', async () => {
    await save('bp.alert', 'alert.came', { dedupe: { key, open: true } });
    const send = () =>
      nodeOf(0).events.emit(caller(), { event_name: 'alert.came', data: { host: 'web-1' }, idempotencyKey: 'k' });
    const first = await send();
    expect((await send()).verdicts).toEqual(first.verdicts);
    expect(first.verdicts).toMatchObject([{ verdict: 'started' }]);
    // What it would do today is another question.
    expect((await nodeOf(0).events.today(first.event_id)).verdicts).toMatchObject([{ verdict: 'started' }]);
    const second = await nodeOf(0).events.emit(caller(), { event_name: 'alert.came', data: { host: 'web-1' } });
    expect((await nodeOf(0).events.today(second.event_id)).verdicts).toMatchObject([{ verdict: 'duplicate_of' }]);
  });
});

describe('events that nobody handled for long', () => {
  it('start nothing from the bound on, and say so', async () => {
    await save('bp.late', 'late.came');
    const ages = [
      { id: randomUUID(), ageMs: rails.eventBacklogMs - 60_000, verdict: 'started' },
      { id: randomUUID(), ageMs: rails.eventBacklogMs + 1, verdict: 'backlog' },
    ];
    for (const { id, ageMs } of ages) {
      await query(
        `INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, data)
         VALUES ($1, 'late.came', $2, 'local', 'system', 'c', '{}')`,
        [id, new Date(Date.now() - ageMs)],
      );
    }
    const node = nodeOver(catalogs[0] as Catalog, true);
    nodes.push(node);
    for (const { id, verdict } of ages) {
      const [shown] = await until('a verdict', async () => {
        const { verdicts } = await node.events.get(id);
        return verdicts.length > 0 && verdicts;
      });
      expect(shown?.verdict).toBe(verdict);
      expect(shown?.detail).toMatchObject(verdict === 'started' ? {} : { expired: true });
    }
  });
});

describe('runs that use containers', () => {
  const inContainers = { actions: { 'container.exec': { pack: 'core@1.0.0', contract: 'sha256:x' } } };
  const created = "events WHERE event_name = 'xyn.run.created' AND dispatched_at IS NULL";
  beforeEach(() => save('bp.cell', 'cell.came', inContainers));

  const start = async (priority = 0): Promise<string> => {
    const node = nodes[0] as TestNode;
    return (await node.runs.create(caller(), { blueprint_ref: 'bp.cell', priority })).run_id;
  };
  const waits = async (runId: string): Promise<unknown> => (await nodes[1]?.runs.get(runId))?.waiting_on[0];
  const sweep = (): Promise<unknown> =>
    Promise.all(catalogs.map((catalog) => new RunPlaces(catalogAccess(catalog), rails).sweep()));
  const end = (runId: string): Promise<unknown> =>
    query("UPDATE runs SET status = 'completed', completed_at = now() WHERE run_id = $1", [runId]);
  const isStarting = async (runId: string): Promise<boolean> =>
    (await query(`SELECT 1 FROM ${created} AND run_id = $1`, [runId])).length === 1;

  it('are as many at once as there are places, over all processes; the others wait and say for what', async () => {
    const runs = await Promise.all(
      Array.from({ length: 8 }, (_, ix) => nodeOf(ix).runs.create(caller(), { blueprint_ref: 'bp.cell' })),
    );
    expect(await count(created)).toBe(3);
    const waiting = await Promise.all(runs.map((run) => waits(run.run_id)));
    expect(waiting.filter((wait) => (wait as { kind: string }).kind === 'start')).toHaveLength(3);
    const queued = waiting.filter((wait) => (wait as { kind: string }).kind === 'place');
    expect(queued).toHaveLength(5);
    expect(queued[0]).toMatchObject({ lane: 'workcell', running: 3, since: expect.any(String) });
  });

  it('wait in order of priority and time, and come in as others end, also those that events start', async () => {
    const first = [await start(), await start(), await start()];
    expect(await emit(1, 'cell.came')).toEqual(['started']);
    const [plain, urgent] = [await start(), await start(5)];
    expect(await waits(urgent)).toMatchObject({ kind: 'place', ahead: 0 });
    expect(await waits(plain)).toMatchObject({ kind: 'place', ahead: 2 });
    await sweep();
    expect(await count(created)).toBe(3);
    await end(first[0] ?? '');
    await sweep();
    expect([await isStarting(urgent), await isStarting(plain)]).toEqual([true, false]);
    await end(first[1] ?? '');
    await end(first[2] ?? '');
    await sweep();
    expect(await isStarting(plain)).toBe(true);
    expect(await count('run_places WHERE admitted_at IS NULL')).toBe(0);
    expect(await count('run_places')).toBe(3);
  });

  it('that wait and are to be cancelled come in at once, to end', async () => {
    for (let ix = 0; ix < 3; ix += 1) await start();
    const waiting = await start();
    await nodes[0]?.runs.cancel(caller(), waiting, 'not needed');
    await sweep();
    expect(await isStarting(waiting)).toBe(true);
  });

  it('of building and testing have a place of their own', async () => {
    await save('bp.build', 'xyn.cicd.pushed');
    await emit(2, 'xyn.cicd.pushed');
    expect(await query('SELECT lane, admitted_at IS NULL AS waits FROM run_places ORDER BY waits')).toEqual([
      { lane: 'ci', waits: false },
      { lane: 'ci', waits: true },
    ]);
  });
});
