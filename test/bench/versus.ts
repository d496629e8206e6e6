import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { installRuntime } from '../../src/temporal/worker.js';
import { prepareGround, type Ground } from './ground.js';
import { markdown } from './report.js';
import { takeSample, warmUp, type Cell, type Runner, type SequenceSample } from './sequences.js';
import { change, isQuiet, MAX_FOREIGN_CORES } from './statistics.js';
import * as ownRuns from './runs.js';
import { WorkerLink } from './worker-link.js';
import * as ownWorkloads from './workloads.js';

/** Of every version, the same since the first benchmark. */
interface Version {
  prepareGround: typeof prepareGround;
  WorkerLink: typeof WorkerLink;
  startRun: typeof ownRuns.startRun;
  sequence: typeof ownWorkloads.sequence;
}

const VARIANTS = ['hand', 'full'] as const;
type Whose = 'other' | 'this';
type Side = `${(typeof VARIANTS)[number]}-${Whose}`;

/** Of one round of a cell, of each side the sample that was taken. */
type Round = Record<Side, SequenceSample>;

/** Long enough for several collections of the servers: a sample takes about ten seconds. */
const RUNS: Readonly<Record<number, number>> = { 3: 120, 25: 60 };
const CONCURRENCY = 20;
const WARM_UP = 120;

const USAGE = 'bench versus FOLDER [--cells 3-read,25-read,3-write,25-write] [--rounds 8] [--out FILE]';

/**
 * This version and another one, built in a folder of its own, in turn on one Temporal server: what one server does otherwise than
 * another is then the same for both.
 */
export async function benchVersus(args: readonly string[], say: (line: string) => void): Promise<void> {
  const { folder, cells, rounds, out } = optionsOf(args);
  installRuntime({ log: (level, message) => say(`${level} ${message}`) });
  const closers: (() => Promise<void>)[] = [];
  process.once('SIGINT', () => void closeAll(closers).finally(() => process.exit(130)));
  try {
    const ground = await prepareGround(say);
    closers.push(() => ground.close());
    const other = await versionIn(folder);
    const theirs = await other.prepareGround(say);
    closers.push(() => theirs.close());
    const own: Version = { prepareGround, WorkerLink, ...ownRuns, ...ownWorkloads };
    const shared = { ...theirs, address: ground.address, client: ground.client };
    const runners = new Map<Side, Runner>();
    for (const variant of VARIANTS) {
      for (const [whose, version, on] of [
        ['other', other, shared],
        ['this', own, ground],
      ] as const) {
        const worker = await version.WorkerLink.start(on, variant);
        closers.push(() => worker.stop());
        const start: Runner['start'] = (steps, effect) => version.startRun(on, worker, version.sequence(steps, effect));
        runners.set(`${variant}-${whose}`, { worker, start });
      }
    }
    say('warming up');
    await warmUp([...runners.values()], WARM_UP);
    const measured = await measure({ runners, cells, rounds, ground, theirs, say, out });
    console.log(report(measured));
  } finally {
    await closeAll(closers);
  }
}

interface Measuring {
  runners: ReadonlyMap<Side, Runner>;
  cells: readonly Cell[];
  rounds: number;
  ground: Ground;
  theirs: Ground;
  say: (line: string) => void;
  out: string | undefined;
}

async function measure(measuring: Measuring): Promise<ReadonlyMap<Cell, Round[]>> {
  const { runners, cells, rounds, ground, theirs, say, out } = measuring;
  const workers = [...runners].map(([side, { worker }]) => [`worker-${side}`, worker.pid] as const);
  const idle = { 'other-temporal': theirs.roots['temporal'] ?? 0 };
  const rootsOf = (side: Side): Record<string, number> => {
    const [postgres, unused] = side.endsWith('this') ? [ground, theirs] : [theirs, ground];
    const databases = { postgres: postgres.roots['postgres'] ?? 0, 'other-postgres': unused.roots['postgres'] ?? 0 };
    return { ...ground.roots, ...databases, ...idle, ...Object.fromEntries(workers) };
  };
  const measured = new Map<Cell, Round[]>(cells.map((cell) => [cell, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const cell of cells) {
      const taken: Partial<Round> = {};
      for (const [side, runner] of turned([...runners], round)) {
        taken[side] = await takeSample(runner, cell, rootsOf(side), RUNS[cell.steps]);
      }
      measured.get(cell)?.push(taken as Round);
      if (out !== undefined) writeFileSync(out, `${JSON.stringify([...measured].map(([of, all]) => ({ of, all })))}\n`);
    }
    say(`round ${round + 1} of ${rounds}`);
  }
  return measured;
}

/** Each side stands at each place as often, and goes as often before its neighbours as behind them. */
function turned<T>(all: readonly T[], round: number): T[] {
  const from = round % all.length;
  const order = [...all.slice(from), ...all.slice(0, from)];
  return Math.floor(round / all.length) % 2 === 0 ? order : order.reverse();
}

const all = ({ workerCpu, temporalCpu, postgresCpu }: SequenceSample): number =>
  workerCpu + (temporalCpu ?? 0) + (postgresCpu ?? 0);

function report(measured: ReadonlyMap<Cell, Round[]>): string {
  const rows = [...measured].map(([{ steps, effect }, rounds]) => {
    const quiet = rounds.filter((round) => Object.values(round).every(isQuiet));
    const ratios = (of: (sample: SequenceSample) => number): string[] => {
      const ratio = (whose: Whose): number[] =>
        quiet.map((round) => of(round[`full-${whose}`]) / of(round[`hand-${whose}`]));
      const { before, after, percent, error } = change(ratio('other'), ratio('this'));
      if (quiet.length < 2) return [`${before.toFixed(2)} → ${after.toFixed(2)}`, '–'];
      const sign = percent < 0 ? '−' : '+';
      return [
        `${before.toFixed(2)} → ${after.toFixed(2)}`,
        `${sign}${Math.abs(percent).toFixed(0)} % ± ${error.toFixed(0)}`,
      ];
    };
    const figures = [({ runsPerS }: SequenceSample) => runsPerS, ({ workerCpu }: SequenceSample) => workerCpu, all];
    return [`${steps} × ${effect}`, `${quiet.length}/${rounds.length}`, ...figures.flatMap(ratios)];
  });
  const heads = [
    'steps',
    'rounds',
    'runs/s: other → this',
    'change',
    'CPU of the worker',
    'change',
    'CPU of all',
    'change',
  ];
  const note = `With records ÷ hand-written, ${CONCURRENCY} at once; ± is twice the standard error; rounds with at most ${MAX_FOREIGN_CORES} foreign cores.`;
  return `${note}\n\n${markdown(heads, rows)}`;
}

async function versionIn(folder: string): Promise<Version> {
  const load = async <T>(name: string): Promise<T> =>
    (await import(pathToFileURL(path.resolve(folder, 'dist/test/bench', `${name}.js`)).href)) as T;
  const [ground, link, runs, workloads] = await Promise.all([
    load<Pick<Version, 'prepareGround'>>('ground'),
    load<Pick<Version, 'WorkerLink'>>('worker-link'),
    load<Pick<Version, 'startRun'>>('runs'),
    load<Pick<Version, 'sequence'>>('workloads'),
  ]);
  return { ...ground, ...link, ...runs, ...workloads };
}

async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close().catch(() => undefined);
}

function optionsOf(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        cells: { type: 'string', default: '3-read,25-read,3-write,25-write' },
        rounds: { type: 'string', default: '8' },
        out: { type: 'string' },
      },
    });
    const [folder] = positionals;
    const rounds = Number(values.rounds);
    if (folder === undefined || positionals.length > 1) throw new Error('one folder with a built version is needed');
    if (!Number.isInteger(rounds) || rounds < 2) throw new Error('--rounds takes whole numbers from 2');
    return { folder, rounds, cells: values.cells.split(',').map(cellOf), out: values.out };
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : 'wrong options'}\n${USAGE}`, { cause: error });
  }
}

function cellOf(text: string): Cell {
  const [, steps = '', effect = ''] = /^(3|25)-(read|write)$/.exec(text) ?? [];
  if (steps === '') throw new Error(`${text} is no cell`);
  return { steps: Number(steps), effect: effect === 'read' ? 'read' : 'write', concurrency: CONCURRENCY };
}
