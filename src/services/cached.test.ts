import { describe, expect, it } from '@jest/globals';
import { cached } from './cached.js';

/** A clock that is set by hand, and readings that end when they are told to. */
function ground(maxAgeMs = 1_000) {
  let now = 0;
  const readings: { give: (value: string) => void; fail: (error: Error) => void }[] = [];
  const read = () => new Promise<string>((give, fail) => readings.push({ give, fail }));
  return { value: cached(maxAgeMs, () => now, read), readings, at: (ms: number) => (now = ms) };
}

/** The same 800 ms after `a` was read: old enough to be read again beforehand. */
async function aged() {
  const all = ground();
  void all.value();
  all.readings[0]?.give('a');
  await all.value();
  all.at(800);
  return all;
}

describe('a value that may be a little old', () => {
  it('is read once for all who ask while it is read, and kept', async () => {
    const { value, readings, at } = ground();
    const asked = [value(), value()];
    readings[0]?.give('a');
    expect(await Promise.all(asked)).toEqual(['a', 'a']);
    at(700);
    expect(await value()).toBe('a');
    expect(readings).toHaveLength(1);
  });

  it('is read again before it is too old, and nobody waits for that', async () => {
    const { value, readings, at } = await aged();
    expect(await value()).toBe('a');
    expect(await value()).toBe('a');
    expect(readings).toHaveLength(2);
    readings[1]?.give('b');
    await Promise.resolve();
    expect(await value()).toBe('b');
    at(1_500);
    expect(await value()).toBe('b');
  });

  it('is never older than its age: who asks then waits for the reading that is under way', async () => {
    const { value, readings, at } = await aged();
    await value();
    at(1_000);
    const asked = value();
    readings[1]?.give('b');
    expect(await asked).toBe('b');
    expect(readings).toHaveLength(2);
  });

  it('is what it was while a reading beforehand fails, and who waits for one is told', async () => {
    const { value, readings, at } = await aged();
    await value();
    readings[1]?.fail(new Error('down'));
    await new Promise(setImmediate);
    at(900);
    expect(await value()).toBe('a');
    readings[2]?.fail(new Error('down'));
    await new Promise(setImmediate);
    at(2_000);
    const asked = value();
    readings[3]?.fail(new Error('still down'));
    await expect(asked).rejects.toThrow('still down');
    const again = value();
    readings[4]?.give('c');
    expect(await again).toBe('c');
  });
});
