import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { openView, startBrowser } from '../ui/support/browser.js';
import { PAINT_MS, PAINT_RATIO, paintOf, serveOneWord, type Paint } from '../ui/support/paint.js';
import { bigCatalogId } from './reads-requests.js';
import { markdown } from './report.js';
import { ask, readSides, sizesOf, timed, usedBySides, withSides, type Side } from './sides.js';
import { median, quantile } from './statistics.js';

/** What the screens' design allows a page. */
interface Bound {
  /** Of the compressed document. */
  bytes: number;
  statements: number;
  /** Until the answer is there, for 95 of 100 requests, ms. */
  serverMs: number;
}

const HOME: Bound = { bytes: 8_000, statements: 7, serverMs: 20 };
const LIST: Bound = { bytes: 8_000, statements: 3, serverMs: 20 };
const RUN: Bound = { bytes: 12_000, statements: 6, serverMs: 25 };
const GATE: Bound = { bytes: 10_000, statements: 5, serverMs: 25 };
const FORM: Bound = { bytes: 10_000, statements: 3, serverMs: 20 };
const LONG_RUN: Bound = { bytes: 24_000, statements: 6, serverMs: 40 };

interface ShownPage {
  name: string;
  path: (runs: number) => string;
  bound: Bound;
}

/** A run in the middle that has steps and a gate; an open one with its gate. */
const middle = (runs: number): string => bigCatalogId('run', Math.floor(runs / 20) * 10);
const open = (kind: string, runs: number): string => bigCatalogId(kind, runs - 10);

const PAGES: readonly ShownPage[] = [
  { name: 'home', path: () => '/ui', bound: HOME },
  { name: 'runs', path: () => '/ui/runs', bound: LIST },
  { name: 'runs, failed', path: () => '/ui/runs?q=status%3Afailed', bound: LIST },
  { name: 'runs of a rare actor', path: () => '/ui/runs?q=by%3Arare', bound: LIST },
  { name: 'events', path: () => '/ui/events', bound: LIST },
  { name: 'gates', path: () => '/ui/gates', bound: LIST },
  { name: 'gate', path: (runs) => `/ui/gates/${open('gate', runs)}`, bound: GATE },
  { name: 'run, 10 steps', path: (runs) => `/ui/runs/${middle(runs)}`, bound: RUN },
  { name: 'open run, 10 steps', path: (runs) => `/ui/runs/${open('run', runs)}`, bound: RUN },
  { name: 'run, 10 000 steps', path: () => `/ui/runs/${bigCatalogId('run', 'long')}`, bound: LONG_RUN },
  { name: 'launcher', path: () => '/ui/runs/new?blueprint=bench.b0', bound: FORM },
  { name: 'blueprints', path: () => '/ui/blueprints', bound: LIST },
  { name: 'blueprint', path: () => '/ui/blueprints/bench.b0', bound: { ...FORM, statements: 8 } },
  { name: 'audit', path: () => '/ui/audit', bound: LIST },
  // Each row names an artifact, a run and a digest, and random digits do not compress; the design has no figure for it.
  { name: 'artifacts', path: () => '/ui/artifacts', bound: { ...LIST, bytes: 9_000 } },
  { name: 'footprints', path: () => '/ui/footprints?by=time', bound: LIST },
  { name: 'health', path: () => '/ui/health', bound: { ...LIST, statements: 4 } },
  { name: 'search', path: () => '/ui/_search?q=nginx', bound: { ...LIST, statements: 4 } },
];

/** A page of one size. Times in ms, medians where nothing else is said. */
interface PageFigures {
  runs: number;
  firstPaint: number;
  largestPaint: number;
  bytes: number;
  statements: number;
  serverP50: number;
  serverP95: number;
  /** Of API and Postgres, for one request; null where the system does not tell. */
  cpu: number | null;
}

/** Figures of one page, with what it may take. */
export interface PageResult {
  name: string;
  bound: Bound & { paintMs: number; paintRatio: number };
  sizes: PageFigures[];
  foreignCores: number | null;
}

/** What `--out` writes. */
export interface PagesReport {
  sizes: number[];
  loads: number;
  requests: number;
  /** First paint of the page with one word, ms, median. */
  oneWord: number;
  results: PageResult[];
}

const USAGE =
  'bench pages [--sizes 1000,1000000] [--steps all|few] [--loads 9] [--requests 40] [--only TEXT] [--data FOLDER] [--out FILE]';
const WARM_UP_LOADS = 3;
/** V8 makes a page a third cheaper within so many requests; a server that runs has had them. */
const WARM_UP_REQUESTS = 50;
/** What is sent behind the scenes falls into some of the requests, hardly into all. */
const COUNTED_REQUESTS = 5;

async function statementsOf(side: Side, target: string): Promise<number> {
  let fewest = Infinity;
  for (let n = 0; n < COUNTED_REQUESTS; n += 1) {
    const before = await side.api.statements();
    await ask(side, target);
    fewest = Math.min(fewest, (await side.api.statements()) - before);
  }
  return fewest;
}

async function bytesOf(side: Side, target: string): Promise<number> {
  const answer = await fetch(new URL(target, side.api.ready.url), { headers: { 'Accept-Encoding': 'gzip' } });
  await answer.arrayBuffer();
  return Number(answer.headers.get('content-length'));
}

/** Sizes take turns, so that what others do to the machine meets all of them. */
async function measure(
  sides: readonly Side[],
  { name, path, bound }: ShownPage,
  page: Page,
  { loads, requests }: { loads: number; requests: number },
): Promise<PageResult> {
  const all = sides.map((side) => ({ side, target: path(side.runs), times: [] as number[], paints: [] as Paint[] }));
  for (let n = 0; n < WARM_UP_REQUESTS; n += 1) for (const { side, target } of all) await timed(side, target);
  const before = readSides(sides);
  for (let n = 0; n < requests; n += 1) for (const one of all) one.times.push(await timed(one.side, one.target));
  const { cpuMs, foreignCores } = usedBySides(sides, before);
  // Not in turn: from one origin to the other the browser has nothing of the styles at hand, and a reader goes from page to page.
  for (const { side, target, paints } of all) {
    for (let n = 0; n < WARM_UP_LOADS + loads; n += 1) {
      const paint = await paintOf(page, new URL(target, side.api.ready.url).href);
      if (n >= WARM_UP_LOADS) paints.push(paint);
    }
  }
  await page.goto('about:blank');
  const sizes: PageFigures[] = [];
  for (const [ix, { side, target, times, paints }] of all.entries()) {
    const cpu = cpuMs[ix] ?? null;
    sizes.push({
      runs: side.runs,
      firstPaint: median(paints.map(({ first }) => first)),
      largestPaint: median(paints.map(({ largest }) => largest)),
      bytes: await bytesOf(side, target),
      statements: await statementsOf(side, target),
      serverP50: quantile(times, 0.5),
      serverP95: quantile(times, 0.95),
      cpu: cpu === null ? null : cpu / requests,
    });
  }
  return { name, bound: { ...bound, paintMs: PAINT_MS, paintRatio: PAINT_RATIO }, sizes, foreignCores };
}

/** A figure beside its bound; what is beyond it stands out. */
const beside = (value: number, bound: number, digits = 0): string =>
  `${value.toFixed(digits)} / ${bound.toFixed(digits)}${value > bound ? ' NO' : ''}`;

/** First paint of the page with one word, ms, median. */
async function oneWordPaint(page: Page, loads: number): Promise<number> {
  const server = await serveOneWord();
  const paints: number[] = [];
  for (let n = 0; n < WARM_UP_LOADS + loads; n += 1) paints.push((await paintOf(page, server.url)).first);
  await page.goto('about:blank');
  server.close();
  return median(paints.slice(WARM_UP_LOADS));
}

function table(results: readonly PageResult[], oneWord: number): string {
  const header = [
    'page',
    'runs',
    'first paint, ms',
    '÷ one word',
    'largest',
    'HTML, kB',
    'statements',
    'server p50',
    'p95',
    'CPU',
  ];
  const rows = results.flatMap(({ name, bound, sizes, foreignCores }) =>
    sizes.map((one) => [
      name,
      String(one.runs),
      beside(one.firstPaint, bound.paintMs),
      beside(one.firstPaint / oneWord, bound.paintRatio, 2),
      one.largestPaint.toFixed(0),
      beside(one.bytes / 1_000, bound.bytes / 1_000, 1),
      beside(one.statements, bound.statements),
      one.serverP50.toFixed(1),
      beside(one.serverP95, bound.serverMs, 1),
      one.cpu?.toFixed(1) ?? '–',
      foreignCores?.toFixed(1) ?? '–',
    ]),
  );
  return markdown([...header, 'foreign cores'], rows);
}

/**
 * Opens the pages in a real Chromium over catalogs of several sizes at once, each behind a real API process on servers of its
 * own, and prints paints, bytes, statements and time of the server beside the bounds of the screens' design.
 */
export async function benchPages(args: readonly string[], say: (line: string) => void): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sizes: { type: 'string', default: '1000,1000000' },
      loads: { type: 'string', default: '9' },
      requests: { type: 'string', default: '40' },
      steps: { type: 'string', default: 'all' },
      only: { type: 'string', default: '' },
      data: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const sizes = sizesOf(values.sizes, [values.loads, values.requests], USAGE);
  const { steps } = values;
  if (steps !== 'all' && steps !== 'few') throw new Error(USAGE);
  const counts = { loads: Number(values.loads), requests: Number(values.requests) };
  const results: PageResult[] = [];
  let oneWord = NaN;
  await withSides({ sizes, steps, data: values.data }, say, async (sides, closers) => {
    const browser = await startBrowser();
    closers.add(() => browser.close());
    const page = await (await openView(browser)).newPage();
    try {
      oneWord = await oneWordPaint(page, counts.loads);
      for (const shown of PAGES.filter(({ name }) => name.includes(values.only))) {
        say(shown.name);
        results.push(await measure(sides, shown, page, counts));
      }
    } finally {
      if (results.length > 0)
        console.log(`${table(results, oneWord)}\n\nA page with one word: ${oneWord.toFixed(0)} ms`);
    }
  });
  const report: PagesReport = { sizes, ...counts, oneWord, results };
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(report, null, 2)}\n`);
}
