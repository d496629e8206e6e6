import type { ApiSample } from './api-path.js';
import type { GateSample } from './gates.js';
import type { LoopSample } from './loops.js';
import type { Cell, SequenceSample } from './sequences.js';
import { isQuiet, median, quantile } from './statistics.js';
import type { WorkerStartSample } from './worker-start.js';
import type { Variant } from './worker-messages.js';
import { sequence, type StepEffect } from './workloads.js';

/** Everything that was measured. */
export interface Measured {
  sequences: SequenceSample[];
  gates: GateSample[];
  loops: LoopSample[];
  api: ApiSample[];
  workerStarts: WorkerStartSample[];
}

/** A number of design §8 and what was measured against it. */
export interface Verdict {
  what: string;
  /** null: design §8 has no number for it. */
  bound: string | null;
  measured: number | null;
  /** null: not measured, or every sample was disturbed. */
  holds: boolean | null;
}

/** The figures of one cell and variant: medians over its undisturbed samples. */
export interface CellFigures extends Cell {
  variant: Variant;
  kept: number;
  taken: number;
  runsPerS: number;
  p50: number;
  p95: number;
  workerCpu: number;
  temporalCpu: number | null;
  postgresCpu: number | null;
  driverCpu: number | null;
  rssMib: number;
  events: number;
  bytes: number;
  dropped: number;
}

const NUMBERS = [
  'runsPerS',
  'p50',
  'p95',
  'workerCpu',
  'temporalCpu',
  'postgresCpu',
  'driverCpu',
  'rssMib',
  'events',
  'bytes',
  'dropped',
] as const;

/** Medians of each cell and variant. */
export function figuresOf(samples: readonly SequenceSample[]): CellFigures[] {
  const groups = new Map<string, SequenceSample[]>();
  for (const sample of samples) {
    const key = `${sample.effect}/${sample.steps}/${sample.concurrency}/${sample.variant}`;
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return [...groups.values()].map((taken) => {
    const kept = taken.filter(isQuiet);
    const [{ steps, effect, concurrency, variant }] = taken as [SequenceSample];
    const numbers = Object.fromEntries(
      NUMBERS.map((name) => [name, median(kept.flatMap((one) => (one[name] === null ? [] : [one[name]])))]),
    ) as Record<(typeof NUMBERS)[number], number>;
    return { steps, effect, concurrency, variant, kept: kept.length, taken: taken.length, ...numbers };
  });
}

/** Compares what was measured with the numbers of design §8. */
export function verdictsOf({ sequences, gates, loops, api, workerStarts }: Measured): Verdict[] {
  const cells = figuresOf(sequences);
  const widest = Math.max(...sequences.map(({ concurrency }) => concurrency));
  const cell = (variant: Variant, steps: number, effect: StepEffect, concurrency = widest): CellFigures | undefined =>
    cells.find(
      (one) =>
        one.variant === variant && one.steps === steps && one.effect === effect && one.concurrency === concurrency,
    );
  const perStep = (variant: Variant, effect: StepEffect, number: 'workerCpu' | 'events' | 'bytes'): number =>
    ((cell(variant, 25, effect)?.[number] ?? NaN) - (cell(variant, 3, effect)?.[number] ?? NaN)) / 22;
  const fixed = (variant: Variant, effect: StepEffect): number =>
    (cell(variant, 3, effect)?.workerCpu ?? NaN) - 3 * perStep(variant, effect, 'workerCpu');
  // By hand, short reading steps are remote activities like all others.
  const handOf = (effect: StepEffect): StepEffect => (effect === 'local' ? 'read' : effect);
  const speed = (variant: Variant, effect: StepEffect, steps: number): number =>
    (cell(variant, steps, effect)?.runsPerS ?? NaN) / (cell('hand', steps, handOf(effect))?.runsPerS ?? NaN);
  const planBytes = (count: number): number => JSON.stringify(sequence(count, 'write').plan).length;
  const gateTimes = gates.filter((one) => one.variant === 'bare' && isQuiet(one)).flatMap((one) => one.latencies);
  const handGateTimes = gates.filter((one) => one.variant === 'hand' && isQuiet(one)).flatMap((one) => one.latencies);
  const quietApi = api.filter(isQuiet);
  const accepted = quietApi.flatMap((one) => one.acceptedToAction);
  const sent = quietApi.flatMap((one) => one.sentToAction);
  const decided = quietApi.flatMap((one) => one.decisionToAction);
  const single = cell('full', 25, 'write', 1);
  const plain = (what: string, measured: number): Verdict => ({
    what,
    bound: null,
    measured: judged(measured, true).measured,
    holds: null,
  });
  const most = (what: string, bound: number, measured: number, unit = ''): Verdict => ({
    what,
    bound: `≤ ${bound}${unit}`,
    ...judged(measured, measured <= bound),
  });
  const least = (what: string, bound: number, measured: number): Verdict => ({
    what,
    bound: `≥ ${bound}`,
    ...judged(measured, measured >= bound),
  });
  return [
    ...(['write', 'read'] as const).flatMap((effect) => [
      most(
        `worker CPU per ${effect} step, interpreter ÷ hand-written`,
        1.03,
        perStep('bare', effect, 'workerCpu') / perStep('hand', effect, 'workerCpu'),
      ),
      most(
        `worker CPU per run beyond its steps, interpreter − hand-written (${effect})`,
        1,
        fixed('bare', effect) - fixed('hand', effect),
        ' ms',
      ),
    ]),
    least('runs per second with records ÷ hand-written without, reading, seq-3', 0.95, speed('full', 'read', 3)),
    least('runs per second with records ÷ hand-written without, reading, seq-25', 0.95, speed('full', 'read', 25)),
    least('runs per second with records ÷ hand-written without, writing, seq-3', 0.85, speed('full', 'write', 3)),
    least('runs per second with records ÷ hand-written without, writing, seq-25', 0.85, speed('full', 'write', 25)),
    least('the same, local steps against remote ones of the hand-written, seq-3', 2.5, speed('full', 'local', 3)),
    least('the same, seq-25', 2.5, speed('full', 'local', 25)),
    most('history events per step', 6, perStep('full', 'write', 'events')),
    most('history events per local step', 1.2, perStep('full', 'local', 'events')),
    most(
      'history events for records per run',
      1,
      (cell('full', 3, 'write')?.events ?? NaN) - (cell('hand', 3, 'write')?.events ?? NaN),
    ),
    most('history bytes per step', 1_126, perStep('full', 'write', 'bytes')),
    most('plan bytes per step', 250, (planBytes(25) - planBytes(3)) / 22),
    most('event accepted → first action, p50', 30, quantile(accepted, 0.5), ' ms'),
    most('event accepted → first action, p95', 50, quantile(accepted, 0.95), ' ms'),
    plain('event sent → first action, p50, ms', quantile(sent, 0.5)),
    most('gate decided by update → next action, interpreter, p50', 15, quantile(gateTimes, 0.5), ' ms'),
    most('gate decided by update → next action, interpreter, p95', 30, quantile(gateTimes, 0.95), ' ms'),
    plain('the same, hand-written, p50, ms', quantile(handGateTimes, 0.5)),
    plain('the same, hand-written, p95, ms', quantile(handGateTimes, 0.95)),
    most('gate decided through the API → next action, p50', 15, quantile(decided, 0.5), ' ms'),
    most('gate decided through the API → next action, p95', 30, quantile(decided, 0.95), ' ms'),
    most('step, one run at a time, seq-25 with records, p50', 25, (single?.p50 ?? NaN) / 25, ' ms'),
    ...loops.flatMap(({ where, items, elapsedMs, rssMib }) => [
      most(`for_each over ${items} items, ${where}`, where === 'local' ? 45 : 120, elapsedMs / 1_000, ' s'),
      most(`the same, memory at item 9 000 ÷ at item 1 000, ${where}`, 1.1, rssMib.late / rssMib.early),
    ]),
    most('worker process, start → polling', 800, median(workerStarts.filter(isQuiet).map((one) => one.readyMs)), ' ms'),
  ];
}

function judged(measured: number, holds: boolean): Pick<Verdict, 'measured' | 'holds'> {
  return Number.isFinite(measured) ? { measured, holds } : { measured: null, holds: null };
}

/** Both tables, for people. */
export function tables(measured: Measured): string {
  const cells = figuresOf(measured.sequences);
  const number = (value: number | null, digits = 1): string =>
    value === null || Number.isNaN(value) ? '–' : value.toFixed(digits);
  const header = [
    'workload',
    'c',
    'variant',
    'n',
    'runs/s',
    'p50 ms',
    'p95 ms',
    'worker',
    'Temporal',
    'Postgres',
    'RSS MiB',
    'events',
    'bytes',
  ];
  const rows = cells.map((one) => [
    `seq-${one.steps} ${one.effect}`,
    String(one.concurrency),
    one.variant,
    `${one.kept}/${one.taken}`,
    number(one.runsPerS, 2),
    number(one.p50, 0),
    number(one.p95, 0),
    number(one.workerCpu),
    number(one.temporalCpu),
    number(one.postgresCpu),
    number(one.rssMib, 0),
    number(one.events, 0),
    number(one.bytes, 0),
  ]);
  const verdicts = verdictsOf(measured).map((one) => [
    one.what,
    one.bound ?? '',
    number(one.measured, 2),
    one.holds === null ? '–' : one.holds ? 'yes' : 'NO',
  ]);
  return [
    'worker, Temporal, Postgres: CPU milliseconds per run; n: samples kept / taken',
    markdown(header, rows),
    markdown(['number of design §8', 'bound', 'measured', 'holds'], verdicts),
  ].join('\n\n');
}

/** A table. */
export function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, ix) => Math.max(3, ...all.map((row) => row[ix]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, ix) => text.padEnd(widths[ix] ?? 0)).join(' | ')} |`;
  return [line(header), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}
