import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { RecordBatch } from '../catalog/records.js';
import type { AttemptEnd, AttemptStart } from '../domain/records.js';
import { RecordBuffer, type RecordBufferOptions } from './record-buffer.js';

const start: AttemptStart = {
  run_id: '00000000-0000-4000-8000-000000000000',
  path: 'fix',
  id: 'fix',
  name: 'fix',
  kind: 'action_task',
  action: 'http.call',
  effect: 'write',
  seq: 1,
  attempt: 1,
  input: {},
  key: 'k',
  worker: 'w',
  started_at: 0,
};
const end: AttemptEnd = { ...start, ended_at: 1, status: 'completed', footprints: [] };

/** Timers that this file's code has set and that have neither fired nor been cleared. */
const live = new Set<unknown>();
const timers = (): number => live.size;
const { setTimeout: set, clearTimeout: clear } = globalThis;
beforeAll(() => {
  jest.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, delayMs: number) => {
    const timer = set(() => {
      live.delete(timer);
      work();
    }, delayMs);
    live.add(timer);
    return timer;
  }) as never);
  jest.spyOn(globalThis, 'clearTimeout').mockImplementation(((timer: NodeJS.Timeout | undefined) => {
    live.delete(timer);
    clear(timer);
  }) as never);
});
afterAll(() => {
  jest.restoreAllMocks();
});

let logged: string[];
let batches: RecordBatch[];
beforeEach(() => {
  logged = [];
  batches = [];
});

/** A buffer over a writer that does as it is told: what is tested here is time and order, not Postgres. */
function bufferOver(
  answer: (batch: RecordBatch) => Promise<void>,
  options: Partial<RecordBufferOptions> = {},
): RecordBuffer {
  const log = (_facts: Record<string, unknown>, message: string): void => {
    logged.push(message);
  };
  return new RecordBuffer({
    writer: {
      async write(batch) {
        batches.push(batch);
        await answer(batch);
      },
      isRefusal: (error) => error instanceof RangeError,
    },
    log: { warn: log, error: log },
    lingerMs: 60_000,
    ...options,
  });
}

describe('a record buffer', () => {
  it('leaves no timer behind', async () => {
    const before = timers();
    const buffer = bufferOver(async () => Promise.resolve());
    buffer.end(end);
    expect(timers()).toBe(before + 1);
    await buffer.begin(start, []);
    await buffer.record(start.run_id, []);
    expect(batches).toHaveLength(1);
    buffer.end(end);
    await buffer.close();
    expect(batches).toHaveLength(2);
    expect(timers()).toBe(before);
    expect(buffer.pending).toBe(0);
  });

  it('leaves no timer behind when nothing could be written, not even after the last statement fails', async () => {
    const before = timers();
    let fail: (error: Error) => void = () => undefined;
    const buffer = bufferOver(async () => new Promise((_, reject) => (fail = reject)));
    buffer.end(end);
    const begun = buffer.begin(start, []);
    await Promise.all([expect(begun).rejects.toMatchObject({ code: 'audit_unavailable' }), buffer.close(20)]);
    expect(timers()).toBe(before);
    fail(new Error('gone'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(timers()).toBe(before);
    expect(buffer.counts).toEqual({ written: 0, refused: 0, dropped: 1 });
  });

  it('leaves no timer behind when it stops between two tries', async () => {
    const before = timers();
    const buffer = bufferOver(async () => Promise.reject(new Error('away')));
    buffer.end(end);
    await buffer.close(150);
    expect(batches.length).toBeGreaterThan(1);
    expect(timers()).toBe(before);
    expect(buffer.counts.dropped).toBe(1);
  });

  it('makes the many that wait share statements', async () => {
    const buffer = bufferOver(async () => new Promise((resolve) => set(resolve, 20)), { maxShareMs: 5_000 });
    const begin = async (path: string) => buffer.begin({ ...start, path }, []);
    await begin('a');
    await begin('b');
    // Two statements of 20 ms: the next one begins 160 ms after the first.
    await Promise.all(['c', 'd', 'e'].map(begin));
    expect(batches.map(({ begins }) => begins.length)).toEqual([1, 1, 3]);
    await buffer.close();
  });

  it('tries smaller batches while they fail, and whole ones again after that', async () => {
    let failures = 4;
    const buffer = bufferOver(
      async () => {
        failures -= 1;
        return failures >= 0 ? Promise.reject(new Error('too slow')) : Promise.resolve();
      },
      { maxStatementRows: 16, batchRows: 40 },
    );
    for (let n = 0; n < 40; n += 1) buffer.end(end);
    await buffer.flush(5_000);
    expect(batches.map((batch) => batch.ends.length)).toEqual([16, 8, 4, 2, 1, 16, 16, 7]);
    expect(logged).toEqual(['records wait for Postgres']);
  });

  it('puts those that somebody waits for before a backlog', async () => {
    let release: () => void = () => undefined;
    const buffer = bufferOver(async () => new Promise((resolve) => (release = resolve)), {
      maxStatementRows: 5,
      batchRows: 5,
    });
    for (let n = 0; n < 30; n += 1) buffer.end(end);
    const begun = buffer.begin(start, []);
    release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches[1]).toMatchObject({ begins: [start], ends: [end, end, end, end] });
    release();
    await begun;
    const closed = buffer.close(10);
    await closed;
  });

  it('never lets go of rows that somebody waits for to make room', async () => {
    const buffer = bufferOver(async () => Promise.reject(new Error('away')), { maxRows: 2, durableTimeoutMs: 40 });
    const begun = buffer.begin(start, []);
    const second = buffer.begin(start, []);
    for (let n = 0; n < 5; n += 1) buffer.end(end);
    await Promise.all(
      [begun, second].map(async (one) => expect(one).rejects.toMatchObject({ code: 'audit_unavailable' })),
    );
    await buffer.close(10);
    expect(buffer.counts.dropped).toBe(5);
  });

  it('writes no statement of more than so many bytes, except for one row, and what is waited for first', async () => {
    let release = (): void => undefined;
    const first = new Promise<void>((resolve) => (release = resolve));
    const buffer = bufferOver(async () => first, { maxStatementBytes: 3_000_000 });
    const large = (n: number): AttemptEnd => ({ ...end, path: `p${n}`, outputs: { text: 'x'.repeat(1_000_000) } });
    buffer.end(large(0));
    const flushed = buffer.flush(5_000);
    for (let n = 1; n < 10; n += 1) buffer.end(large(n));
    buffer.end({ ...large(10), outputs: { text: 'x'.repeat(5_000_000) } });
    const begun = buffer.begin(start, []);
    release();
    await Promise.all([flushed, begun]);
    await buffer.flush(5_000);
    expect(batches.map(({ begins, ends }) => [begins.length, ends.length])).toEqual([
      [0, 1],
      [1, 2],
      [0, 2],
      [0, 2],
      [0, 2],
      [0, 1],
      [0, 1],
    ]);
    await buffer.close();
  });
});
