import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EventStore } from '../../../src/catalog/event-store.js';
import { ArtifactRecords } from '../../../src/catalog/artifact-records.js';
import { GateStore } from '../../../src/catalog/gate-store.js';
import { RunStore } from '../../../src/catalog/run-store.js';
import { sharedKey } from '../../../src/catalog/signing-keys.js';
import { auditLog } from '../../../src/catalog/audit.js';
import type { Prisma } from '../../../src/catalog/generated/client.js';
import { ask, startApi, type Answer, type ApiRig } from '../../support/api-rig.js';
import { asAdmin, freshDatabase, type TestDatabase } from '../../support/database.js';

const ROWS = 10_000;
/** Nobody listens there: what is listed is in the catalog alone. */
const NO_TEMPORAL = '127.0.0.1:1';
let database: TestDatabase;
let api: ApiRig;

beforeAll(async () => {
  database = await freshDatabase();
  await asAdmin(database.ownerUrl, [
    `INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, run_id, data, matched_at, dispatched_at)
     SELECT gen_random_uuid(), CASE n % 3 WHEN 0 THEN 'disk.full' WHEN 1 THEN 'disk.smart.failed' ELSE 'load.high' END,
       '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 s', 'local', 'actor' || n % 50, 'c' || n / 10,
       md5((n / 20)::text)::uuid, jsonb_build_object('n', n), now(), now() FROM generate_series(1, ${ROWS}) n`,
    `INSERT INTO runs (run_id, name, blueprint_id, digest, status, trigger, inputs, actor, correlation_id, env_id, env, created_at, completed_at)
     SELECT md5(n::text)::uuid, 'run ' || n, 'bp.' || n % 20, 'd', CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'completed' END,
       CASE WHEN n % 10 = 0 THEN 'manual' ELSE 'disk.full' END, '{}', 'actor' || n % 50, 'c' || n / 10, 'local', '{}',
       '2026-01-01T00:00:00Z'::timestamptz + (n / 4) * interval '1 s', now() FROM generate_series(1, ${ROWS}) n`,
    `INSERT INTO gates (gate_id, run_id, step_id, path, purpose, approvers, require, reject, reason, status, binds, seq, opened_at)
     SELECT gen_random_uuid(), md5(n::text)::uuid, gen_random_uuid(), 'ok', 'approval', '[]', 1, 1, 'optional',
       CASE WHEN n % 100 = 0 THEN 'open' ELSE 'approved' END, '[]', 1,
       '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 s' FROM generate_series(1, ${ROWS}) n`,
    `INSERT INTO artifacts (artifact_id, name, kind, content_type, byte_length, sha256, created_at, created_by, run_id)
     SELECT gen_random_uuid(), 'a' || n, CASE WHEN n % 100 = 0 THEN 'report' ELSE 'log' END, 'text/plain', 1, md5(n::text),
       '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 s', 'ann', md5((n / 5)::text)::uuid FROM generate_series(1, ${ROWS}) n`,
    `INSERT INTO audit_log (key, at, actor, action, resource_type, resource_id, run_id, env_id)
     SELECT 'k' || n, now(), 'actor' || n % 50, 'act.' || n % 30, 'run', n::text, md5((n / 5)::text)::uuid, 'local'
     FROM generate_series(1, ${ROWS}) n`,
    'ANALYZE',
  ]);
  api = await startApi({ database, address: NO_TEMPORAL, taskQueue: 'none', dispatch: false });
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const get = (target: string): Promise<Answer> => ask(api.server.url, 'GET', `/api/v1${target}`);

async function all(target: string, between: () => Promise<void> = async () => undefined): Promise<unknown[]> {
  const items: unknown[] = [];
  let cursor: string | null = null;
  do {
    const page: Answer = await get(
      `${target}${target.includes('?') ? '&' : '?'}limit=200${cursor === null ? '' : `&cursor=${cursor}`}`,
    );
    expect(page.status).toBe(200);
    items.push(...(page.body.items as unknown[]));
    cursor = page.body.next_cursor as string | null;
    await between();
  } while (cursor !== null);
  return items;
}

it.each([
  ['/events?event_name=disk.full', 3_333],
  ['/events?event_name=disk.*', 3_333],
  ['/events?event_name=disk.**', 6_667],
  ['/events?event_name=cpu.**', 0],
  ['/events?actor=actor7&event_name=disk.full', 67],
  ['/events?correlation_id=c3', 10],
  ['/events?from=2026-01-01T00:00:10Z&to=2026-01-01T00:00:20Z', 10],
  ['/events?from=2026-01-01T00:00:10Z&to=2026-01-01T00:00:10Z', 0],
  ['/runs?status=failed', 100],
  ['/runs?blueprint_id=bp.3', 500],
  ['/runs?trigger=manual&status=failed', 100],
  ['/runs?actor=actor7', 200],
  ['/runs?created_from=2026-01-01T00:00:10Z&created_to=2026-01-01T00:00:20Z', 40],
  ['/runs?created_from=2026-01-01T02:00:10%2B02:00&created_to=2026-01-01T00:00:20Z', 40],
  ['/gates?status=open', 100],
  ['/artifacts?kind=report', 100],
  ['/audit?actor=actor7', 200],
  ['/audit?action=act.7', 334],
])('%s finds %d', async (target, count) => {
  const items = (await all(target)) as { event_id?: string }[];
  expect(items).toHaveLength(count);
  expect(new Set(items.map((item) => JSON.stringify(item))).size).toBe(count);
});

it.each([
  '/events?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
  '/runs?created_from=2026-01-02T00:00:00Z&created_to=2026-01-01T00:00:00Z',
])('%s is refused: it ends before it begins', async (target) => {
  const answer = await get(target);
  expect([answer.status, answer.body.error.code]).toEqual([422, 'range_invalid']);
});

it('neither skips nor repeats a row while others come in', async () => {
  let added = 0;
  const before = await database.catalog.pool.query<{ run_id: string }>('SELECT run_id FROM runs');
  const seen = (await all('/runs', async () => {
    added += 1;
    await database.catalog.pool.query(
      `INSERT INTO runs (run_id, name, blueprint_id, digest, status, trigger, inputs, actor, correlation_id, env_id, env)
       VALUES (gen_random_uuid(), 'new', 'bp', 'd', 'completed', 'manual', '{}', 'a', 'c', 'local', '{}')`,
    );
  })) as { run_id: string }[];
  expect(added).toBeGreaterThan(40);
  expect(seen.map((run) => run.run_id).sort()).toEqual(before.rows.map((run) => run.run_id).sort());
});

it('signs cursors with a key that all processes on the catalog share', async () => {
  const key = await sharedKey(database.catalog, 'cursor')();
  expect(key).toMatch(/^[\w-]{43}$/);
  expect(await sharedKey(database.catalog, 'cursor')()).toBe(key);
  expect(await sharedKey(database.catalog, 'other')()).not.toBe(key);
  const { body } = await get('/runs?limit=1');
  const [, position] = JSON.parse(Buffer.from(body.next_cursor as string, 'base64url').toString()) as [string, object];
  const forged = Buffer.from(JSON.stringify(['A'.repeat(16), position])).toString('base64url');
  const answer = await get(`/runs?limit=1&cursor=${forged}`);
  expect([answer.status, answer.body.error.code]).toEqual([400, 'cursor_invalid']);
});

const runId = 'c4ca4238-a0b9-2382-0dcc-509a6f75849b';
const cursorTime = '2026-01-01T00:20:00.000Z';
type Tx = Prisma.TransactionClient;
const lists: [string, string, (tx: Tx) => Promise<unknown>][] = [
  ...[
    {},
    { actor: 'actor7' },
    { correlation_id: 'c3' },
    { run_id: runId },
    { event_name: 'disk.full' },
    { event_name: 'disk.*' },
    { from: '2026-01-01T00:00:10Z', to: '2026-01-01T00:00:20Z' },
  ].map((filter): [string, string, (tx: Tx) => Promise<unknown>] => [
    'events',
    JSON.stringify(filter),
    (tx) => new EventStore(tx).list(filter, 50, { seq: '9000' }),
  ]),
  ...[
    {},
    { status: 'failed' as const },
    { blueprint_id: 'bp.3' },
    { trigger: 'manual' },
    { actor: 'actor7' },
    { correlation_id: 'c3' },
    { event_id: runId },
    { created_from: '2026-01-01T00:00:10Z', created_to: '2026-01-01T00:10:20Z' },
  ].map((filter): [string, string, (tx: Tx) => Promise<unknown>] => [
    'runs',
    JSON.stringify(filter),
    (tx) => new RunStore(tx).list(filter, 50, { created_at: cursorTime, run_id: runId }),
  ]),
  ...[{}, { status: 'open' as const }, { run_id: runId }].map(
    (filter): [string, string, (tx: Tx) => Promise<unknown>] => [
      'gates',
      JSON.stringify(filter),
      (tx) => new GateStore(tx).list(filter, 50, { opened_at: cursorTime, gate_id: runId }),
    ],
  ),
  ...[{}, { kind: 'report' }, { run_id: runId }].map((filter): [string, string, (tx: Tx) => Promise<unknown>] => [
    'artifacts',
    JSON.stringify(filter),
    (tx) => new ArtifactRecords(tx).list(filter, 50, { created_at: cursorTime, artifact_id: runId }),
  ]),
  ...[{}, { actor: 'actor7' }, { action: 'act.7' }, { run_id: runId }, { resource_type: 'run', resource_id: '7' }].map(
    (filter): [string, string, (tx: Tx) => Promise<unknown>] => [
      'audit_log',
      JSON.stringify(filter),
      (tx) => auditLog({ prisma: tx as never }).list({ ...filter, limit: 50, beforeId: '9000' }),
    ],
  ),
];

/** What this connection read of a table since it last told the server. */
async function readsOf(tx: Tx, table: string): Promise<{ scans: number; rows: number }> {
  const [counts] = await tx.$queryRaw<{ scans: number; rows: number }[]>`
    SELECT seq_scan::int AS scans, (seq_tup_read + coalesce(idx_tup_fetch, 0))::int AS rows
    FROM pg_stat_xact_user_tables WHERE relname = ${table}`;
  return counts ?? { scans: 0, rows: 0 };
}

it.each(lists)('an index serves %s by %s', async (table, _filter, list) => {
  const [before, after] = await database.catalog.prisma.$transaction(async (tx) => {
    const start = await readsOf(tx, table);
    await list(tx);
    return [start, await readsOf(tx, table)];
  });
  expect(after.scans - before.scans).toBe(0);
  expect(after.rows - before.rows).toBeLessThan(ROWS / 4);
});
