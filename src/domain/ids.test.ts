import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { uuidV5 } from './hash.js';
import {
  engineEventIdOf,
  gateIdOf,
  idempotencyKeyOf,
  runIdOf,
  runIdOfWorkflow,
  stepIdOf,
  workflowIdOf,
} from './ids.js';

const EVENT = '0b9e1bd4-7f8e-4f5f-9d6a-3a6c8f0c2f11';

describe('ids', () => {
  const run = runIdOf(EVENT, 'bp.alert');

  it('are UUIDs that follow from their parts', () => {
    expect(run).toBe(uuidV5(EVENT, 'bp.alert'));
    expect(run).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(stepIdOf(run, 'a.b[1]')).toBe(uuidV5(run, 'a.b[1]'));
  });

  it('differ for the step, its gate and events of one path', () => {
    const ids = [
      stepIdOf(run, 'ok'),
      gateIdOf(run, 'ok'),
      engineEventIdOf(run, 'xyn.gate.opened', 'ok'),
      engineEventIdOf(run, 'xyn.gate.decided', 'ok'),
      engineEventIdOf(run, 'xyn.gate.opened', 'other'),
      stepIdOf(runIdOf(EVENT, 'bp.other'), 'ok'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('give the same key for every attempt of a step', () => {
    expect(idempotencyKeyOf(run, 'fix')).toMatch(/^[a-z2-7]{26}$/);
    expect(idempotencyKeyOf(run, 'fix')).toBe(idempotencyKeyOf(run, 'fix'));
    const firstByte = createHash('sha256').update(`${run}/fix`).digest()[0] as number;
    expect('abcdefghijklmnopqrstuvwxyz234567'.indexOf(idempotencyKeyOf(run, 'fix').charAt(0))).toBe(firstByte >> 3);
  });

  it('name the workflow of a run, and back', () => {
    expect(workflowIdOf(run)).toBe(`run/${run}`);
    expect(runIdOfWorkflow(`run/${run}`)).toBe(run);
    expect(runIdOfWorkflow('schedule/1')).toBeUndefined();
  });
});
