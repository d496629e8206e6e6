import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../domain/json.js';
import { planOf } from '../../test/support/plans.js';
import { checkInputs, inputsOfEvent } from './inputs.js';

const plan = (properties: JsonObject, required: string[] = []) =>
  planOf([], { inputs: { type: 'object', additionalProperties: false, properties, required } });

describe('checkInputs', () => {
  it('fills in defaults once, and null for what is optional', () => {
    const declared = plan({ a: { type: 'string', default: 'x' }, b: { type: ['integer', 'null'] } });
    expect(checkInputs(declared, {})).toEqual({ inputs: { a: 'x', b: null } });
    expect(checkInputs(declared, { a: 'y', b: 2 })).toEqual({ inputs: { a: 'y', b: 2 } });
  });

  it('converts nothing', () => {
    const declared = plan({ n: { type: 'integer' } }, ['n']);
    expect(checkInputs(declared, { n: '5' })).toMatchObject({ code: 'input_invalid', problems: [{ path: '/n' }] });
    expect(checkInputs(declared, { n: 5.5 })).toMatchObject({ code: 'input_invalid' });
    expect(checkInputs(declared, { n: null })).toMatchObject({ code: 'input_invalid' });
    expect(checkInputs(declared, { n: 5 })).toEqual({ inputs: { n: 5 } });
  });

  it('names every missing and every unknown input', () => {
    const declared = plan({ a: { type: 'string' }, b: { type: 'string' } }, ['a', 'b']);
    expect(checkInputs(declared, {})).toMatchObject({
      code: 'input_missing',
      problems: [{ path: '/a' }, { path: '/b' }],
    });
    expect(checkInputs(declared, { a: '', b: '', constructor: 1 })).toMatchObject({
      code: 'input_unknown',
      problems: [{ path: '/constructor' }],
    });
  });

  it('knows dates and both forms of durations', () => {
    const declared = plan({ at: { type: 'string', format: 'date-time' }, d: { type: 'string', format: 'duration' } });
    expect(checkInputs(declared, { at: '2026-01-01T00:00:00Z', d: '1h30m' })).toHaveProperty('inputs');
    expect(checkInputs(declared, { d: 'PT5M' })).toHaveProperty('inputs');
    expect(checkInputs(declared, { at: 'tomorrow' })).toMatchObject({ code: 'input_invalid' });
    expect(checkInputs(declared, { d: 'soon' })).toMatchObject({ code: 'input_invalid' });
  });

  it('tells places and rules, never values', () => {
    const declared = plan({ p: { type: 'string', maxLength: 3 } });
    expect(JSON.stringify(checkInputs(declared, { p: 'hunter2' }))).not.toContain('hunter2');
  });

  it('refuses texts that cannot be stored', () => {
    expect(checkInputs(plan({ p: { type: 'string' } }), { p: 'a\u0000' })).toMatchObject({ code: 'input_invalid' });
  });
});

describe('inputsOfEvent', () => {
  it('takes declared fields only, and never a reference to a secret', () => {
    const declared = plan({ a: { type: 'string' }, key: { type: 'string', 'x-secret': true }, missing: {} });
    expect(inputsOfEvent(declared, { a: '1', key: 'ssh/ops', other: 2 })).toEqual({ a: '1' });
  });
});
