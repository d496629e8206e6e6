import { writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { installRuntime } from '../../src/temporal/worker.js';
import { measureApi } from './api-path.js';
import { measureGates } from './gates.js';
import { prepareGround, type Ground } from './ground.js';
import { measureLoops } from './loops.js';
import { benchOptions, type BenchOptions } from './options.js';
import { benchPages } from './pages.js';
import { benchReads } from './reads.js';
import { figuresOf, tables, verdictsOf, type Measured } from './report.js';
import { measureSequences, runnerOf, warmUp, type Cell } from './sequences.js';
import { MAX_FOREIGN_CORES } from './statistics.js';
import { benchVersus } from './versus.js';
import { WorkerLink } from './worker-link.js';
import { measureWorkerStart } from './worker-start.js';

const WORKER_STARTS = 5;
/** Design §8. */
const LOOP_ITEMS = 10_000;
const began = Date.now();
const say = (line: string): void =>
  console.error(`${((Date.now() - began) / 1_000).toFixed(0).padStart(4)} s  ${line}`);

/** Single runs show latency; what is read costs what is written costs less, so it is measured under load only. */
function cellsOf({ only, concurrency }: BenchOptions): Cell[] {
  const lengths = [3, 25].filter((steps) => only.some((part) => part === `seq-${steps}`));
  const widest = Math.max(...concurrency);
  return (['write', 'read', 'local'] as const).flatMap((effect) =>
    lengths.flatMap((steps) =>
      concurrency
        .filter((one) => effect === 'write' || one === widest)
        .map((one) => ({ steps, effect, concurrency: one })),
    ),
  );
}

async function measureInterpreter(ground: Ground, options: BenchOptions, measured: Measured): Promise<void> {
  const cells = cellsOf(options);
  const gates = options.only.includes('gate');
  const loops = options.only.includes('loop');
  if (cells.length === 0 && !gates && !loops) return;
  const workers: WorkerLink[] = [];
  try {
    for (const variant of ['hand', 'bare', 'full'] as const) workers.push(await WorkerLink.start(ground, variant));
    say(`warming up, ${options.warmUp} runs of each variant`);
    await warmUp(
      workers.map((worker) => runnerOf(ground, worker)),
      options.warmUp,
    );
    measured.sequences = await measureSequences(ground, workers, cells, options.pairs, say);
    if (loops) {
      say(`loops over ${LOOP_ITEMS} items`);
      measured.loops = await measureLoops(ground, LOOP_ITEMS);
    }
    if (!gates) return;
    say('gates');
    // Steps behind a gate look for the decision in the catalog: with records it is measured through the API.
    const direct = workers.filter(({ variant }) => variant !== 'full');
    measured.gates = await measureGates(ground, direct, options.pairs);
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

function machine(): object {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model,
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
  };
}

const [, , part, ...rest] = process.argv;
const others = { reads: benchReads, pages: benchPages, versus: benchVersus };
if (part === 'reads' || part === 'pages' || part === 'versus') {
  await others[part](rest, say);
  say('done');
  process.exit();
}

const options = benchOptions(process.argv.slice(2));
installRuntime({ log: (level, message) => say(`${level} ${message}`) });
const measured: Measured = { sequences: [], gates: [], loops: [], api: [], workerStarts: [] };
const ground = await prepareGround(say);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // Calls that were under way fail in many ways now; the servers have to be stopped all the same.
    process.on('uncaughtException', () => undefined);
    void ground.close().finally(() => process.exit(130));
  });
}
try {
  await measureInterpreter(ground, options, measured);
  if (options.only.includes('start')) {
    say('events through the API');
    measured.api = await measureApi(ground, options.pairs);
  }
  if (options.only.includes('worker')) {
    say('starts of a worker');
    measured.workerStarts = await measureWorkerStart(ground, WORKER_STARTS);
  }
} finally {
  await ground.close();
}
console.log(tables(measured));
if (options.out !== undefined) {
  const result = {
    at: new Date(began).toISOString(),
    machine: machine(),
    options,
    max_foreign_cores: MAX_FOREIGN_CORES,
    figures: figuresOf(measured.sequences),
    verdicts: verdictsOf(measured),
    samples: measured,
  };
  writeFileSync(options.out, `${JSON.stringify(result, null, 2)}\n`);
}
say('done');
process.exit();
