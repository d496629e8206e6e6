import type { Problem } from '../language/problem.js';
import type { Coverage } from './coverage.js';
import type { Mismatch } from './expectations.js';

/** The outcome of one scenario. */
export interface ScenarioReport {
  name: string;
  /** Place of the scenario in its file. */
  line: number;
  column: number;
  ok: boolean;
  mismatches: Mismatch[];
  /** Real milliseconds. */
  took_ms: number;
}

/** The outcome of one file of scenarios. */
export interface ScenarioFileReport {
  file: string;
  /** With errors among them nothing ran. `file` is the document that they are in. */
  problems: (Problem & { file: string })[];
  scenarios: ScenarioReport[];
  /** With `coverage` asked for, when the scenarios ran. */
  coverage?: Coverage;
}

/** The outcome of `xynctl test`. */
export interface ScenarioRunReport {
  ok: boolean;
  passed: number;
  failed: number;
  files: ScenarioFileReport[];
}

/** Lines of a mismatch, both sides beside each other; the first line that differs is marked. */
export function mismatchLines({ what, expected, got, path }: Mismatch): string[] {
  const head = `${what}${path === undefined ? '' : `, at ${path}`}`;
  const width = Math.min(60, Math.max(8, ...expected.map((line) => line.length)));
  const rows = expected.length > got.length ? expected : got;
  const lines = rows.map((_, ix) => {
    const [left = '', right = ''] = [expected[ix], got[ix]];
    return `  ${left === right ? ' ' : '≠'} ${left.padEnd(width)}  ${right}`;
  });
  return [head, `    ${'expected'.padEnd(width)}  got`, ...lines];
}
