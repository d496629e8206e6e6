import { describe, expect, it } from '@jest/globals';
import { XynFault } from './fault.js';

describe('XynFault', () => {
  it('knows by its code whether the same call may succeed later', () => {
    expect(new XynFault('db_unavailable', 'away').retryable).toBe(true);
    expect(new XynFault('not_found', 'gone').retryable).toBe(false);
  });

  it('keeps its cause and details', () => {
    const cause = new Error('why');
    const fault = new XynFault('internal', 'oops', { cause, details: { a: 1 } });
    expect(fault).toMatchObject({ code: 'internal', message: 'oops', cause, details: { a: 1 } });
    expect('cause' in new XynFault('internal', 'oops')).toBe(false);
  });
});
