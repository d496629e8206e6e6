import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import path from 'node:path';
import { fillCatalog, type FillOptions } from '../support/big-catalog.js';
import { cpuBetween, readCpu, type CpuReading } from './cpu.js';
import { prepareGround, type Ground } from './ground.js';
import { startReal, type RealProcess } from './real-processes.js';

/** A catalog of one size behind a real API process. */
export interface Side {
  runs: number;
  ground: Ground;
  api: RealProcess;
  /** The time to which what was filled in is relative. */
  filledAt: number;
}

type Say = (line: string) => void;

/** Which catalogs are measured. */
export interface SideOptions {
  /** Of runs; a side for each. */
  sizes: readonly number[];
  steps: NonNullable<FillOptions['steps']>;
  /** Where the catalogs are kept for the next time; absent: they are made anew, and removed. */
  data: string | undefined;
}

/** Fills the catalog of a ground unless an earlier call did; gives the time to which its rows are relative. */
async function filled(ground: Ground, runs: number, steps: SideOptions['steps'], say: Say): Promise<number> {
  // Written last: a catalog without it was not finished.
  const marker = path.join(ground.dir, 'filled.json');
  if (existsSync(marker)) return Number(readFileSync(marker, 'utf8'));
  if ((await ground.catalog.prisma.run.findFirst()) !== null) {
    throw new Error(`The catalog in ${ground.dir} is half full; remove that folder.`);
  }
  say(`filling a catalog with ${runs} runs`);
  const filledAt = Date.now();
  await fillCatalog({ ...ground, ownerUrl: ground.databaseOwnerUrl, runs, steps, say });
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
  { data, steps }: Pick<SideOptions, 'data' | 'steps'>,
  closers: Closers,
  say: Say,
): Promise<Side> {
  const ground = await prepareGround(say, data === undefined ? undefined : path.resolve(data, String(runs)));
  closers.add(() => ground.close());
  const filledAt = await filled(ground, runs, steps, say);
  const api = await startReal(ground, 'api', 'bench-reads');
  closers.add(() => api.stop());
  return { runs, ground, api, filledAt };
}

/**
 * Opens a side for each size, calls `measure`, and ends all of them, also when a signal asks for it: what was under way fails
 * then, and that is no error.
 */
export async function withSides(
  { sizes, ...options }: SideOptions,
  say: Say,
  measure: (sides: readonly Side[], closers: Closers) => Promise<void>,
): Promise<void> {
  const closers = new Closers();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void closers.close().finally(() => process.exit(130)));
  }
  const sides: Side[] = [];
  try {
    for (const runs of sizes) sides.push(await openSide(runs, options, closers, say));
    await measure(sides, closers);
  } catch (error) {
    if (!closers.isClosing) throw error;
  } finally {
    await closers.close();
  }
}

/** Sizes of catalogs as an option has them, and other whole numbers beside. @throws Error with `usage` */
export function sizesOf(text: string, others: readonly string[], usage: string): number[] {
  const sizes = text.split(',').map(Number);
  if (![...sizes, ...others.map(Number)].every((one) => Number.isInteger(one) && one >= 1)) throw new Error(usage);
  return sizes;
}

/** Asks an API for a path: the text of a page, or the JSON of anything else. @throws Error when it refuses. */
export async function ask({ api }: Pick<Side, 'api'>, target: string): Promise<unknown> {
  const response = await fetch(`${new URL(api.ready.url ?? '').origin}${target}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`${target} answered ${response.status}: ${text.slice(0, 500)}`);
  return target.startsWith('/ui') ? text : JSON.parse(text);
}

/** One connection stays open for each API, as a browser's does. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/**
 * Asks a side for a path; how long the whole answer took, ms. The answer is thrown away as it comes: what a client makes of it is
 * garbage, and the collections of this process held single requests up for 40 ms that the API had answered in five.
 */
export function timed({ api }: Side, target: string): Promise<number> {
  const from = performance.now();
  return new Promise((resolve, reject) => {
    const request = get(new URL(target, api.ready.url), { agent }, (response) => {
      response.resume();
      response.once('end', () => {
        const took = performance.now() - from;
        if (response.statusCode === 200) resolve(took);
        else reject(new Error(`${target} answered ${response.statusCode}`));
      });
      response.once('error', reject);
    });
    request.once('error', reject);
  });
}

/** What API and Postgres of each side have used until now. */
export function readSides(sides: readonly Side[]): CpuReading | undefined {
  const roots = sides.flatMap(({ ground, api }, ix) =>
    Object.entries({ ...ground.roots, api: api.pid }).map(([name, pid]) => [`${name}-${ix}`, pid]),
  );
  return readCpu(Object.fromEntries(roots) as Record<string, number>);
}

/** What was used since `before`: CPU of API and Postgres of each side in ms, and cores that others kept busy; null: not known. */
export function usedBySides(
  sides: readonly Side[],
  before: CpuReading | undefined,
): { cpuMs: (number | null)[]; foreignCores: number | null } {
  const used = cpuBetween(before, readSides(sides));
  const cpuMs = sides.map((_, ix) => {
    const { [`api-${ix}`]: api = 0, [`postgres-${ix}`]: postgres = 0 } = used?.groupMs ?? {};
    return used === undefined ? null : api + postgres;
  });
  return { cpuMs, foreignCores: used?.foreignCores ?? null };
}
