import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectCatalog, type Catalog } from '../../src/catalog/connect.js';
import { recordWriter, type RecordBatch } from '../../src/catalog/records.js';
import type { Transition } from '../../src/domain/engine/state.js';
import { XynFault } from '../../src/domain/fault.js';
import { RecordBuffer, type RecordBufferOptions } from '../../src/services/record-buffer.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { endOf, insertRun, startOf, t0 } from '../support/records.js';
import { tcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

/** Less than what would pass if a test's own bounds did not hold. */
const USUAL_MS = 3_500;

let db: TestDatabase;
let proxy: TcpProxy;
let catalog: Catalog;
let run: string;
let buffer: RecordBuffer;
let batches: RecordBatch[];
let write: (batch: RecordBatch) => Promise<void>;
let logged: { level: string; facts: Record<string, unknown>; message: string }[];

beforeAll(async () => {
  db = await freshDatabase();
  const url = new URL(db.url);
  proxy = await tcpProxy({ host: url.hostname, port: Number(url.port) });
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  catalog = connectCatalog({ url: url.href, applicationName: 'xyn-test-buffer', poolSize: 3 });
});
afterAll(async () => {
  await catalog.close();
  await proxy.close();
  await db.drop();
});
beforeEach(async () => {
  run = await insertRun(db.catalog);
  batches = [];
  write = async (batch) => {
    batches.push(batch);
    await recordWriter(catalog).write(batch);
  };
  logged = [];
});
afterEach(async () => buffer.close(100));

function make({
  write: by = write,
  ...options
}: Partial<RecordBufferOptions> & { write?: typeof write } = {}): RecordBuffer {
  const log = (level: string) => (facts: Record<string, unknown>, message: string) => {
    logged.push({ level, facts, message });
  };
  buffer = new RecordBuffer({
    writer: { ...recordWriter(catalog), write: by },
    log: { warn: log('warn'), error: log('error') },
    // Longer than the product's, for busy machines; a test that is about it says its own.
    durableTimeoutMs: 30_000,
    ...options,
  });
  return buffer;
}

const path = (n: number): { path: string; id: string } => ({ path: `s${n}`, id: `s${n}` });
const count = async (table: string, where = 'true'): Promise<number> => {
  const { rows } = await db.catalog.pool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM ${table} WHERE run_id = $1 AND ${where}`,
    [run],
  );
  return rows[0]?.n ?? -1;
};
const ended: Transition = {
  t: 'end',
  status: 'completed',
  steps: { s0: 'completed', s1: 'completed' },
  seq: 9,
  at: t0 + 900,
};

describe('a record buffer', () => {
  it('waits a moment and writes what came together', async () => {
    make();
    for (let n = 0; n < 40; n += 1) buffer.end(endOf(run, path(n)));
    expect(batches).toHaveLength(0);
    await buffer.flush(30_000);
    expect(batches).toHaveLength(1);
    expect(await count('steps', `status = 'completed'`)).toBe(40);
    expect(buffer.counts).toEqual({ written: 40, refused: 0, dropped: 0 });
  });

  it('writes by itself after the linger, without a flush', async () => {
    make({ lingerMs: 10 });
    buffer.end(endOf(run, path(0)));
    await until('the rows are there', async () => (await count('steps')) === 1);
  });

  it('does not wait when the batch is full, and has one statement under way at a time', async () => {
    let open = 0;
    let most = 0;
    make({
      lingerMs: 60_000,
      batchRows: 10,
      maxStatementRows: 25,
      write: async (batch) => {
        open += 1;
        most = Math.max(most, open);
        batches.push(batch);
        await recordWriter(catalog).write(batch);
        open -= 1;
      },
    });
    for (let n = 0; n < 100; n += 1) buffer.end(endOf(run, path(n)));
    await until('the rows are there', async () => (await count('steps')) === 100);
    expect(most).toBe(1);
    expect(batches.map((batch) => batch.ends.length)).toEqual([10, 25, 25, 25, 15]);
  });

  it('commits `begin` at once, with its audit entry and whatever lies there', async () => {
    make({ lingerMs: 60_000 });
    buffer.end(endOf(run, path(0)));
    buffer.running(startOf(run, path(1)));
    await buffer.begin(startOf(run), [{ t: 'run', status: 'running', seq: 1, at: t0 }]);
    expect(batches).toHaveLength(1);
    expect(await count('audit_log')).toBe(1);
    expect(await count('steps')).toBe(3);
    expect(await count('runs', `status = 'running'`)).toBe(1);
  });

  it('commits the end of a run together with the steps that came before it', async () => {
    make({ lingerMs: 60_000 });
    buffer.end(endOf(run, path(0)));
    buffer.end(endOf(run, path(1)));
    await buffer.record(run, [ended]);
    expect(await count('runs', `status = 'completed' AND NOT needs_repair`)).toBe(1);
  });

  it('commits many at once in a few statements', async () => {
    make();
    await Promise.all(Array.from({ length: 200 }, async (_, n) => buffer.begin(startOf(run, path(n)), [])));
    expect(await count('audit_log')).toBe(200);
    expect(batches.length).toBeLessThanOrEqual(3);
  });

  it('isolates what Postgres refuses, writes the rest, and says which it was', async () => {
    make();
    for (let n = 0; n < 50; n += 1) buffer.end(endOf(run, path(n)));
    buffer.end(endOf(run, { path: 'bad', attempt: 3_000_000_000 }));
    buffer.end(endOf(run, { path: 'worse', ended_at: Number.NaN }));
    const refused = buffer.begin(startOf(run, { path: 'third', attempt: 3_000_000_000 }), []);
    await expect(refused).rejects.toMatchObject({ code: 'audit_unavailable' });
    await buffer.flush(30_000);
    expect(await count('steps')).toBe(50);
    expect(buffer.counts).toEqual({ written: 50, refused: 3, dropped: 0 });
    expect(logged.map((line) => line.facts['path']).sort()).toEqual(['bad', 'third', 'worse']);
    expect(await count('audit_log')).toBe(0);
  });

  it('closes: writes the rest and takes nothing more', async () => {
    make({ lingerMs: 60_000 });
    buffer.end(endOf(run, path(0)));
    await Promise.all([buffer.close(), buffer.close()]);
    expect(await count('steps')).toBe(1);
    buffer.end(endOf(run, path(1)));
    await expect(buffer.begin(startOf(run), [])).rejects.toMatchObject({ code: 'audit_unavailable' });
    await expect(buffer.record(run, [ended])).rejects.toMatchObject({ code: 'db_unavailable' });
    expect(buffer.counts.dropped).toBe(1);
  });
});

describe('while Postgres is away', () => {
  afterEach(async () => proxy.restore().catch(() => undefined));

  it('refuses what must be committed within its time, and keeps the rest until it is back', async () => {
    make({ durableTimeoutMs: 300 });
    buffer.running(startOf(run, path(0)));
    await buffer.flush(30_000);
    await proxy.cut();
    buffer.end(endOf(run, path(0)));
    const from = performance.now();
    await expect(buffer.begin(startOf(run), [])).rejects.toMatchObject({ code: 'audit_unavailable' });
    await expect(buffer.record(run, [ended])).rejects.toMatchObject({ code: 'db_unavailable' });
    expect(performance.now() - from).toBeLessThan(USUAL_MS);
    await expect(buffer.flush(100)).rejects.toMatchObject({ code: 'db_unavailable' });
    for (let n = 1; n < 300; n += 1) buffer.end(endOf(run, path(n)));
    await proxy.restore();
    await buffer.flush(30_000);
    expect(await count('steps', `status = 'completed'`)).toBe(300);
    expect(await count('steps', `path = 'fix'`)).toBe(0);
    expect(buffer.counts).toMatchObject({ refused: 0, dropped: 0 });
    expect(logged.filter((line) => line.level === 'warn')).toHaveLength(1);
  });

  it('commits `begin` when it is back in time', async () => {
    make();
    await proxy.cut();
    const begun = buffer.begin(startOf(run), []);
    await proxy.restore();
    await begun;
    expect(await count('audit_log')).toBe(1);
  });

  it('does not let a server that hangs hold up the answer', async () => {
    make({ durableTimeoutMs: 200 });
    buffer.running(startOf(run, path(0)));
    await buffer.flush(30_000);
    proxy.stall();
    try {
      await expect(buffer.begin(startOf(run), [])).rejects.toMatchObject({ code: 'audit_unavailable' });
    } finally {
      proxy.resume();
    }
    await buffer.flush(30_000);
  });

  it('lets go of running rows first, then of the oldest, and counts them', async () => {
    // Refused at once instead of by a cut connection: no row is on its way while others come.
    const refused = { now: true };
    make({
      maxRows: 10,
      write: (batch) => (refused.now ? Promise.reject(new Error('away')) : write(batch)),
    });
    for (let n = 0; n < 10; n += 1) buffer.end(endOf(run, path(n)));
    await expect(buffer.flush(50)).rejects.toThrow(XynFault);
    for (let n = 10; n < 14; n += 1) buffer.running(startOf(run, path(n)));
    for (let n = 14; n < 18; n += 1) buffer.end(endOf(run, path(n)));
    const kept = buffer.pending;
    refused.now = false;
    await buffer.flush(30_000);
    expect(buffer.counts.written).toBe(kept);
    expect(buffer.counts.written + buffer.counts.dropped).toBe(18);
    expect(await count('steps', `status = 'running'`)).toBe(0);
    expect(await count('steps', `path IN ('s14', 's15', 's16', 's17')`)).toBe(4);
    expect(logged.filter((line) => line.level === 'error')).toHaveLength(1);
  });

  it('keeps so many bytes while Postgres is away, whatever their number', async () => {
    make({ maxBytes: 1_000_000 });
    await proxy.cut();
    const large = (n: number) => endOf(run, { ...path(n), outputs: { text: 'x'.repeat(200_000) } });
    for (let n = 0; n < 20; n += 1) buffer.end(large(n));
    expect(buffer.pending).toBeLessThanOrEqual(5);
    await proxy.restore();
    await buffer.flush(30_000);
    expect(buffer.counts.dropped).toBeGreaterThanOrEqual(15);
    expect(await count('steps', `path = 's19' AND length(outputs->>'text') = 200000`)).toBe(1);
    // Nothing of what was written or dropped is still counted.
    for (let n = 20; n < 24; n += 1) buffer.end(large(n));
    await buffer.flush(30_000);
    expect(await count('steps', `path IN ('s20', 's21', 's22', 's23')`)).toBe(4);
  });

  it('closes within its bound and says what was lost', async () => {
    make();
    await proxy.cut();
    buffer.end(endOf(run, path(0)));
    const begun = buffer.begin(startOf(run), []);
    const from = performance.now();
    await Promise.all([expect(begun).rejects.toMatchObject({ code: 'audit_unavailable' }), buffer.close(200)]);
    expect(performance.now() - from).toBeLessThan(15_000);
    // What was under way when the time was up is counted when it has failed.
    await until('what was lost is counted', () => buffer.counts.dropped > 0);
  });
});
