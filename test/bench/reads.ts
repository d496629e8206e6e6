import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { encodeCursor } from '../../src/http/cursor.js';
import { sharedKey } from '../../src/catalog/signing-keys.js';
import { readsOf, type Read } from './reads-requests.js';
import { markdown } from './report.js';
import { ask, readSides, sizesOf, timed, usedBySides, withSides, type Side } from './sides.js';
import { quantile } from './statistics.js';

/** One read at one size. Milliseconds. */
interface Timing {
  p50: number;
  p95: number;
  /** Of API and Postgres, for one request; null where the system does not tell. Steady on a machine with others. */
  cpu: number | null;
}

interface ReadResult {
  name: string;
  /** One for each size, in their order. */
  timings: Timing[];
  foreignCores: number | null;
  holds: boolean;
}

const MAX_P95_MS = 20;
const MAX_RATIO = 1.5;
/** Below that a difference is that of timers and the network stack, and no ratio says anything. Milliseconds. */
const GRAIN_MS = 2;
/** A read that misses is taken again, since others use the machine: the quietest round counts. */
const ROUNDS = 3;
const WARM_UP_ROUNDS = 3;

const USAGE = 'bench reads [--sizes 1000,1000000] [--requests 40] [--only TEXT] [--data FOLDER] [--out FILE]';

/** Places in the middle of each list, by the names of the keys that their cursors have. */
function deepPosition(first: Record<string, unknown>, runs: number): object {
  const half = new Date(Date.now() - 14 * 86_400_000).toISOString();
  const values: Record<string, unknown> = {
    created_at: half,
    opened_at: half,
    occurred_at: half,
    seq: typeof first['seq'] === 'number' ? Math.floor(first['seq'] * 20) : String(2 * runs),
    audit_id: String(Math.floor(1.5 * runs)),
  };
  return Object.fromEntries(Object.entries(first).map(([name, value]) => [name, values[name] ?? value]));
}

/** What is asked of a side, with the page in the middle of each list that has more than one. */
async function readsWithDeepPages(side: Side): Promise<Read[]> {
  const { runs, filledAt, ground } = side;
  const key = await sharedKey(ground.catalog, 'cursor')();
  const all: Read[] = [];
  for (const read of readsOf(runs, filledAt)) {
    all.push(read);
    if (read.listing === null) continue;
    const { next_cursor: next } = (await ask(side, read.path)) as { next_cursor: string | null };
    if (next === null) continue;
    const [, position] = JSON.parse(Buffer.from(next, 'base64url').toString()) as [string, Record<string, unknown>];
    const cursor = encodeCursor(key, read.listing, deepPosition(position, runs));
    const target = `${read.path}${read.path.includes('?') ? '&' : '?'}cursor=${cursor}`;
    all.push({ name: `${read.name}, deep page`, path: target, listing: null });
  }
  return all;
}

/** Sizes take turns, so that what others do to the machine meets all of them. */
async function measure(sides: readonly Side[], reads: readonly Read[], requests: number): Promise<ReadResult> {
  const before = readSides(sides);
  const times: number[][] = sides.map(() => []);
  for (let ix = 0; ix < requests; ix += 1) {
    for (const [of, side] of sides.entries()) times[of]?.push(await timed(side, reads[of]?.path ?? ''));
  }
  const { cpuMs, foreignCores } = usedBySides(sides, before);
  const timings = times.map((all, ix) => {
    const cpu = cpuMs[ix] ?? null;
    return { p50: quantile(all, 0.5), p95: quantile(all, 0.95), cpu: cpu === null ? null : cpu / requests };
  });
  const medians = timings.map(({ p50 }) => p50);
  const isFlat = Math.max(...medians) <= Math.max(MAX_RATIO * Math.min(...medians), Math.min(...medians) + GRAIN_MS);
  return {
    name: reads[0]?.name ?? '',
    timings,
    foreignCores,
    holds: isFlat && timings.every(({ p95 }) => p95 <= MAX_P95_MS),
  };
}

async function quietest(sides: readonly Side[], reads: readonly Read[], requests: number): Promise<ReadResult> {
  let best: ReadResult | undefined;
  for (let round = 0; round < ROUNDS && best?.holds !== true; round += 1) {
    const result = await measure(sides, reads, requests);
    const worst = (one: ReadResult): number => Math.max(...one.timings.map(({ p95 }) => p95));
    if (best === undefined || result.holds || worst(result) < worst(best)) best = result;
  }
  return best as ReadResult;
}

/** Names that every size has: a list may be one page long in the smaller one. */
function commonReads(reads: readonly (readonly Read[])[], only: string): Read[][] {
  return (reads[0] ?? [])
    .filter(({ name }) => name.includes(only))
    .map(({ name }) => reads.flatMap((of) => of.filter((one) => one.name === name)))
    .filter((same) => same.length === reads.length);
}

function table(sides: readonly Side[], results: readonly ReadResult[]): string {
  const header = [
    'read',
    ...sides.flatMap(({ runs }) => [`p50, ${runs} runs`, 'p95', 'CPU']),
    'foreign cores',
    'holds',
  ];
  const rows = results.map((one) => [
    one.name,
    ...one.timings.flatMap(({ p50, p95, cpu }) => [p50.toFixed(1), p95.toFixed(1), cpu?.toFixed(1) ?? '–']),
    one.foreignCores?.toFixed(1) ?? '–',
    one.holds ? 'yes' : 'NO',
  ]);
  return markdown(header, rows);
}

/**
 * Measures every read of the API and the pages over catalogs of several sizes at once, each behind a real API process on
 * servers of its own, and prints a table.
 */
export async function benchReads(args: readonly string[], say: (line: string) => void): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sizes: { type: 'string', default: '1000,1000000' },
      requests: { type: 'string', default: '40' },
      only: { type: 'string', default: '' },
      data: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const sizes = sizesOf(values.sizes, [values.requests], USAGE);
  const requests = Number(values.requests);
  const results: ReadResult[] = [];
  await withSides({ sizes, steps: 'all', data: values.data }, say, async (sides) => {
    const reads = commonReads(await Promise.all(sides.map(readsWithDeepPages)), values.only);
    say(`${reads.length} reads`);
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
      for (const pair of reads) for (const [ix, side] of sides.entries()) await timed(side, pair[ix]?.path ?? '');
    }
    try {
      for (const pair of reads) results.push(await quietest(sides, pair, requests));
    } finally {
      // Whoever stops it gets what was measured until then.
      if (results.length > 0) console.log(table(sides, results));
    }
  });
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify({ sizes, requests, results }, null, 2)}\n`);
}
