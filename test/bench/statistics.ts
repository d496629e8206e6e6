/** The value below which the share `p` of the numbers lies; NaN of none. */
export function quantile(numbers: readonly number[], p: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? NaN;
}

/** The middle; of an even count the mean of the two. NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** What became of figures that were taken in pairs: geometric means, their change in percent, and twice its standard error. */
export function change(
  before: readonly number[],
  after: readonly number[],
): { before: number; after: number; percent: number; error: number } {
  const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  const logs = (numbers: readonly number[]): number[] => numbers.map(Math.log);
  const differences = after.map((one, ix) => Math.log(one / (before[ix] ?? NaN)));
  const middle = mean(differences);
  const variance = differences.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (differences.length - 1);
  return {
    before: Math.exp(mean(logs(before))),
    after: Math.exp(mean(logs(after))),
    percent: 100 * (Math.exp(middle) - 1),
    error: 200 * Math.sqrt(variance / differences.length),
  };
}

/** Samples during which others used more than this many cores are left out of the figures. */
export const MAX_FOREIGN_CORES = 0.35;

/** Whether a sample counts. Where nothing is known of others it does. */
export function isQuiet({ foreignCores }: { foreignCores: number | null }): boolean {
  return foreignCores === null || foreignCores <= MAX_FOREIGN_CORES;
}

/** A sample that was disturbed is taken again this often at most. */
const RETRIES = 2;
/** How long all repetitions together may take: on a machine that stays busy a benchmark must end nevertheless. */
let repeatMs = 90_000;

/** Takes samples until one is quiet, and gives all of them. */
export async function quietSamples<Sample extends { foreignCores: number | null }>(
  take: () => Promise<Sample>,
): Promise<Sample[]> {
  const samples = [await take()];
  for (let retry = 0; retry < RETRIES && repeatMs > 0 && !samples.some(isQuiet); retry += 1) {
    const began = performance.now();
    samples.push(await take());
    repeatMs -= performance.now() - began;
  }
  return samples;
}
