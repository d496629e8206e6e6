import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { encodeCursor } from '../../src/http/cursor.js';
import { sharedKey } from '../../src/catalog/signing-keys.js';
import { fillCatalog } from '../support/big-catalog.js';
import { cpuBetween, readCpu } from './cpu.js';
import { prepareGround, type Ground } from './ground.js';
import { startReal, type RealProcess } from './real-processes.js';
import { readsOf, type Read } from './reads-requests.js';
import { markdown } from './report.js';
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

/** A catalog of one size behind a real API process. */
interface Side {
  runs: number;
  ground: Ground;
  api: RealProcess;
  reads: Read[];
}

const MAX_P95_MS = 20;
const MAX_RATIO = 1.5;
/** Below that a difference is that of timers and the network stack, and no ratio says anything. Milliseconds. */
const GRAIN_MS = 2;
/** A read that misses is taken again, since others use the machine: the quietest round counts. */
const ROUNDS = 3;
const WARM_UP_ROUNDS = 3;

const USAGE = 'bench reads [--sizes 1000,1000000] [--requests 40] [--only TEXT] [--data FOLDER] [--out FILE]';

/** Fills the catalog of a ground unless an earlier call did; gives the time to which its rows are relative. */
async function filled(ground: Ground, runs: number, say: (line: string) => void): Promise<number> {
  // Written last: a catalog without it was not finished.
  const marker = path.join(ground.dir, 'filled.json');
  if (existsSync(marker)) return Number(readFileSync(marker, 'utf8'));
  if ((await ground.catalog.prisma.run.findFirst()) !== null) {
    throw new Error(`The catalog in ${ground.dir} is half full; remove that folder.`);
  }
  say(`filling a catalog with ${runs} runs`);
  const filledAt = Date.now();
  await fillCatalog({ ...ground, ownerUrl: ground.databaseOwnerUrl, runs, say });
  writeFileSync(marker, String(filledAt));
  return filledAt;
}

/** What has to be ended, newest first. Ending it a second time waits for the first. */
class Closers {
  readonly #closers: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  add(close: () => Promise<void>): void {
    this.#closers.unshift(close);
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#closeAll());
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closers) await close();
  }
}

async function openSide(
  runs: number,
  data: string | undefined,
  closers: Closers,
  say: (line: string) => void,
): Promise<Side> {
  const ground = await prepareGround(say, data === undefined ? undefined : path.resolve(data, String(runs)));
  closers.add(() => ground.close());
  const filledAt = await filled(ground, runs, say);
  const api = await startReal(ground, 'api', 'bench-reads');
  closers.add(() => api.stop());
  return { runs, ground, api, reads: await withDeepPages(ground, api, readsOf(runs, filledAt), runs) };
}

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

/** Adds the page in the middle of each list that has more than one. */
async function withDeepPages(
  { catalog }: Ground,
  api: RealProcess,
  reads: readonly Read[],
  runs: number,
): Promise<Read[]> {
  const key = await sharedKey(catalog, 'cursor')();
  const all: Read[] = [];
  for (const read of reads) {
    all.push(read);
    if (read.listing === null) continue;
    const { next_cursor: next } = (await ask(api, read.path)) as { next_cursor: string | null };
    if (next === null) continue;
    const [, position] = JSON.parse(Buffer.from(next, 'base64url').toString()) as [string, Record<string, unknown>];
    const cursor = encodeCursor(key, read.listing, deepPosition(position, runs));
    const target = `${read.path}${read.path.includes('?') ? '&' : '?'}cursor=${cursor}`;
    all.push({ name: `${read.name}, deep page`, path: target, listing: null });
  }
  return all;
}

async function ask(api: RealProcess, target: string): Promise<unknown> {
  const response = await fetch(`${new URL(api.ready.url ?? '').origin}${target}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`${target} answered ${response.status}: ${text.slice(0, 500)}`);
  return target.startsWith('/ui') ? text : JSON.parse(text);
}

async function timed(side: Side, read: Read): Promise<number> {
  const from = performance.now();
  await ask(side.api, read.path);
  return performance.now() - from;
}

/** Sizes take turns, so that what others do to the machine meets all of them. */
async function measure(sides: readonly Side[], reads: readonly Read[], requests: number): Promise<ReadResult> {
  const roots = Object.assign(
    {},
    ...sides.map(({ ground, api }, ix) => prefixed(ix, { ...ground.roots, api: api.pid })),
  );
  const before = readCpu(roots);
  const times: number[][] = sides.map(() => []);
  for (let ix = 0; ix < requests; ix += 1) {
    for (const [of, side] of sides.entries()) times[of]?.push(await timed(side, reads[of] as Read));
  }
  const used = cpuBetween(before, readCpu(roots));
  const cpuOf = (ix: number): number | null => {
    const { [`api-${ix}`]: api = 0, [`postgres-${ix}`]: postgres = 0 } = used?.groupMs ?? {};
    return used === undefined ? null : (api + postgres) / requests;
  };
  const timings = times.map((all, ix) => ({ p50: quantile(all, 0.5), p95: quantile(all, 0.95), cpu: cpuOf(ix) }));
  const medians = timings.map(({ p50 }) => p50);
  const isFlat = Math.max(...medians) <= Math.max(MAX_RATIO * Math.min(...medians), Math.min(...medians) + GRAIN_MS);
  return {
    name: reads[0]?.name ?? '',
    timings,
    foreignCores: used?.foreignCores ?? null,
    holds: isFlat && timings.every(({ p95 }) => p95 <= MAX_P95_MS),
  };
}

function prefixed(ix: number, roots: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(roots).map(([name, pid]) => [`${name}-${ix}`, pid]));
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
function commonReads(sides: readonly Side[], only: string): Read[][] {
  return (sides[0]?.reads ?? [])
    .filter(({ name }) => name.includes(only))
    .map(({ name }) => sides.flatMap(({ reads }) => reads.filter((one) => one.name === name)))
    .filter((reads) => reads.length === sides.length);
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
  const sizes = values.sizes.split(',').map(Number);
  const requests = Number(values.requests);
  if (![...sizes, requests].every((one) => Number.isInteger(one) && one >= 1)) throw new Error(USAGE);
  const closers = new Closers();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void closers.close().finally(() => process.exit(130)));
  }
  const sides: Side[] = [];
  const results: ReadResult[] = [];
  try {
    for (const runs of sizes) sides.push(await openSide(runs, values.data, closers, say));
    const reads = commonReads(sides, values.only);
    say(`${reads.length} reads`);
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
      for (const pair of reads) for (const [ix, side] of sides.entries()) await timed(side, pair[ix] as Read);
    }
    for (const pair of reads) results.push(await quietest(sides, pair, requests));
  } catch (error) {
    // Whoever stops it gets what was measured until then; what was under way fails when its servers go.
    if (!closers.isClosing) throw error;
  } finally {
    if (results.length > 0) console.log(table(sides, results));
    await closers.close();
  }
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify({ sizes, requests, results }, null, 2)}\n`);
}
