import { parseArgs } from 'node:util';

export const PARTS = ['seq-3', 'seq-25', 'gate', 'loop', 'start', 'worker'] as const;
export type Part = (typeof PARTS)[number];

/** What to measure. */
export interface BenchOptions {
  only: readonly Part[];
  /** Samples of each cell and variant, one after the other in turn. */
  pairs: number;
  out: string | undefined;
  /** Runs at once in the sequences. */
  concurrency: readonly number[];
  /** Runs of each variant before the first sample. */
  warmUp: number;
}

const USAGE = `bench [--only ${PARTS.join(',')}] [--pairs 3] [--concurrency 1,20] [--warm-up 100] [--out FILE]`;

/** @throws Error with the usage when an option is wrong. */
export function benchOptions(args: readonly string[]): BenchOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        pairs: { type: 'string', default: '3' },
        concurrency: { type: 'string', default: '1,20' },
        'warm-up': { type: 'string', default: '100' },
        out: { type: 'string' },
      },
    });
    const only = (values.only?.split(',') ?? [...PARTS]).map((part) => {
      const known = PARTS.find((one) => one === part);
      if (known === undefined) throw new Error(`--only knows ${PARTS.join(', ')}`);
      return known;
    });
    return {
      only,
      pairs: whole(values.pairs, '--pairs'),
      concurrency: values.concurrency.split(',').map((value) => whole(value, '--concurrency')),
      warmUp: whole(values['warm-up'], '--warm-up'),
      out: values.out,
    };
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : 'wrong options'}\n${USAGE}`, { cause: error });
  }
}

function whole(value: string, option: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${option} takes whole numbers from 1`);
  return number;
}
