import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { GateStore } from '../../../src/catalog/gate-store.js';
import type { GateDto } from '../../../src/domain/dtos.js';
import { RunGateway } from '../../../src/temporal/gateway.js';
import { describeWith } from '../../support/parts.js';
import { action, gate, planOf } from '../../support/plans.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller, testNode, type TestNode } from '../../support/node.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testLock, testWorker } from '../../support/worker.js';

let database: TestDatabase;
let address: string;
let node: TestNode;
let worker: Awaited<ReturnType<typeof testWorker>>;
const taskQueue = `decisions-${randomUUID()}`;

beforeAll(async () => {
  ({ address } = await testTemporal());
  database = await freshDatabase({ poolSize: 20 });
  node = testNode({ catalog: database.catalog, address, taskQueue });
  worker = await testWorker({ catalog: database.catalog, address, taskQueue });
  for (const [id, fields] of [
    ['bp.gate', {}],
    ['bp.two', { require: 2 }],
    ['bp.reason', { reason: 'required' as const }],
  ] as const) {
    const nodes = [gate('ok', fields), action('fix', { action: 't.echo', with: { n: 1 } })];
    await node.blueprints.savePlan(caller(), { plan: planOf(nodes, { id, actions: testLock }), source: '', debug: {} });
  }
});

afterAll(async () => {
  await node.close();
  await worker.stop();
  await database.drop();
});

const query = async <T>(sql: string, values: unknown[] = []): Promise<T[]> =>
  (await database.catalog.pool.query(sql, values)).rows as T[];

async function openGate(blueprint: string): Promise<{ runId: string; gate: GateDto }> {
  const run = await node.runs.create(caller(), { blueprint_ref: blueprint });
  const found = await until('the gate opens', async () => {
    const page = await node.gates.list({ run_id: run.run_id, status: 'open', limit: 1 });
    return page.items[0];
  });
  return { runId: run.run_id, gate: found };
}

const ended = (runId: string): Promise<string> =>
  until('the run ends', async () => {
    const { status } = await node.runs.get(runId);
    return (status === 'completed' || status === 'failed' || status === 'cancelled') && status;
  });

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error);

describeWith('temporal')('deciding', () => {
  it('takes exactly one of 100 parallel decisions of as many people', async () => {
    const { runId, gate: one } = await openGate('bp.gate');
    const answers = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) =>
        node.gates.decide(caller(`p${n}`), one.gate_id, { decision: n % 2 === 0 ? 'approve' : 'reject' }),
      ),
    );
    const applied = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.status === 'applied');
    expect(applied).toHaveLength(1);
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [codeOf(answer.reason)] : []));
    expect(new Set(refused)).toEqual(new Set(['gate_closed']));
    expect(refused).toHaveLength(99);
    const rows = await query<{ decision: string }>(
      "SELECT decision FROM gate_decisions WHERE gate_id = $1 AND status = 'applied'",
      [one.gate_id],
    );
    expect(rows).toHaveLength(1);
    expect(await ended(runId)).toBe(rows[0]?.decision === 'approve' ? 'completed' : 'failed');
    expect(
      await query("SELECT 1 FROM gate_decisions WHERE gate_id = $1 AND status = 'submitted'", [one.gate_id]),
    ).toEqual([]);
  }, 60_000);

  it('gives one person one decision: a repeat gets the same answer, the opposite is refused', async () => {
    const { runId, gate: one } = await openGate('bp.two');
    const ann = caller('ann');
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => node.gates.decide(ann, one.gate_id, { decision: 'approve' })),
    );
    expect(new Set(answers.map((answer) => answer.decision_id)).size).toBe(1);
    expect((await node.gates.get(one.gate_id)).approvals).toBe(1);
    await expect(node.gates.decide(ann, one.gate_id, { decision: 'reject' })).rejects.toMatchObject({
      code: 'gate_already_decided',
    });
    await node.gates.decide(caller('bob'), one.gate_id, { decision: 'approve' });
    expect(await ended(runId)).toBe('completed');
    const again = await node.gates.decide(ann, one.gate_id, { decision: 'approve' });
    expect(again).toMatchObject({ status: 'applied', decision_id: answers[0]?.decision_id });
    await expect(node.gates.decide(caller('cy'), one.gate_id, { decision: 'approve' })).rejects.toMatchObject({
      code: 'gate_closed',
    });
    expect(
      await query("SELECT 1 FROM audit_log WHERE resource_id = $1 AND action = 'gate.decide'", [one.gate_id]),
    ).toHaveLength(2);
  }, 60_000);

  it('sends what was just committed without reading it again', async () => {
    const { runId, gate: one } = await openGate('bp.gate');
    const asked: number[] = [];
    const reads = jest.spyOn(GateStore.prototype, 'oldestSubmitted');
    const sends = jest.spyOn(RunGateway.prototype, 'decide').mockImplementationOnce(async (...args) => {
      asked.push(reads.mock.calls.length);
      sends.mockRestore();
      return node.gateway.decide(...args);
    });
    try {
      const answer = await node.gates.decide(caller('ann'), one.gate_id, { decision: 'approve', reason: 'fine' });
      expect(answer.status).toBe('applied');
      expect(asked).toEqual([0]);
    } finally {
      reads.mockRestore();
      sends.mockRestore();
    }
    expect(await ended(runId)).toBe('completed');
    expect(await query('SELECT decision, reason FROM gate_decisions WHERE gate_id = $1', [one.gate_id])).toEqual([
      { decision: 'approve', reason: 'fine' },
    ]);
  }, 60_000);

  it('wants a reason where the gate does, and only decisions that it knows', async () => {
    const { gate: one } = await openGate('bp.reason');
    await expect(node.gates.decide(caller(), one.gate_id, { decision: 'approve' })).rejects.toMatchObject({
      code: 'reason_required',
    });
    await expect(node.gates.decide(caller(), one.gate_id, { decision: 'retry' })).rejects.toMatchObject({
      code: 'decision_unknown',
    });
    await expect(node.gates.decide(caller(), randomUUID(), { decision: 'approve' })).rejects.toMatchObject({
      code: 'gate_not_found',
    });
    await expect(
      node.gates.decide(caller(), one.gate_id, { decision: 'approve', reason: 'seen' }),
    ).resolves.toMatchObject({ status: 'applied' });
  });

  it('keeps a decision while Temporal is away, and a sweep goes on with it', async () => {
    const { runId, gate: one } = await openGate('bp.gate');
    const away = testNode({ catalog: database.catalog, address: '127.0.0.1:9', taskQueue, dispatch: false });
    const answer = await away.gates.decide(caller('dee'), one.gate_id, { decision: 'approve' });
    expect(answer.status).toBe('submitted');
    await away.close();
    await query("UPDATE gate_decisions SET created_at = now() - interval '4 s' WHERE decision_id = $1", [
      answer.decision_id,
    ]);
    await node.decisions.sweep();
    expect(await ended(runId)).toBe('completed');
    expect(await query('SELECT status FROM gate_decisions WHERE decision_id = $1', [answer.decision_id])).toEqual([
      { status: 'applied' },
    ]);
  });
});

describeWith('temporal')('cancelling', () => {
  it('takes the first of many wishes, and ends a run that waits', async () => {
    const { runId, gate: one } = await openGate('bp.gate');
    await Promise.all(Array.from({ length: 20 }, (_, n) => node.runs.cancel(caller(`p${n}`), runId, `because ${n}`)));
    expect(await ended(runId)).toBe('cancelled');
    expect(await query("SELECT 1 FROM audit_log WHERE run_id = $1 AND action = 'run.cancel'", [runId])).toHaveLength(1);
    const [wish] = await query<{ reason: string; cancel_reason: string }>(
      "SELECT a.reason, r.cancel_reason FROM runs r JOIN audit_log a USING (run_id) WHERE run_id = $1 AND action = 'run.cancel'",
      [runId],
    );
    expect(wish?.cancel_reason).toBe(wish?.reason);
    await until('the gate closes', async () => (await node.gates.get(one.gate_id)).status === 'cancelled');
    const before = await node.runs.get(runId);
    const { waiting_on: _waits, ...after } = { waiting_on: [], ...(await node.runs.cancel(caller(), runId, 'late')) };
    expect(before).toMatchObject(after);
  });

  it('cancels a run that was not started yet right after its start', async () => {
    const mute = testNode({ catalog: database.catalog, address, taskQueue: `nobody-${taskQueue}`, dispatch: false });
    // The first node must not hear of it before the wish is there.
    await node.dispatcher.stop();
    const run = await mute.runs.create(caller(), { blueprint_ref: 'bp.gate' });
    await mute.runs.cancel(caller(), run.run_id, 'never mind');
    expect(await node.runs.get(run.run_id)).toMatchObject({
      status: 'created',
      cancel_requested_at: expect.any(String),
    });
    const next = testNode({ catalog: database.catalog, address, taskQueue });
    expect(await ended(run.run_id)).toBe('cancelled');
    await mute.close();
    await next.close();
    node.dispatcher.start();
  });

  it('races a decision: the run ends one way, and the gate is closed', async () => {
    const { runId, gate: one } = await openGate('bp.gate');
    const [decided] = await Promise.allSettled([
      node.gates.decide(caller('ann'), one.gate_id, { decision: 'approve' }),
      node.runs.cancel(caller('bob'), runId, 'stop'),
    ]);
    const status = await ended(runId);
    if (decided.status === 'rejected') expect(status).toBe('cancelled');
    else expect(['completed', 'cancelled']).toContain(status);
    await until('the gate is closed', async () => (await node.gates.get(one.gate_id)).status !== 'open');
  });
});

describeWith('temporal')('manual starts', () => {
  it('are one run for one key, and check inputs', async () => {
    const start = (body: object = {}) =>
      node.runs.create(caller(), { blueprint_ref: 'bp.reason@1', idempotencyKey: 'k-1', ...body });
    const runs = await Promise.all(Array.from({ length: 20 }, () => start()));
    expect(new Set(runs.map((run) => run.run_id)).size).toBe(1);
    await expect(start({ name: 'other' })).rejects.toMatchObject({ code: 'idempotency_mismatch' });
    await expect(node.runs.create(caller(), { blueprint_ref: 'bp.none' })).rejects.toMatchObject({
      code: 'blueprint_unknown',
    });
    await expect(node.runs.create(caller(), { blueprint_ref: 'bp.gate@7' })).rejects.toMatchObject({
      code: 'blueprint_unknown',
    });
    await expect(node.runs.create(caller(), { blueprint_ref: 'bp.gate', inputs: { nope: 1 } })).rejects.toMatchObject({
      code: 'input_unknown',
    });
    const short = runs[0]!.run_id.slice(0, 9);
    expect(await node.runs.idsWithPrefix(short, 2)).toEqual([runs[0]!.run_id]);
  });

  it('are listed page by page without gaps', async () => {
    const seen: string[] = [];
    let cursor: Parameters<typeof node.runs.list>[0]['cursor'];
    do {
      const page = await node.runs.list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.items.map((run) => run.run_id));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    const all = await query<{ run_id: string }>('SELECT run_id FROM runs ORDER BY created_at DESC, run_id');
    expect(seen).toEqual(all.map((row) => row.run_id));
  });
});
