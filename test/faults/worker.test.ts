import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { workflowIdOf } from '../../src/domain/ids.js';
import { until } from '../support/until.js';
import { FaultRig } from './rig.js';

let rig: FaultRig;

beforeAll(async () => {
  rig = await FaultRig.start('worker');
});

afterAll(async () => {
  await (rig as FaultRig | undefined)?.close();
});

const callsOf = (runId: string, path: string): number =>
  rig.sink.calls.filter((call) => call.path === path && (call.body as { run?: string }).run === runId).length;
const attemptsOf = async (runId: string, path: string): Promise<string[]> =>
  (await rig.step(runId, path)).attempt_log.map((one) => one.status);

describe('a worker that is killed', () => {
  it('worker-before-effect', async () => {
    const keyedHold = rig.sink.hold('/fix', 'beforeEffect');
    const onceHold = rig.sink.hold('/once', 'beforeEffect');
    const keyed = await rig.emitApproved();
    const once = await rig.emit('fault.once');
    await Promise.all([keyedHold.reached, onceHold.reached]);
    expect(await rig.step(keyed, 'fix')).toMatchObject({ status: 'running', attempt_log: [{ status: 'running' }] });
    expect(await rig.step(once, 'once')).toMatchObject({ status: 'running', attempt_log: [{ status: 'running' }] });

    await rig.processes.kill('worker');
    expect(rig.sink.effects('/fix')).toEqual([]);
    const since = await rig.restart('worker');
    expect(await rig.endOnce(once, 'retry')).toBe(true);
    expect(await rig.ended(keyed)).toMatchObject({ status: 'completed', outputs: { label: 'web-1', status: 200 } });
    await rig.settle('worker-before-effect', [keyed, once], since);

    expect(callsOf(keyed, '/fix')).toBe(2);
    expect(await attemptsOf(keyed, 'fix')).toEqual(['lost', 'completed']);
    expect(callsOf(once, '/once')).toBe(2);
    expect(rig.sink.effects('/once')).toHaveLength(1);
  });

  it('worker-after-effect-before-report', async () => {
    const keyedHold = rig.sink.hold('/fix', 'afterEffect');
    const onceHold = rig.sink.hold('/once', 'afterEffect');
    const keyed = await rig.emitApproved();
    const once = await rig.emit('fault.once');
    await Promise.all([keyedHold.reached, onceHold.reached]);

    await rig.processes.kill('worker');
    const since = await rig.restart('worker');
    expect(await rig.endOnce(once, 'done')).toBe(true);
    await rig.settle('worker-after-effect-before-report', [keyed, once], since);

    expect(callsOf(keyed, '/fix')).toBe(2);
    expect(callsOf(once, '/once')).toBe(1);
  });

  it('worker-after-report-before-flush', async () => {
    const fix = rig.sink.hold('/fix', 'afterEffect');
    const look = rig.sink.hold('/look', 'beforeEffect');
    const runId = await rig.emitApproved();
    await fix.reached;
    const lock = await rig.lockRecords();
    fix.release();
    // The next step runs: Temporal has the result of `fix`.
    await look.reached;
    await lock.waitedFor();
    await rig.processes.kill('worker');
    await lock.discard();
    expect(await attemptsOf(runId, 'fix')).toEqual(['running']);

    const since = await rig.restart('worker');
    await rig.settle('worker-after-report-before-flush', [runId], since);
    expect(await attemptsOf(runId, 'fix')).toEqual(['completed']);
    expect(callsOf(runId, '/fix')).toBe(1);
  });

  it('worker-at-open-gate', async () => {
    const runId = await rig.emit('fault.keyed');
    const gate = await rig.openGate(runId, 'ok');
    await rig.processes.kill('worker');
    expect(await rig.openGate(runId, 'ok')).toMatchObject({ gate_id: gate.gate_id, status: 'open' });

    const since = await rig.restart('worker');
    expect([200, 202]).toContain((await rig.decide(gate, 'approve')).status);
    await rig.settle('worker-at-open-gate', [runId], since);
    expect(callsOf(runId, '/prepare')).toBe(1);
  });

  it('worker-before-gate-is-kept', async () => {
    const prepare = rig.sink.hold('/prepare', 'afterEffect');
    const runId = await rig.emit('fault.keyed');
    await prepare.reached;
    const lock = await rig.lockRecords();
    prepare.release();
    await until('the workflow opens its gate', () => goesOnAfter(runId, 1));
    await lock.waitedFor();
    await rig.processes.kill('temporal');
    await lock.unlock();
    const gate = await rig.openGate(runId, 'ok');
    await rig.processes.kill('worker');
    await rig.processes.restart('temporal');
    const since = await rig.restart('worker');
    expect(await rig.decide(gate, 'approve')).toMatchObject({ status: 202, body: { status: 'submitted' } });
    await rig.settle('worker-before-gate-is-kept', [runId], since);
    const { rows } = await rig.pool.query('SELECT status FROM gate_decisions WHERE gate_id = $1', [gate.gate_id]);
    expect(rows).toEqual([{ status: 'applied' }]);
  });

  it('worker-while-deciding', async () => {
    const runId = await rig.emit('fault.keyed');
    const gate = await rig.openGate(runId, 'ok');
    await rig.processes.pause('worker');
    const answer = rig.decide(gate, 'approve');
    await until('the decision is recorded', async () => {
      const { rows } = await rig.pool.query('SELECT 1 FROM gate_decisions WHERE gate_id = $1', [gate.gate_id]);
      return rows.length === 1;
    });
    await rig.processes.kill('worker');
    const since = await rig.restart('worker');
    expect([200, 202]).toContain((await answer).status);
    await rig.settle('worker-while-deciding', [runId], since);
    const { rows } = await rig.pool.query('SELECT status FROM gate_decisions WHERE gate_id = $1', [gate.gate_id]);
    expect(rows).toEqual([{ status: 'applied' }]);
  });

  it('worker-during-final-flush', async () => {
    const finish = rig.sink.hold('/finish', 'afterEffect');
    const runId = await rig.emitApproved();
    await finish.reached;
    const lock = await rig.lockRecords();
    finish.release();
    await until('Temporal has the last result and the workflow goes on', () => goesOnAfter(runId, 4));
    await lock.waitedFor();
    await rig.processes.kill('worker');
    await lock.discard();
    expect((await rig.call<{ status: string }>('GET', `/runs/${runId}`)).body.status).toBe('running');

    const since = await rig.restart('worker');
    await rig.settle('worker-during-final-flush', [runId], since);
    expect(['/prepare', '/fix', '/finish'].map((path) => callsOf(runId, path))).toEqual([1, 1, 1]);
  });
});

/** Whether that many activities have completed and a worker holds the workflow task that follows. */
async function goesOnAfter(runId: string, completed: number): Promise<boolean> {
  const connection = await Connection.connect({ address: rig.processes.temporalAddress });
  try {
    const history = await new Client({ connection }).workflow.getHandle(workflowIdOf(runId)).fetchHistory();
    const events = history.events ?? [];
    const done = events.filter((event) => event.activityTaskCompletedEventAttributes != null).length;
    return done === completed && events.at(-1)?.workflowTaskStartedEventAttributes != null;
  } finally {
    await connection.close();
  }
}
