import { describe, expect, it } from '@jest/globals';
import { DEFAULT_LIMITS, type Plan } from './plan.js';
import { planDigest } from './plan-digest.js';

const plan: Plan = {
  format: 'xyn.plan/0',
  language: 'xyn/v1',
  id: 'bp.a',
  digest: 'sha256:x',
  source: 'sha256:y',
  actions: {},
  children: {},
  policy: { risk: 'low', tests_required: false },
  limits: DEFAULT_LIMITS,
  inputs: { type: 'object' },
  outputs: {},
  triggers: [],
  root: { do: [], rollback: 'manual' },
  nodes: [],
};

describe('planDigest', () => {
  it('is the same whatever the order of keys, the source and the digest in it', () => {
    const turned = Object.fromEntries(Object.entries(plan).reverse()) as unknown as Plan;
    const digest = planDigest(plan);
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(planDigest({ ...turned, digest: '', source: 'sha256:z' })).toBe(digest);
  });

  it('changes with everything else', () => {
    expect(planDigest({ ...plan, id: 'bp.b' })).not.toBe(planDigest(plan));
    expect(planDigest({ ...plan, policy: { risk: 'high', tests_required: false } })).not.toBe(planDigest(plan));
  });
});
