import { describe, expect, it } from '@jest/globals';
import { StatementPace } from './statement-pace.js';

describe('the pace of statements', () => {
  it('lets the first and the second go at once', () => {
    const pace = new StatementPace(15);
    expect(pace.nextAt()).toBe(-Infinity);
    pace.took(0, 3);
    expect(pace.nextAt()).toBe(-Infinity);
  });

  it('keeps statements to a quarter of the time', () => {
    const pace = new StatementPace(15);
    pace.took(0, 3);
    pace.took(3, 5);
    expect(pace.nextAt()).toBe(20);
    pace.took(20, 22);
    expect(pace.nextAt()).toBe(19);
  });

  it('holds nobody up for longer than it may', () => {
    const pace = new StatementPace(15);
    pace.took(0, 100);
    pace.took(100, 2_100);
    expect(pace.nextAt()).toBe(2_115);
  });
});
