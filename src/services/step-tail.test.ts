import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { StepTail } from '../catalog/tail-store.js';
import { LiveTail } from './step-tail.js';

let written: StepTail[];
let dropped: number;
let failure: Error | undefined;
let problems: unknown[];
let tail: LiveTail;

beforeEach(() => {
  jest.useFakeTimers();
  [written, dropped, failure, problems] = [[], 0, undefined, []];
  tail = new LiveTail({
    store: {
      write: async (_step, _run, one) => {
        if (failure !== undefined) throw failure;
        written.push(one);
      },
      drop: async () => {
        dropped += 1;
      },
    },
    stepId: 's',
    runId: 'r',
    attempt: 2,
    onError: (error) => problems.push(error),
  });
});
afterEach(() => {
  jest.useRealTimers();
});

const line = (text: string) => ({ at: '2026-11-21T12:00:00.000Z', stream: 'stdout', text });
const texts = (): string[][] => written.map(({ lines }) => lines.map(({ text }) => text));

describe('the tail of a running attempt', () => {
  it('is written at most once a second, and goes when the log is there', async () => {
    tail.add([line('one')]);
    tail.add([line('two')]);
    await jest.advanceTimersByTimeAsync(500);
    expect(texts()).toEqual([['one', 'two']]);
    tail.add([line('three')]);
    await jest.advanceTimersByTimeAsync(900);
    expect(written).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(100);
    expect(written[1]).toMatchObject({ attempt: 2, counted: 3 });
    await jest.advanceTimersByTimeAsync(5_000);
    expect(written).toHaveLength(2);
    await tail.close();
    expect(dropped).toBe(1);
    tail.add([line('late')]);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(written).toHaveLength(2);
  });

  it('writes nothing for an attempt that ends at once', async () => {
    tail.add([line('one')]);
    await tail.close();
    await jest.advanceTimersByTimeAsync(5_000);
    expect([written.length, dropped]).toEqual([0, 0]);
  });

  it('holds the newest lines, without what Postgres does not take', async () => {
    tail.add(Array.from({ length: 300 }, (_, n) => line(`${n}`)));
    await jest.advanceTimersByTimeAsync(500);
    expect(written[0]?.counted).toBe(300);
    expect([texts()[0]?.length, texts()[0]?.[0]]).toEqual([200, '100']);
    tail.add(Array.from({ length: 100 }, () => line('x'.repeat(3_000))));
    tail.add([line('\0\uD800')]);
    await jest.advanceTimersByTimeAsync(1_000);
    const [, last] = texts();
    expect(last?.at(-1)).toBe('\uFFFD\uFFFD');
    expect(last?.join('').length).toBeLessThan(50 * 1024);
    expect(last?.[0]).toHaveLength(2_001);
  });

  it('goes on when the catalog was away, and says so once', async () => {
    failure = new Error('away');
    tail.add([line('one')]);
    await jest.advanceTimersByTimeAsync(500);
    tail.add([line('two')]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(problems).toEqual([failure]);
    failure = undefined;
    tail.add([line('three')]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(texts()).toEqual([['one', 'two', 'three']]);
  });
});
