import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { writeRecords, type RecordBatch } from '../../../src/catalog/records.js';
import type { Transition } from '../../../src/domain/engine/state.js';
import { gateIdOf, stepIdOf } from '../../../src/domain/ids.js';
import type { XynError } from '../../../src/domain/xyn-error.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { batchOf, endOf, insertRun, rowsOfRun, startOf, t0, transitionsOf } from '../../support/records.js';

let db: TestDatabase;
let run: string;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(async () => db.drop());
beforeEach(async () => {
  run = await insertRun(db.catalog);
});

const write = async (...batches: RecordBatch[]): Promise<void> => {
  for (const batch of batches) await writeRecords(db.catalog, batch);
};
const rows = async (): Promise<Record<string, Record<string, unknown>[]>> =>
  (await rowsOfRun(db.catalog, run)) as Record<string, Record<string, unknown>[]>;
const names = async (): Promise<unknown[]> => {
  const { rows: found } = await db.catalog.pool.query<{ event_name: string }>(
    'SELECT event_name FROM events WHERE run_id = $1 ORDER BY seq',
    [run],
  );
  return found.map((row) => row.event_name.replace('xyn.', ''));
};
const date = (ms: number): Date => new Date(ms);
const error = (over: Partial<XynError> = {}): XynError => ({
  code: 'http_status',
  message: 'The target answered 500.',
  step: 'fix',
  path: 'fix',
  attempt: 1,
  retryable: true,
  at: new Date(t0).toISOString(),
  ...over,
});
const began: Transition = { t: 'run', status: 'running', seq: 1, at: t0 };
const completed = (steps: Record<string, 'completed' | 'failed' | 'skipped'>): Transition => ({
  t: 'end',
  status: 'completed',
  outputs: { ok: true },
  steps,
  seq: 20,
  at: t0 + 900,
});
const noted = (over: Partial<Extract<Transition, { t: 'step' }>> = {}): Transition => ({
  t: 'step',
  path: 'fix',
  id: 'fix',
  kind: 'action_task',
  name: 'Fix it',
  status: 'failed',
  attempts: 2,
  error: error(),
  started_at: new Date(t0).toISOString(),
  seq: 9,
  at: t0 + 800,
  ...over,
});
const gate = (over: Partial<Extract<Transition, { t: 'gate' }>> = {}): Transition => ({
  t: 'gate',
  path: 'ok',
  id: 'ok',
  status: 'open',
  purpose: 'approval',
  message: 'Go on?',
  approvers: ['role:Operator'],
  require: 1,
  reject: 1,
  reason: 'optional',
  digest: 'sha256:1',
  binds: [{ path: 'fix', action: 'http.call', input: {}, later: [], hash: 'h' }],
  expires_at: t0 + 86_400_000,
  seq: 5,
  at: t0 + 100,
  ...over,
});
const closedGate = (status: 'approved' | 'rejected' | 'expired' | 'cancelled', seq = 8): Transition => ({
  t: 'gate',
  path: 'ok',
  id: 'ok',
  status,
  purpose: 'approval',
  require: 1,
  reject: 1,
  reason: 'optional',
  seq,
  at: t0 + 200,
});

describe('a run from start to end', () => {
  const all = (): RecordBatch[] => [
    batchOf({ transitions: [{ run_id: run, transitions: [began] }], begins: [startOf(run)] }),
    batchOf({ ends: [endOf(run, { footprints: [{ metric: 'bytes_in', quantity: 12, unit: 'bytes' }] })] }),
    transitionsOf(
      run,
      noted({ path: 'note', id: 'note', kind: 'transform', status: 'completed', seq: 4, at: t0 + 300, attempts: 1 }),
    ),
    transitionsOf(run, completed({ fix: 'completed', note: 'completed' })),
  ];

  it('leaves every row', async () => {
    await write(...all());
    const found = await rows();
    expect(found['runs']).toEqual([
      expect.objectContaining({
        status: 'completed',
        phase: null,
        outputs: { ok: true },
        started_at: date(t0),
        completed_at: date(t0 + 900),
        seq: 20,
        needs_repair: false,
      }),
    ]);
    expect(found['steps']?.[0]).toMatchObject({
      step_id: stepIdOf(run, 'fix'),
      name: 'Fix it',
      status: 'completed',
      attempts: 1,
      inputs: { url: 'http://target' },
      outputs: { code: 200 },
      idempotency_key: 'key-of-fix',
      started_at: date(t0),
      completed_at: date(t0 + 250),
    });
    expect(found['attempts']).toEqual([
      expect.objectContaining({
        attempt: 1,
        status: 'completed',
        worker: 'host/1',
        pack: 'core@1',
        ended_at: date(t0 + 250),
      }),
    ]);
    expect(await names()).toEqual([
      'run.started',
      'step.started',
      'step.completed',
      'footprint.recorded',
      'step.started',
      'step.completed',
      'footprint.recorded',
      'run.completed',
    ]);
    expect(
      found['events']?.find(
        (row) => row['event_name'] === 'xyn.step.completed' && row['step_id'] === stepIdOf(run, 'fix'),
      ),
    ).toMatchObject({
      actor: 'ada',
      correlation_id: 'corr-1',
      env_id: 'local',
      cause_depth: 3,
      resource: { type: 'step', id: stepIdOf(run, 'fix') },
      data: {
        path: 'fix',
        status: 'completed',
        kind: 'action_task',
        action: 'http.call',
        attempt: 1,
        blueprint_id: 'bp.test',
      },
    });
    expect(
      found['events']?.filter((row) => row['event_name'] === 'xyn.footprint.recorded').map((row) => row['data']),
    ).toContainEqual({
      'step.count': 1,
      wall_ms: 250,
      bytes_in: 12,
    });
    expect(
      found['footprints']?.map((row) => [row['source_kind'], row['metric'], row['quantity'], row['dims_json']]),
    ).toEqual(
      expect.arrayContaining([
        ['run', 'run.count', 1, { status: 'completed' }],
        ['step', 'step.count', 1, { action: 'http.call' }],
        ['step', 'wall_ms', 250, { action: 'http.call' }],
        ['step', 'bytes_in', 12, { action: 'http.call' }],
        ['step', 'step.count', 1, { kind: 'transform' }],
      ]),
    );
    expect(found['audit']?.map((row) => [row['action'], row['key'], row['actor'], row['env_id']])).toEqual([
      ['step.effect', `attempt/${stepIdOf(run, 'fix')}/1`, 'ada', 'local'],
      ['run.end', `run/${run}/end/20`, 'ada', 'local'],
    ]);
    expect(JSON.stringify(found['audit'])).not.toContain('http://target');
    expect(found['audit']?.[0]?.['after']).toMatchObject({
      action: 'http.call',
      effect: 'write',
      attempt: 1,
      input: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
  });

  it('is the same when every batch is written twice, and when all of it is written again', async () => {
    await write(...all());
    const once = await rows();
    await write(...all().flatMap((batch) => [batch, batch]));
    expect(await rows()).toEqual(once);
  });

  it('is the same as one batch, and in the opposite order', async () => {
    const whole = all().reduce((sum, one) => ({
      transitions: [...sum.transitions, ...one.transitions],
      begins: [...sum.begins, ...one.begins],
      runnings: [],
      ends: [...sum.ends, ...one.ends],
    }));
    await write(whole);
    const asOne = await rows();
    expect(asOne['runs']?.[0]).toMatchObject({ status: 'completed', needs_repair: false });

    const other = await insertRun(db.catalog);
    run = other;
    await write(...all().reverse());
    const backwards = await rows();
    expect(backwards['runs']?.[0]).toMatchObject({
      status: 'completed',
      started_at: date(t0),
      seq: 20,
      needs_repair: true,
    });
    expect(backwards['steps']?.map((row) => [row['path'], row['status'], row['attempts']])).toEqual(
      asOne['steps']?.map((row) => [row['path'], row['status'], row['attempts']]),
    );
    for (const table of ['attempts', 'events', 'audit', 'footprints']) {
      expect([table, backwards[table]?.length]).toEqual([table, asOne[table]?.length]);
    }
  });
});

describe('steps', () => {
  const step = async (): Promise<Record<string, unknown> | undefined> => (await rows())['steps']?.[0];

  it('never go back from an end with the same number to running', async () => {
    await write(
      batchOf({ ends: [endOf(run)] }),
      batchOf({ runnings: [startOf(run)] }),
      batchOf({ begins: [startOf(run)] }),
    );
    expect(await step()).toMatchObject({ status: 'completed', outputs: { code: 200 }, completed_at: date(t0 + 250) });
    expect((await rows())['attempts']?.[0]).toMatchObject({ status: 'completed' });
  });

  it('keep the newer number when an older one comes late, and take from it what they lacked', async () => {
    await write(transitionsOf(run, noted({ error: error({ code: 'cancelled' }) })), batchOf({ ends: [endOf(run)] }));
    expect(await step()).toMatchObject({
      status: 'failed',
      seq: 9,
      outputs: null,
      error: { code: 'cancelled' },
      inputs: { url: 'http://target' },
      idempotency_key: 'key-of-fix',
      attempts: 2,
      completed_at: date(t0 + 800),
    });
    expect(await names()).not.toContain('step.completed');
    run = await insertRun(db.catalog);
    const both = transitionsOf(run, noted({ error: error({ code: 'cancelled' }) }));
    await write({ ...both, ends: [endOf(run)] });
    expect(await step()).toMatchObject({
      status: 'failed',
      outputs: null,
      inputs: { url: 'http://target' },
      attempts: 2,
    });
    expect(await names()).not.toContain('step.completed');
  });

  it('have what the later of two completed attempts gave: of the earlier one Temporal had not heard', async () => {
    const first = batchOf({ ends: [endOf(run, { outputs: { n: 1 } })] });
    const second = batchOf({ ends: [endOf(run, { attempt: 2, started_at: t0 + 500, outputs: { n: 2 } })] });
    const expected = { outputs: { n: 2 }, attempts: 2, started_at: date(t0), completed_at: date(t0 + 750) };
    await write(first, second, first);
    expect(await step()).toMatchObject(expected);
    expect((await names()).filter((name) => name === 'step.completed')).toHaveLength(1);
    run = await insertRun(db.catalog);
    await write(batchOf({ ends: [...second.ends, ...first.ends].map((end) => ({ ...end, run_id: run })) }));
    expect(await step()).toMatchObject(expected);
  });

  it('are overwritten by a newer number', async () => {
    await write(
      batchOf({ ends: [endOf(run)] }),
      transitionsOf(run, noted({ error: error({ code: 'expression_error' }) })),
    );
    expect(await step()).toMatchObject({
      status: 'failed',
      seq: 9,
      outputs: null,
      error: { code: 'expression_error' },
    });
  });

  it('keep the full result under outputs that the engine made of it', async () => {
    await write(
      batchOf({ ends: [endOf(run)] }),
      transitionsOf(run, {
        t: 'step',
        path: 'fix',
        id: 'fix',
        kind: 'action_task',
        status: 'completed',
        attempts: 1,
        outputs: { short: 1 },
        seq: 9,
        at: t0 + 300,
      }),
    );
    expect(await step()).toMatchObject({ status: 'completed', outputs: { short: 1 } });
  });

  it('stay running after a failed attempt, with the earliest start', async () => {
    await write(
      batchOf({ ends: [endOf(run, { attempt: 2, status: 'failed', error: error(), started_at: t0 + 500 })] }),
      batchOf({ ends: [endOf(run, { attempt: 1, status: 'failed', error: error(), next_retry_at: t0 + 450 })] }),
    );
    expect(await step()).toMatchObject({ status: 'running', attempts: 2, started_at: date(t0), completed_at: null });
    expect((await rows())['attempts']?.map((row) => [row['attempt'], row['status'], row['next_retry_at']])).toEqual([
      [1, 'failed', date(t0 + 450)],
      [2, 'failed', null],
    ]);
    const counts = (await rows())['footprints']?.filter((row) => row['metric'] === 'step.count');
    expect(counts?.map((row) => row['source_ref'])).toEqual([`${stepIdOf(run, 'fix')}/2`]);
  });

  it('are merged within a batch as they are across batches', async () => {
    const parts = [
      batchOf({ runnings: [startOf(run)] }),
      batchOf({ ends: [endOf(run, { status: 'failed', error: error(), next_retry_at: t0 + 300 })] }),
      batchOf({ begins: [startOf(run, { attempt: 2, started_at: t0 + 300 })] }),
      batchOf({ ends: [endOf(run, { attempt: 2, started_at: t0 + 300 })] }),
    ];
    await write(...parts);
    const apart = await rows();
    run = await insertRun(db.catalog);
    await write(
      batchOf({
        runnings: [startOf(run)],
        begins: [startOf(run, { attempt: 2, started_at: t0 + 300 })],
        ends: [
          endOf(run, { attempt: 2, started_at: t0 + 300 }),
          endOf(run, { status: 'failed', error: error(), next_retry_at: t0 + 300 }),
        ],
      }),
    );
    const together = await rows();
    const plain = (all: typeof together, table: string): unknown =>
      all[table]?.map(({ run_id, step_id, event_id, resource, source_ref, ...rest }) => [
        rest,
        typeof (run_id ?? step_id ?? event_id ?? resource ?? source_ref),
      ]);
    for (const table of ['steps', 'attempts']) expect(plain(together, table)).toEqual(plain(apart, table));
    expect(together['events']).toHaveLength(apart['events']?.length ?? -1);
    expect(together['footprints']).toHaveLength(apart['footprints']?.length ?? -1);
  });

  it('are skipped without a start', async () => {
    await write(
      transitionsOf(run, {
        t: 'step',
        path: 'x',
        id: 'x',
        kind: 'gate',
        status: 'skipped',
        skip_reason: 'when',
        attempts: 0,
        seq: 2,
        at: t0,
      }),
    );
    expect(await step()).toMatchObject({ status: 'skipped', skip_reason: 'when', started_at: null });
    expect(await names()).toEqual(['step.skipped']);
    expect((await rows())['footprints']).toEqual([]);
  });

  it('keep characters that Postgres cannot store as replacements', async () => {
    await write(
      batchOf({ ends: [endOf(run, { outputs: { out: 'a\u0000b', half: '\ud800', whole: '😀', text: '\\u0000' } })] }),
    );
    expect(await step()).toMatchObject({ outputs: { out: 'a\ufffdb', half: '\ufffd', whole: '😀', text: '\\u0000' } });
  });
});

describe('attempts', () => {
  const attempts = async (): Promise<unknown> =>
    (await rows())['attempts']?.map((row) => [row['attempt'], row['status'], row['ended_at']]);

  it('that never ended are lost when a later one begins', async () => {
    await write(
      batchOf({ begins: [startOf(run)] }),
      batchOf({ begins: [startOf(run, { attempt: 2, started_at: t0 + 6000 })] }),
    );
    expect(await attempts()).toEqual([
      [1, 'lost', date(t0 + 6000)],
      [2, 'running', null],
    ]);
  });

  it('are lost in one batch, and when their start is written after a later one', async () => {
    await write(batchOf({ begins: [startOf(run), startOf(run, { attempt: 2, started_at: t0 + 6000 })] }));
    const lost = [
      [1, 'lost', date(t0 + 6000)],
      [2, 'running', null],
    ];
    expect(await attempts()).toEqual(lost);
    run = await insertRun(db.catalog);
    await write(
      batchOf({ begins: [startOf(run, { attempt: 2, started_at: t0 + 6000 })] }),
      batchOf({ runnings: [startOf(run)] }),
    );
    expect(await attempts()).toEqual(lost);
  });

  it('that were taken for lost show how they ended when that is known, and never run again', async () => {
    await write(
      batchOf({ begins: [startOf(run)] }),
      batchOf({ ends: [endOf(run, { attempt: 2, started_at: t0 + 6000 })] }),
      batchOf({ ends: [endOf(run, { status: 'failed', error: error() })] }),
      batchOf({ runnings: [startOf(run)] }),
    );
    expect(await attempts()).toEqual([
      [1, 'failed', date(t0 + 250)],
      [2, 'completed', date(t0 + 6250)],
    ]);
  });

  it('show their end when it comes together with the start of the next', async () => {
    await write(batchOf({ begins: [startOf(run)] }));
    const next = startOf(run, { attempt: 2, started_at: t0 + 6000 });
    await write(batchOf({ begins: [next], ends: [endOf(run, { status: 'failed', error: error() })] }));
    expect(await attempts()).toEqual([
      [1, 'failed', date(t0 + 250)],
      [2, 'running', null],
    ]);
  });

  it('that ended stay as they were when a later one begins', async () => {
    await write(
      batchOf({ ends: [endOf(run, { status: 'failed', error: error() })] }),
      batchOf({ begins: [startOf(run, { attempt: 2 })] }),
    );
    expect(await attempts()).toEqual([
      [1, 'failed', date(t0 + 250)],
      [2, 'running', null],
    ]);
  });

  it('of agents carry provider and model, and add up one metric', async () => {
    const used = { metric: 'tokens_in', quantity: 5, unit: 'tokens' };
    await write(
      batchOf({ ends: [endOf(run, { kind: 'agent_task', action: 'agent:openai/gpt-x', footprints: [used, used] })] }),
    );
    expect((await rows())['footprints']?.find((row) => row['metric'] === 'tokens_in')).toMatchObject({
      quantity: 10,
      dims_json: { provider: 'openai', model: 'gpt-x' },
    });
  });
});

describe('gates', () => {
  const stored = async (): Promise<Record<string, unknown> | undefined> => (await rows())['gates']?.[0];
  const phase = async (): Promise<unknown> => (await rows())['runs']?.[0]?.['phase'];

  it('open, hold the run, and close', async () => {
    await write(transitionsOf(run, began, gate()));
    expect(await stored()).toMatchObject({
      gate_id: gateIdOf(run, 'ok'),
      step_id: stepIdOf(run, 'ok'),
      status: 'open',
      approvers: ['role:Operator'],
      opened_at: date(t0 + 100),
      closed_at: null,
    });
    expect(await phase()).toBe('gate');
    await write(transitionsOf(run, closedGate('approved')));
    expect(await stored()).toMatchObject({
      status: 'approved',
      message: 'Go on?',
      digest: 'sha256:1',
      opened_at: date(t0 + 100),
      closed_at: date(t0 + 200),
    });
    expect((await stored())?.['binds']).toHaveLength(1);
    expect(await phase()).toBeNull();
  });

  it('stay closed when their opening comes late, and take the rest from it', async () => {
    const expected = { status: 'expired', message: 'Go on?', opened_at: date(t0 + 100), closed_at: date(t0 + 200) };
    await write(transitionsOf(run, closedGate('expired')), transitionsOf(run, gate()));
    expect(await stored()).toMatchObject(expected);
    expect(await phase()).toBeNull();
    run = await insertRun(db.catalog);
    await write(transitionsOf(run, closedGate('expired'), gate()));
    expect(await stored()).toMatchObject(expected);
    expect(await names()).toEqual(['gate.opened', 'gate.expired']);
  });

  it('hold the run while one of two is open', async () => {
    await write(transitionsOf(run, gate(), gate({ path: 'two', seq: 6 })));
    await write(transitionsOf(run, closedGate('approved')));
    expect(await phase()).toBe('gate');
  });

  it('of recovery belong to the step they ask for, and may open again', async () => {
    const recovery = { path: 'fix~recover', id: 'fix', purpose: 'recovery' as const };
    await write(transitionsOf(run, gate(recovery)), transitionsOf(run, { ...closedGate('approved'), ...recovery }));
    await write(transitionsOf(run, gate({ ...recovery, seq: 12, at: t0 + 400, message: 'Again?' })));
    expect(await stored()).toMatchObject({
      status: 'open',
      step_id: stepIdOf(run, 'fix'),
      opened_at: date(t0 + 400),
      closed_at: null,
      message: 'Again?',
    });
    const again = { status: 'open', opened_at: date(t0 + 400), closed_at: null, message: 'Again?' };
    expect(await stored()).toMatchObject(again);
    expect((await rows())['audit']?.map((row) => row['action'])).toEqual(['gate.open', 'gate.open']);
    run = await insertRun(db.catalog);
    const closed = { ...closedGate('approved'), ...recovery } as Transition;
    await write(
      transitionsOf(run, gate(recovery), closed, gate({ ...recovery, seq: 12, at: t0 + 400, message: 'Again?' })),
    );
    expect(await stored()).toMatchObject(again);
    expect(await phase()).toBe('gate');
  });

  it("have their decisions settled, and those of Temporal's own UI written with an audit entry", async () => {
    const id = randomUUID();
    await db.catalog.pool.query(
      `INSERT INTO gate_decisions (decision_id, gate_id, run_id, decision, actor, source, status) VALUES ($1, $2, $3, 'approve', 'ada', 'api', 'submitted')`,
      [id, gateIdOf(run, 'ok'), run],
    );
    const decided = (decision: Extract<Transition, { t: 'decision' }>['decision'], seq: number): Transition => ({
      t: 'decision',
      gate: 'ok',
      purpose: 'approval',
      decision,
      status: 'approved',
      seq,
      at: t0 + 150,
    });
    const batch = transitionsOf(
      run,
      decided({ id, decision: 'approve', by: 'ada' }, 6),
      decided({ decision: 'approve', by: 'bob', reason: 'fine' }, 7),
    );
    await write(batch, batch);
    const { decisions, audit } = await rows();
    expect(decisions).toHaveLength(2);
    expect(decisions?.find((row) => row['actor'] === 'ada')).toMatchObject({
      source: 'api',
      status: 'applied',
      settled_at: date(t0 + 150),
    });
    expect(decisions?.find((row) => row['actor'] === 'bob')).toMatchObject({
      source: 'temporal-ui',
      status: 'applied',
      reason: 'fine',
    });
    expect(audit?.map((row) => [row['action'], row['actor'], row['reason']])).toEqual([['gate.decide', 'bob', 'fine']]);
    expect(await names()).toEqual(['gate.decided', 'gate.decided']);
  });

  it('never get a row for a decision whose id nobody submitted', async () => {
    await write(
      transitionsOf(run, {
        t: 'decision',
        gate: 'ok',
        purpose: 'approval',
        decision: { id: randomUUID(), decision: 'approve', by: 'eve' },
        status: 'approved',
        seq: 6,
        at: t0,
      }),
    );
    expect((await rows())['decisions']).toEqual([]);
  });
});

describe('runs', () => {
  it('need repair when a leaf of the end has no such row, until it has', async () => {
    await write(transitionsOf(run, completed({ fix: 'completed' })));
    expect((await rows())['runs']?.[0]).toMatchObject({ status: 'completed', needs_repair: true });
    await write(batchOf({ ends: [endOf(run)] }), transitionsOf(run, completed({ fix: 'completed' })));
    expect((await rows())['runs']?.[0]).toMatchObject({ needs_repair: false });
    run = await insertRun(db.catalog);
    await write(
      batchOf({ transitions: [{ run_id: run, transitions: [completed({ fix: 'failed' })] }], ends: [endOf(run)] }),
    );
    expect((await rows())['runs']?.[0]).toMatchObject({ needs_repair: true });
  });

  it('stay ended: no older end and no start changes them', async () => {
    await write(transitionsOf(run, { t: 'end', status: 'failed', error: error(), steps: {}, seq: 30, at: t0 + 900 }));
    await write(transitionsOf(run, completed({ fix: 'completed' })), transitionsOf(run, began, gate()));
    expect((await rows())['runs']?.[0]).toMatchObject({
      status: 'failed',
      phase: null,
      needs_repair: false,
      seq: 30,
      started_at: date(t0),
      completed_at: date(t0 + 900),
    });
    expect(await names()).not.toContain('run.completed');
    expect((await rows())['footprints']?.filter((row) => row['metric'] === 'run.count')).toHaveLength(1);
  });

  it('show progress', async () => {
    await db.catalog.pool.query(`UPDATE runs SET last_progress_at = now() - interval '1 hour' WHERE run_id = $1`, [
      run,
    ]);
    await write(batchOf({ runnings: [startOf(run)] }));
    const { rows: found } = await db.catalog.pool.query(
      `SELECT last_progress_at > now() - interval '1 minute' AS fresh FROM runs WHERE run_id = $1`,
      [run],
    );
    expect(found).toEqual([{ fresh: true }]);
  });

  it('that the catalog does not know still leave the audit entry of an effect', async () => {
    run = randomUUID();
    await write(batchOf({ begins: [startOf(run)] }));
    const found = await rows();
    expect(found['audit']?.[0]).toMatchObject({ action: 'step.effect', actor: 'system', env_id: 'unknown' });
    expect(found['steps']).toHaveLength(1);
    expect(found['events']).toEqual([]);
  });

  it('are written about by many workers at once without a dead-lock', async () => {
    const runs = await Promise.all(Array.from({ length: 8 }, async () => insertRun(db.catalog)));
    const batches = Array.from({ length: 24 }, (_, n) => {
      const order = n % 2 === 0 ? runs : [...runs].reverse();
      return batchOf({
        transitions: order.map((id) => ({ run_id: id, transitions: [began, completed({ fix: 'completed' })] })),
        ends: order.map((id) => endOf(id)),
      });
    });
    await Promise.all(batches.map(async (batch) => writeRecords(db.catalog, batch)));
    const { rows: found } = await db.catalog.pool.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM runs WHERE run_id = ANY($1) AND status = 'completed' AND NOT needs_repair`,
      [runs],
    );
    expect(found).toEqual([{ n: 8 }]);
  });
});

describe('failures', () => {
  it('tell a value that Postgres refuses from a server that is away', async () => {
    const bad = batchOf({ ends: [endOf('not-a-uuid')] });
    await expect(writeRecords(db.catalog, bad)).rejects.toMatchObject({ code: 'internal' });
    await expect(writeRecords(db.catalog, batchOf({ ends: [endOf(run, { ended_at: Number.NaN })] }))).rejects.toThrow(
      RangeError,
    );
  });

  it('write nothing of a batch in part', async () => {
    await expect(
      write(batchOf({ begins: [startOf(run), startOf(run, { path: 'b', attempt: 3_000_000_000 })] })),
    ).rejects.toThrow();
    const found = await rows();
    expect([found['steps'], found['audit'], found['events']]).toEqual([[], [], []]);
  });
});
