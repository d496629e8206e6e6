import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PagesReport, PageResult } from '../bench/pages.js';

/** Others use the machine while this runs: a budget of time is missed when even the quietest pass takes this many times as long. */
const BUSY = { server: 2, paint: 1.5 };
const MOST_PASSES = 3;
/** Filling takes two minutes, a pass one, on two idle cores. */
const LIMIT_MS = 900_000;

const dir = mkdtempSync(path.join(tmpdir(), 'xyn-budgets-'));
// Started by root, Postgres runs under an account that has to pass through.
chmodSync(dir, 0o711);
const reports: PagesReport[] = [];

/** One pass over all pages, each with its servers started anew over the same catalog. */
async function pass(): Promise<PagesReport> {
  const out = path.join(dir, 'pages.json');
  const child = spawn(
    process.execPath,
    ['dist/test/bench/main.js', 'pages', '--sizes', '1000000', '--steps', 'few', '--data', dir, '--out', out],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const stop = setTimeout(() => child.kill('SIGTERM'), LIMIT_MS);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(stop);
  expect(code).toBe(0);
  return JSON.parse(readFileSync(out, 'utf8')) as PagesReport;
}

type Judged = PageResult & { oneWord: number };

/** How far a page is from what may take so long here: 1 is at the limit. */
const slowness = ({ sizes: [figures], bound, oneWord }: Judged): number =>
  figures === undefined
    ? Infinity
    : Math.max(
        figures.serverP95 / (bound.serverMs * BUSY.server),
        figures.firstPaint / oneWord / (bound.paintRatio * BUSY.paint),
      );

/** Of each page its quickest pass. */
function quickest(): Judged[] {
  const quickestOf = new Map<string, Judged>();
  for (const { results, oneWord } of reports) {
    for (const one of results.map((result) => ({ ...result, oneWord }))) {
      const before = quickestOf.get(one.name);
      if (before === undefined || slowness(one) < slowness(before)) quickestOf.set(one.name, one);
    }
  }
  return [...quickestOf.values()];
}

beforeAll(async () => {
  do reports.push(await pass());
  while (reports.length < MOST_PASSES && quickest().some((one) => slowness(one) >= 1));
}, LIMIT_MS);

afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('over a million runs every page keeps to its bytes and statements', () => {
  const over = quickest().filter(
    ({ sizes: [figures], bound }) =>
      figures === undefined || figures.bytes > bound.bytes || figures.statements > bound.statements,
  );
  expect(over).toEqual([]);
  expect(quickest().length).toBeGreaterThan(15);
});

it(`over a million runs every page is answered within ${BUSY.server} times its budget, 95 of 100 times`, () => {
  const over = quickest().filter(
    ({ sizes: [figures], bound }) => figures === undefined || figures.serverP95 > bound.serverMs * BUSY.server,
  );
  expect(over).toEqual([]);
});

it(`over a million runs the first paint is within ${BUSY.paint} times its share of that of a page with one word`, () => {
  const over = quickest().filter(
    ({ sizes: [figures], bound, oneWord }) =>
      figures === undefined || figures.firstPaint / oneWord > bound.paintRatio * BUSY.paint,
  );
  expect(over).toEqual([]);
});
