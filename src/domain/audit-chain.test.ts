import { describe, expect, it } from '@jest/globals';
import { GENESIS, linkText, type CanonicalEntry } from './audit-chain.js';
import { canonicalJson } from './json.js';

const full: CanonicalEntry = {
  audit_id: '9007199254740993',
  key: 'gate/"1"',
  at: '2026-11-21T12:00:00.123Z',
  actor: 'ann\u2028\n',
  action: 'gate.decide',
  resource_type: 'gate',
  resource_id: 'ü€😀',
  reason: '',
  before: {},
  after: { z: [1, null, { b: 1e21, a: -0 }], a: 'ü', '😀': 1.5, '\ufb33': true },
  run_id: 'b0c7f9e6-6c7b-5f3e-9d2a-222222222222',
  step_id: 'b0c7f9e6-6c7b-5f3e-9d2a-111111111111',
  correlation_id: 'c',
  env_id: 'local',
  layer: 'operator',
  owner_org_id: 'local',
};

describe('the text of a link', () => {
  it('is the hash before it and the RFC 8785 form of the entry', () => {
    const { reason: _reason, before: _before, step_id: _step, ...partial } = full;
    for (const entry of [full, partial, { audit_id: '1' }]) {
      expect(linkText(GENESIS, entry)).toBe(`${GENESIS}\n${canonicalJson(entry)}`);
    }
  });

  it('stays what it was: stored chains were made with it', () => {
    const entry = { audit_id: '7', at: '2026-11-21T12:00:00.000Z', actor: 'ann', after: { b: 1, a: [true] } };
    expect(linkText('ff', entry)).toBe(
      'ff\n{"actor":"ann","after":{"a":[true],"b":1},"at":"2026-11-21T12:00:00.000Z","audit_id":"7"}',
    );
  });
});
