import { describe, expect, it } from '@jest/globals';
import { redacted } from './redaction.js';

describe('redacted', () => {
  const rule = { input: ['auth.password', 'headers.Authorization'] };

  it('takes out the fields of one side, whatever the case of their names', () => {
    const input = { auth: { password: 'x', user: 'ann' }, headers: { authorization: 'y', a: '1' }, url: 'u' };
    expect(redacted(input, rule, 'input')).toEqual({
      auth: { password: '[redacted]', user: 'ann' },
      headers: { authorization: '[redacted]', a: '1' },
      url: 'u',
    });
    expect(input.auth.password).toBe('x');
  });

  it('leaves what has no rule, and what is no map', () => {
    expect(redacted({ a: 1 }, undefined, 'input')).toEqual({ a: 1 });
    expect(redacted({ a: 1 }, rule, 'output')).toEqual({ a: 1 });
    expect(redacted({ auth: 'text' }, rule, 'input')).toEqual({ auth: 'text' });
    expect(redacted({ a: 1 }, { input: [''] }, 'input')).toEqual({ a: 1 });
  });
});
