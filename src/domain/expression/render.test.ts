import { describe, expect, it } from '@jest/globals';
import type { Json } from '../json.js';
import type { Val } from '../plan.js';
import type { EvaluationError } from './evaluation-error.js';
import type { EvalScope } from './evaluate.js';
import { render, renderRecord } from './render.js';

function scope(variables: Record<string, Json>): EvalScope {
  return { variable: (name) => variables[name], cost: { left: 100_000 } };
}

const n: Val = { $: ['v', 'n'] };

function codeOf(val: Val, variables: Record<string, Json>): string {
  try {
    return `no error but ${JSON.stringify(render(val, scope(variables)))}`;
  } catch (error) {
    return (error as EvaluationError).code;
  }
}

describe('render', () => {
  it('keeps the type of a whole placeholder, and gives text otherwise', () => {
    expect(render(n, scope({ n: 5 }))).toBe(5);
    expect(render({ $: ['t', 'n=', ['v', 'n']] }, scope({ n: 5 }))).toBe('n=5');
    expect(render({ $: ['t', ' ', ['v', 'n']] }, scope({ n: 5 }))).toBe(' 5');
  });

  it('gives null for a whole placeholder and fails in text', () => {
    expect(render(n, scope({ n: null }))).toBeNull();
    expect(codeOf({ $: ['t', 'a', ['v', 'n']] }, { n: null })).toBe('input_missing');
    expect(codeOf({ $: ['t', 'a', ['v', 'n']] }, { n: [] })).toBe('type_mismatch');
    expect(codeOf({ $: ['t', 'a', ['v', 'zzz']] }, {})).toBe('expression_error');
    expect(codeOf({ $: ['v', 'zzz'] }, {})).toBe('expression_error');
  });

  it('finds templates at any depth and leaves the rest alone', () => {
    const val: Val = { a: [1, { b: n, c: 'x' }], d: { e: ['v', 'n'] }, q: { $: ['q', { $: ['v', 'n'] }] } };
    expect(render(val, scope({ n: 5 }))).toStrictEqual({
      a: [1, { b: 5, c: 'x' }],
      d: { e: ['v', 'n'] },
      q: { $: ['v', 'n'] },
    });
  });

  it('does not look again at what comes out', () => {
    const hostile = { $: ['v', 'secret'], text: '{{ inputs.x }}', secret: 'a' };
    expect(render({ data: n }, scope({ n: hostile }))).toStrictEqual({ data: hostile });
  });

  it('shares literal parts with the plan', () => {
    const literal: Val = { argv: ['a', 'b'], nothing: null };
    const val: Val = { literal, n };
    expect(render(literal, scope({}))).toBe(literal);
    expect((render(val, scope({ n: 1 })) as { literal: Json }).literal).toBe(literal);
  });

  it('keeps hostile keys as data', () => {
    const rendered = renderRecord(
      JSON.parse('{"__proto__": {"$": ["v", "n"]}, "a": 1}') as Record<string, Val>,
      scope({ n: 5 }),
    );
    expect(Object.entries(rendered)).toEqual([
      ['__proto__', 5],
      ['a', 1],
    ]);
    expect(Object.getPrototypeOf(rendered)).toBe(Object.prototype);
  });

  it('bounds a text, however it came about', () => {
    expect(codeOf(n, { n: 'x'.repeat(65_536) })).toContain('no error');
    expect(codeOf(n, { n: 'x'.repeat(65_537) })).toBe('render_too_large');
    expect(codeOf(n, { n: 'ü'.repeat(32_769) })).toBe('render_too_large');
  });
});
