import { describe, expect, it } from '@jest/globals';
import { ActionFailure, defineAction } from './action.js';
import { AgentFailure } from './agent.js';

describe('failures of actions and agents', () => {
  it('carry their facts, their message and what they cost', () => {
    const facts = { code: 'http_status', message: 'no', retryable: false };
    const cause = new Error('why');
    expect(new ActionFailure(facts, { cause })).toMatchObject({ name: 'ActionFailure', message: 'no', facts, cause });
    expect(new ActionFailure(facts).cause).toBeUndefined();
    const footprints = [{ metric: 'tokens_in', quantity: 1, unit: 'token' }];
    const failure = new AgentFailure(facts, footprints);
    expect(failure).toBeInstanceOf(ActionFailure);
    expect(failure.footprints).toEqual(footprints);
  });
});

describe('defineAction', () => {
  it('changes nothing but the type', () => {
    const action = {} as Parameters<typeof defineAction>[0];
    expect(defineAction(action)).toBe(action);
  });
});
