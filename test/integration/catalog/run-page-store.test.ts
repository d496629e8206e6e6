import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { RunPageStore } from '../../../src/catalog/run-page-store.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';

let db: TestDatabase;
let store: RunPageStore;

beforeAll(async () => {
  db = await freshDatabase();
  store = new RunPageStore(db.catalog);
});
afterAll(async () => db.drop());

async function addRun(status = 'running', seconds: number | null = null): Promise<string> {
  const id = randomUUID();
  await db.catalog.pool.query(
    `INSERT INTO runs (run_id, name, blueprint_id, digest, status, trigger, inputs, actor, correlation_id, env_id, env, started_at, completed_at)
     VALUES ($1, 'x', 'bp.x', 'd', $2, 'manual', '{}', 'a', 'c', 'e', '{}', now(), now() + $3 * interval '1 s')`,
    [id, status, seconds],
  );
  return id;
}

interface Row {
  path: string;
  status: string;
  more?: {
    error?: object;
    handled?: boolean;
    inputs?: object;
    outputs?: object;
    kind?: string;
    attempts?: number;
    seconds?: number;
  };
}

async function addSteps(runId: string, rows: Row[]): Promise<void> {
  const values = rows.map(({ path, status, more = {} }, seq) => ({
    path,
    status,
    seq,
    step_id: randomUUID(),
    node_id: /[a-z0-9_]+$/.exec(path)?.[0] ?? path,
    kind: more.kind ?? 'action_task',
    error: more.error ?? null,
    handled: more.handled ?? false,
    inputs: more.inputs ?? null,
    outputs: more.outputs ?? null,
    attempts: more.attempts ?? 1,
    seconds: more.seconds ?? 1,
  }));
  await db.catalog.pool.query(
    `INSERT INTO steps (step_id, run_id, path, node_id, kind, name, status, handled, seq, attempts, inputs, outputs, error, started_at, completed_at)
     SELECT step_id, $1, path, node_id, kind, node_id, status, handled, seq, attempts, inputs, outputs, error, now(), now() + seconds * interval '1 s'
     FROM jsonb_to_recordset($2::jsonb) AS s(step_id uuid, path text, node_id text, kind text, status text, handled bool, seq int,
       attempts int, inputs jsonb, outputs jsonb, error jsonb, seconds float8)`,
    [runId, JSON.stringify(values)],
  );
}

describe('progress', () => {
  it('tells steps and the items of loops apart, whatever their paths are', async () => {
    const run = await addRun();
    await addSteps(run, [
      { path: 'plan_scope', status: 'completed' },
      { path: 'plan_scope~undo[0]', status: 'completed' },
      { path: 'route', status: 'completed', more: { kind: 'switch', outputs: { case: 'full' } } },
      { path: 'patch[0].one', status: 'completed' },
      { path: 'patch[0].one.apply', status: 'failed', more: { error: { code: 'x' } } },
      { path: 'patch[0].one#2.apply', status: 'completed' },
      {
        path: 'patch[1].one',
        status: 'failed',
        more: { error: { code: 'health', message: '502' }, inputs: { host: 'web-18' }, attempts: 3 },
      },
      { path: 'patch[1].one~undo[0]', status: 'completed' },
      { path: 'patch[2].one', status: 'failed', more: { error: { code: 'odd' }, handled: true } },
      { path: 'patch[3].one.apply', status: 'running' },
      { path: 'patch[4].one', status: 'failed', more: { error: { code: 'outcome_unknown', message: 'who knows' } } },
      { path: 'side:a.roll#2.inner[1].x', status: 'completed' },
      { path: '~finally.list[0].clean', status: 'completed' },
    ]);
    const { steps, loops, failed, completed } = await store.load(run);
    expect(steps.map(({ path }) => path)).toEqual(['plan_scope', 'plan_scope~undo[0]', 'route']);
    expect(steps[2]).toMatchObject({ chosen: 'full', items: null });
    expect(Object.fromEntries(loops.map(({ path, states, indexes }) => [path, [states, indexes]]))).toEqual({
      patch: ['dudrq', null],
      'side:a.roll#2.inner': ['d', [1]],
      '~finally.list': ['d', null],
    });
    expect(failed).toMatchObject([
      {
        loop: 'patch',
        index: 1,
        path: 'patch[1].one',
        label: 'web-18',
        letter: 'u',
        code: 'health',
        message: '502',
        attempts: 3,
        undo: [{ path: 'patch[1].one~undo[0]' }],
      },
      { loop: 'patch', index: 4, letter: 'q', code: 'outcome_unknown' },
    ]);
    expect(completed).toMatchObject({ plan_scope: 1, one: 1, apply: 1, x: 1 });
  });

  it('reads a loop of 10 000 items as one line', async () => {
    const run = await addRun();
    await addSteps(
      run,
      Array.from({ length: 10_000 }, (_, index) => ({
        path: `rows[${index}].copy`,
        status: index % 100 === 7 ? 'failed' : 'completed',
      })),
    );
    const { steps, loops, failed } = await store.load(run);
    expect(steps).toEqual([]);
    expect(loops).toHaveLength(1);
    expect(loops[0]?.states).toHaveLength(10_000);
    expect(failed).toHaveLength(50);
  });
});

describe('surroundings', () => {
  it('is empty for a run without any', async () => {
    expect(await store.load(await addRun())).toEqual({
      steps: [],
      loops: [],
      failed: [],
      completed: {},
      event: null,
      attempts: [],
      gates: [],
      audit: { entries: 0, unlinked: 0 },
      audit_entries: [],
      cancel: null,
      chain: [],
      footprints: [],
      artifacts: [],
      artifact_count: 0,
    });
  });

  it('tells who asked for the end of a run, and why', async () => {
    const run = await addRun();
    await db.catalog.pool.query(
      `UPDATE runs SET cancel_by = 'jonas', cancel_reason = '', cancel_requested_at = '2026-11-21T14:10:00Z' WHERE run_id = $1`,
      [run],
    );
    expect((await store.load(run)).cancel).toMatchObject({ actor: 'jonas', reason: null });
  });

  it('counts audit entries and those that are not linked yet, and lists gates with who approved', async () => {
    const run = await addRun();
    const gate = randomUUID();
    await db.catalog.pool.query(
      `INSERT INTO audit_log (key, at, actor, action, resource_type, resource_id, run_id, env_id)
       VALUES ($2, now(), 'a', 'run.create', 'run', 'x', $1, 'e')`,
      [run, randomUUID()],
    );
    await db.catalog.pool.query(
      `INSERT INTO gates (gate_id, run_id, step_id, path, purpose, approvers, require, reject, reason, status, binds, seq, opened_at)
       VALUES ($1, $2, gen_random_uuid(), 'go', 'approval', '[]', 2, 1, 'optional', 'open', '[]', 1, now())`,
      [gate, run],
    );
    await db.catalog.pool.query(
      `INSERT INTO gate_decisions (decision_id, gate_id, run_id, decision, actor, source, status)
       SELECT gen_random_uuid(), $1, $2, d, who, 'ui', st FROM (VALUES ('approve', 'anna', 'applied'), ('approve', 'anna', 'applied'),
         ('approve', 'bob', 'refused'), ('reject', 'cara', 'applied')) v(d, who, st)`,
      [gate, run],
    );
    const found = await store.load(run);
    expect(found.audit).toEqual({ entries: 1, unlinked: 1 });
    expect(found.audit_entries).toMatchObject([{ actor: 'a', action: 'run.create', path: null }]);
    expect(found.gates).toMatchObject([{ gate_id: gate, path: 'go', require: 2, approvals: [{ actor: 'anna' }] }]);
  });
});

it('lists the runs of a chain of reruns, oldest first', async () => {
  const ids = [await addRun(), await addRun(), await addRun(), await addRun()];
  for (const [at, id] of ids.entries()) {
    await db.catalog.pool.query(
      `UPDATE runs SET created_at = now() + $2 * interval '1 second', rerun_of = $3, rerun_from = $4 WHERE run_id = $1`,
      [id, at, ids[at - 1] ?? null, at === 0 ? null : 'b'],
    );
  }
  const chainOf = async (id = ''): Promise<string[]> => (await store.load(id)).chain.map((one) => one.run_id);
  expect(await chainOf(ids[0])).toEqual(ids.slice(0, 2));
  expect(await chainOf(ids[2])).toEqual(ids);
  expect(await chainOf(ids[3])).toEqual(ids);
  expect((await store.load(ids[1] ?? '')).chain[1]).toMatchObject({ rerun_from: 'b' });
});

it('takes usual times from completed runs only', async () => {
  await db.catalog.pool.query(`DELETE FROM runs WHERE blueprint_id = 'bp.x'`);
  for (const seconds of [10, 20, 90])
    await addSteps(await addRun('completed', seconds * 10), [{ path: 'a', status: 'completed', more: { seconds } }]);
  await addSteps(await addRun('failed', 5_000), [{ path: 'a', status: 'completed', more: { seconds: 500 } }]);
  expect(await store.usual('bp.x')).toEqual({
    runs: 3,
    run_ms: 200_000,
    run_p95_ms: expect.closeTo(830_000, 0),
    steps: [{ node_id: 'a', samples: 3, median_ms: 20_000 }],
  });
  expect(await store.usual('bp.none')).toEqual({ runs: 0, run_ms: null, run_p95_ms: null, steps: [] });
});

it('reads a step with its attempts and artifacts', async () => {
  const run = await addRun();
  await addSteps(run, [{ path: 'a', status: 'completed', more: { inputs: { host: 'h' }, outputs: { ok: true } } }]);
  expect(await store.step(run, 'a')).toMatchObject({
    path: 'a',
    inputs: { host: 'h' },
    outputs: { ok: true },
    attempt_log: [],
    artifacts: [],
    tail: null,
    reused_from: null,
  });
  const { rows } = await db.catalog.pool.query<{ step_id: string }>(
    `INSERT INTO step_tails (step_id, run_id, attempt, counted, lines)
     SELECT step_id, run_id, 1, 7, '[{"at": "", "stream": "", "text": "x"}]' FROM steps WHERE run_id = $1 RETURNING step_id`,
    [run],
  );
  // What a step printed is shown while it runs only.
  expect((await store.step(run, 'a'))?.tail).toBeNull();
  const change = `UPDATE steps SET status = 'running', reused_from_run = run_id WHERE step_id = $1`;
  await db.catalog.pool.query(change, [rows[0]?.step_id]);
  expect(await store.step(run, 'a')).toMatchObject({
    tail: { counted: 7, lines: [{ text: 'x' }] },
    reused_from: { run_id: run, path: 'a' },
  });
  expect(await store.step(run, 'b')).toBeUndefined();
});
