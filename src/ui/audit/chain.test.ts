import { describe, expect, it } from '@jest/globals';
import { Parts } from '../parts/parts.js';
import { chainDrawing } from './chain.js';
import type { AuditStateView, CheckView } from './state.js';

const at = '2026-11-22T10:00:00.000Z';
const ui = new Parts({ now: Date.parse(at) + 60_000, zone: 'UTC' });
const hashOf = (seq: number): string => String(seq).padStart(64, '0');
const links = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => ({ seq: from + n, hash: hashOf(from + n) }));
const head = (seq: number, hash = hashOf(seq)) => ({ seq, hash, at });
type Problem = NonNullable<CheckView['report']['first_problem']>;
const found = (problem: Problem): CheckView => ({
  report: { ok: false, linked: problem.seq ?? 0, heads: 1, first_problem: problem },
  at,
  tookMs: 1,
});

function draw(over: Partial<AuditStateView>): string {
  const state: AuditStateView = {
    head: { seq: 60, hash: hashOf(60), linked_at: new Date(at) },
    since: new Date(at),
    pending: 0,
    last: null,
    checkingSince: null,
    shown: links(37, 60),
    signed: [head(60)],
    ...over,
  };
  return chainDrawing(state, ui).toString().replaceAll(/\s+/g, ' ');
}
const label = (drawing: string): string => /aria-label="([^"]*)"/.exec(drawing)?.[1] ?? '';
const lookOf = (drawing: string): string[] =>
  [...drawing.matchAll(/<i(?: class="(\w+)")?>/g)].map(([, look = '']) => look);

describe('the drawing of the chain', () => {
  it('is not there before the first link', () => {
    expect(draw({ head: null, shown: [] })).toBe('');
  });

  it('ends with the newest link, and at most three entries that wait for theirs', () => {
    const looks = lookOf(draw({ pending: 12 }));
    expect(looks.slice(22)).toEqual(['', 'newest', 'waits', 'waits', 'waits']);
  });

  it('shows the link after one that is missing', () => {
    const around = [...links(30, 46), ...links(48, 54)];
    const drawing = draw({ shown: around, last: found({ kind: 'gap', seq: 47, message: '' }) });
    expect(label(drawing)).toBe('Links 30 to 54, link 48 does not fit');
    expect(lookOf(drawing)[17]).toBe('bad');
  });

  it('accuses no link when a head was forged', () => {
    const drawing = draw({ last: found({ kind: 'head_signature', seq: 50, message: '' }) });
    expect(lookOf(drawing)).not.toContain('bad');
  });

  it('says that a signed head names another hash before anybody verified', () => {
    const drawing = draw({ signed: [head(50), head(60, 'e'.repeat(64))] });
    expect(label(drawing)).toBe('Links 37 to 60, link 60 does not fit, 1 signed head');
    expect(drawing).toMatch(/names another hash for link 60: verify/);
  });

  it('tells the times of signed links where there is room for the words, on a phone too', () => {
    const told = (state: Partial<AuditStateView>): number[] =>
      [...draw(state).matchAll(/<i(?: class="\w+")?>(<b>(signed)?)?/g)].flatMap(([, , words], index) =>
        words === undefined ? [] : [index],
      );
    expect(told({ signed: links(37, 60).map(({ seq }) => head(seq)) })).toEqual([6, 11, 18, 23]);
    expect(told({ signed: [head(51)] })).toEqual([]);
    expect(told({ signed: [{ ...head(60), at: '2026-11-20T10:00:00.000Z' }] })).toEqual([23]);
  });
});
