import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FootprintDayStore } from '../../src/catalog/footprint-days.js';
import { FootprintDays } from '../../src/services/footprint-days.js';
import { startScreens, type Screens } from './support/screens.js';
import { seededId } from './support/seed.js';

let screens: Screens;
let store: FootprintDayStore;
beforeAll(async () => {
  screens = await startScreens({ proof: true });
  store = new FootprintDayStore(screens.database.catalog);
}, 60_000);
afterAll(async () => screens.close());

const query = async <T extends object>(text: string, values: unknown[] = []): Promise<T[]> =>
  (await screens.database.catalog.pool.query<T>(text, values)).rows;

/** What the footprints themselves add up to, by metric. */
async function raw(): Promise<Map<string, number>> {
  const rows = await query<{ metric: string; quantity: number }>(
    `SELECT metric, sum(quantity)::float8 AS quantity FROM footprints GROUP BY metric`,
  );
  return new Map(rows.map(({ metric, quantity }) => [metric, quantity]));
}

async function byDays(): Promise<Map<string, number>> {
  const totals = new Map<string, number>();
  for (const { day, metric, quantity } of await store.sums(90)) {
    if (day !== null) totals.set(metric, (totals.get(metric) ?? 0) + quantity);
  }
  return totals;
}

function add(count: number, key: string): Promise<unknown[]> {
  return query(
    `INSERT INTO footprints (recorded_at, source_kind, source_ref, metric, run_id, quantity, unit, dims_json)
     SELECT now() - (n % 20) * interval '1 day', 'step', $3 || n, 'wall_ms', $1, 7, 'ms', '{"action":"http.call"}'
     FROM generate_series(1, $2::int) n ON CONFLICT DO NOTHING`,
    [seededId('build-91'), count, key],
  );
}

describe('footprints by day', () => {
  it('are the sums of the footprints before, while and after they are folded', async () => {
    expect(await byDays()).toEqual(await raw());
    const folding = new FootprintDays(store, Date.now).fold();
    for (let n = 0; n < 10; n += 1) {
      await add(50, `a${n}/`);
      expect(await byDays()).toEqual(await raw());
    }
    await folding;
    await new FootprintDays(store, Date.now).fold();
    expect(await query('SELECT 1 FROM footprint_deltas')).toEqual([]);
    expect(await byDays()).toEqual(await raw());
  });

  it('count a repeated record once, and stay whole when a folder dies or two fold', async () => {
    await add(200, 'b/');
    const known = await raw();
    const client = await screens.database.catalog.pool.connect();
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock(72707374)');
    await client.query('DELETE FROM footprint_deltas');
    // Another process holds the fold, so this one leaves it; then that process dies.
    expect(await store.fold()).toBe(0);
    await client.query('ROLLBACK');
    client.release();
    expect(await byDays()).toEqual(known);
    await Promise.all([store.fold(), store.fold(), store.fold()]);
    expect(await byDays()).toEqual(known);
  });

  it('of each blueprint are its sum, oldest first', async () => {
    const { perBlueprint } = await new FootprintDays(store, Date.now).use(30);
    const used = perBlueprint.find(({ id }) => id === 'bp.ci.build');
    expect(used?.perDay).toHaveLength(30);
    const days = used?.perDay.map(({ wallMs }) => wallMs) ?? [];
    expect(days.reduce((sum, one) => sum + one, 0)).toBe(used?.used.wallMs);
    const today = await query<{ n: number }>(
      `SELECT coalesce(sum(quantity), 0)::float8 AS n FROM footprints JOIN runs USING (run_id)
       WHERE metric = 'wall_ms' AND blueprint_id = 'bp.ci.build' AND (recorded_at AT TIME ZONE 'UTC')::date = (now() AT TIME ZONE 'UTC')::date`,
    );
    expect(days.at(-1)).toBe(today[0]?.n);
    expect(days.at(-1)).toBeGreaterThan(0);
  });

  it('read an index and not the footprints', async () => {
    const plan = await query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT metric, sum(quantity) FROM footprint_days WHERE day >= now()::date - 29 GROUP BY metric`,
    );
    expect(plan.map((row) => row['QUERY PLAN']).join('\n')).not.toMatch(/on footprints/);
  });
});

describe('the page about use', () => {
  const get = async (path: string): Promise<string> =>
    (await (await fetch(`${screens.url}/ui/footprints${path}`)).text()).replace(/\s+/g, ' ');

  it('says the sum, draws a bar for each day, and has the figures as a table', async () => {
    const text = await get('?days=7&by=runs');
    const { 'run.count': runs = 0 } = Object.fromEntries(
      (
        await query<{ metric: string; n: number }>(
          `SELECT metric, sum(quantity)::float8 AS n FROM footprints WHERE recorded_at >= date_trunc('day', now()) - interval '6 days' GROUP BY 1`,
        )
      ).map(({ metric, n }) => [metric, n]),
    );
    const headline = /data-testid="cost-total">([^<]+)</.exec(text)?.[1]?.replace(/\u202f/g, '');
    expect(headline).toMatch(new RegExp(`^ ?${runs} runs in 7 days`));
    expect(text.match(/<rect class="fill-d2" x="/g)).toHaveLength(7);
    expect(text.match(/<tr> <th scope="row">/g)?.length ?? 0).toBe(7);
    expect(text).toContain('No price is known');
  });

  it.each(['runs', 'time', 'tokens', 'requests'])('can be read by %s', async (by) => {
    const text = await get(`?by=${by}`);
    expect(text).toContain('bp.ci.build');
    expect(text).toContain('qwen3-8b');
    expect(text).toMatch(/role="img" aria-label="[^"]+ per day: [^"]+, most on/);
    expect(text.match(/<svg class="spark"/g)?.length).toBe(text.match(/<td class="lead/g)?.length);
    // Which way tokens went is a matter of that measure alone.
    expect(text.includes('Tokens in</th>')).toBe(by === 'tokens');
  });

  it('refuses a measure that it does not know', async () => {
    expect((await fetch(`${screens.url}/ui/footprints?by=money`)).status).toBe(422);
  });
});
