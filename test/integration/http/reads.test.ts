import type { ClientBase } from 'pg';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readsOf, type Read } from '../../bench/reads-requests.js';
import { startApi, type ApiRig } from '../../support/api-rig.js';
import { fillCatalog } from '../../support/big-catalog.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';

const RUNS = 10_000;
/** Nobody listens there: what is read is in the catalog alone. */
const NO_TEMPORAL = '127.0.0.1:1';
/** Tables that grow with the runs, fast enough for a scan of them to be the wrong plan here already. */
const LARGE = new Set(['runs', 'steps', 'events', 'event_verdicts', 'artifacts', 'audit_log', 'step_attempts']);
/** Rows that one page may touch: a page has 51, and what is thrown away must not grow with the catalog. */
const MOST_ROWS = 3_000;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

let database: TestDatabase;
let api: ApiRig;
let reads: Read[];
/** Every statement that the API's connections were given, with its values. */
const statements: { text: string; values: unknown[] }[] = [];

/** Notes what goes to Postgres, whoever of Prisma and the pool sends it. */
function note(client: ClientBase): void {
  const send = client.query.bind(client) as (...args: unknown[]) => unknown;
  client.query = ((...args: unknown[]) => {
    const [query, values] = args as [string | { text: string; values?: unknown[] }, unknown];
    const text = typeof query === 'string' ? query : query.text;
    const given = typeof query === 'string' ? values : (query.values ?? values);
    statements.push({ text, values: Array.isArray(given) ? (given as unknown[]) : [] });
    return send(...args);
  }) as ClientBase['query'];
}

beforeAll(async () => {
  database = await freshDatabase();
  const { catalog, ownerUrl } = database;
  catalog.pool.on('connect', note);
  const filledAt = Date.now();
  await fillCatalog({ catalog, ownerUrl, runs: RUNS, say: () => undefined });
  reads = readsOf(RUNS, filledAt).filter(({ path }) => path.startsWith('/api/'));
  api = await startApi({ database, address: NO_TEMPORAL, taskQueue: randomUUID(), dispatch: false });
});
afterAll(async () => {
  await api.close();
  await database.drop();
});

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

async function plansOf(path: string): Promise<PlanNode[]> {
  statements.length = 0;
  const response = await fetch(`${api.server.url}${path}`);
  expect([path, response.status]).toEqual([path, 200]);
  await response.body?.cancel();
  const selects = statements.filter(({ text }) => /^\s*(?:SELECT|WITH)\b/i.test(text));
  expect(selects.length).toBeGreaterThan(0);
  const nodes: PlanNode[] = [];
  for (const { text, values } of selects) {
    const { rows } = await database.catalog.pool.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
      values,
    );
    for (const row of rows) nodes.push(...nodesOf(row['QUERY PLAN'][0].Plan));
  }
  return nodes;
}

it('no read of the API scans a table that grows, or throws away more than it shows', async () => {
  const wrong: string[] = [];
  for (const { name, path } of reads) {
    const nodes = await plansOf(path);
    for (const node of nodes) {
      const table = node['Relation Name'] ?? '';
      if (node['Node Type'] === 'Seq Scan' && LARGE.has(table)) wrong.push(`${name}: Seq Scan of ${table}`);
    }
    const rows = nodes
      .filter((node) => node['Relation Name'] !== undefined || node['Node Type'] === 'Bitmap Index Scan')
      .reduce(
        (sum, node) => sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
        0,
      );
    if (rows > MOST_ROWS) wrong.push(`${name}: ${rows} rows`);
  }
  expect(wrong).toEqual([]);
});
