import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FaultRig } from './rig.js';

let rig: FaultRig;

beforeAll(async () => {
  rig = await FaultRig.start('servers');
});

afterAll(async () => {
  await (rig as FaultRig | undefined)?.close();
});

describe('a Temporal server that is killed', () => {
  it('temporal-while-step-runs', async () => {
    const keyedHold = rig.sink.hold('/fix', 'afterEffect');
    const onceHold = rig.sink.hold('/once', 'afterEffect');
    const keyed = await rig.emitApproved();
    const once = await rig.emit('fault.once');
    await Promise.all([keyedHold.reached, onceHold.reached]);

    await rig.processes.kill('temporal');
    keyedHold.release();
    onceHold.release();
    const since = await rig.restart('temporal');
    await rig.endOnce(once, 'done');
    await rig.settle('temporal-while-step-runs', [keyed, once], since);
    expect(rig.sink.effects('/fix')).toHaveLength(1);
    expect(rig.sink.effects('/once')).toHaveLength(1);
  });

  it('temporal-at-open-gate', async () => {
    const runId = await rig.emit('fault.keyed');
    const gate = await rig.openGate(runId, 'ok');
    await rig.processes.kill('temporal');
    const answer = await rig.decide(gate, 'approve');
    expect(answer).toMatchObject({ status: 202, body: { status: 'submitted' } });
    const since = await rig.restart('temporal');
    await rig.settle('temporal-at-open-gate', [runId], since);
  });
});

describe('a Postgres server that is killed', () => {
  it('postgres-after-effect', async () => {
    const keyedHold = rig.sink.hold('/fix', 'afterEffect');
    const onceHold = rig.sink.hold('/once', 'afterEffect');
    const keyed = await rig.emitApproved();
    const once = await rig.emit('fault.once');
    await Promise.all([keyedHold.reached, onceHold.reached]);
    const calls = rig.sink.calls.length;

    await rig.processes.kill('postgres');
    keyedHold.release();
    onceHold.release();
    const since = await rig.restart('postgres');
    expect(await rig.endOnce(once, 'done')).toBe(false);
    await rig.settle('postgres-after-effect', [keyed, once], since);
    const later = rig.sink.calls.slice(calls).map((call) => call.path);
    expect(later.sort()).toEqual(['/after', '/finish', '/look', '/probe']);
  });

  it('postgres-at-open-gate', async () => {
    const runId = await rig.emit('fault.keyed');
    const gate = await rig.openGate(runId, 'ok');
    await rig.processes.kill('postgres');
    const refused = await rig.decide(gate, 'approve');
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'db_unavailable' } } });
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    const since = await rig.restart('postgres');
    expect((await rig.decide(gate, 'approve')).status).toBe(200);
    await rig.settle('postgres-at-open-gate', [runId], since);
  });
});
