import { describe, expect, it } from '@jest/globals';
import { ActionFailure, defineAction } from './action.js';

describe('failures of actions', () => {
  it('carry their facts and their message', () => {
    const facts = { code: 'http_status', message: 'no', retryable: false };
    const cause = new Error('why');
    expect(new ActionFailure(facts, { cause })).toMatchObject({ name: 'ActionFailure', message: 'no', facts, cause });
    expect(new ActionFailure(facts).cause).toBeUndefined();
  });
});

describe('defineAction', () => {
  it('changes nothing but the type', () => {
    const action = {} as Parameters<typeof defineAction>[0];
    expect(defineAction(action)).toBe(action);
  });
});
