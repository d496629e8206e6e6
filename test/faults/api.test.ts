import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../support/until.js';
import { FaultRig } from './rig.js';

let rig: FaultRig;

beforeAll(async () => {
  rig = await FaultRig.start('api');
});

afterAll(async () => {
  await (rig as FaultRig | undefined)?.close();
});

describe('an API that is killed', () => {
  it('api-after-accept-before-dispatch', async () => {
    await rig.processes.kill('temporal');
    const runId = await rig.emit('fault.once');
    await rig.processes.kill('api');
    await rig.processes.restart('temporal');
    const since = await rig.restart('api');
    await rig.settle('api-after-accept-before-dispatch', [runId], since);
    expect(rig.sink.effects('/once')).toHaveLength(1);
  });

  it('api-while-deciding', async () => {
    const runId = await rig.emit('fault.keyed');
    const gate = await rig.openGate(runId, 'ok');
    await rig.processes.pause('temporal');
    const answer = rig.decide(gate, 'approve').catch(() => 'gone');
    await until('the decision is recorded', async () => {
      const { rows } = await rig.pool.query('SELECT 1 FROM gate_decisions WHERE gate_id = $1', [gate.gate_id]);
      return rows.length === 1;
    });
    await rig.processes.kill('api');
    expect(await answer).toBe('gone');
    await rig.processes.resume('temporal');
    const since = await rig.restart('api');
    await rig.settle('api-while-deciding', [runId], since);
    const { rows } = await rig.pool.query('SELECT status FROM gate_decisions WHERE gate_id = $1', [gate.gate_id]);
    expect(rows).toEqual([{ status: 'applied' }]);
  });
});
