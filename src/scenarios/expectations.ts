import { formatDuration } from '../domain/duration.js';
import { canonicalJson, isJsonObject, type Json } from '../domain/json.js';
import type { XynError } from '../domain/xyn-error.js';
import type { Scenario } from './scenario-schema.js';
import type { SimulatedRun } from './simulation.js';
import { stepIdOf, stepPattern } from './step-pattern.js';

/** One thing that was not as expected; both sides line by line. */
export interface Mismatch {
  /** Field of `expect`, or what went wrong before anything could be compared. */
  what: string;
  expected: string[];
  got: string[];
  /** Address of the step that it is about. */
  path?: string;
}

type Expected = Scenario['expect'];

/** Compares what a run came to with what was expected; empty: all of it is so. */
export function mismatches(expected: Expected, run: SimulatedRun): Mismatch[] {
  return [
    ...statusOf(expected, run),
    ...errorOf(expected, run),
    ...pathOf(expected, run),
    ...skippedOf(expected, run),
    ...callsOf(expected, run),
    ...outputsOf(expected, run),
    ...elapsedOf(expected, run),
  ];
}

/** An error as one line. */
export function describeError({ code, path, message }: XynError): string {
  return `${code}${path === '' ? '' : ` at ${path}`}: ${message}`;
}

function statusOf({ status }: Expected, { state }: SimulatedRun): Mismatch[] {
  if (status === undefined || status === state.status) return [];
  const { error } = state;
  const got = [state.status, ...(error === undefined ? [] : [describeError(error)])];
  return [{ what: 'status', expected: [status], got, ...(error?.path ? { path: error.path } : {}) }];
}

function errorOf({ error: expected }: Expected, { state: { error } }: SimulatedRun): Mismatch[] {
  if (expected === undefined) return [];
  const got = error as unknown as Json | undefined;
  if (got !== undefined && isSubset(expected, got)) return [];
  const shown = error === undefined ? ['no error'] : [canonicalJson(pick(got as Json, expected)), describeError(error)];
  return [
    { what: 'error', expected: [canonicalJson(expected)], got: shown, ...(error?.path ? { path: error.path } : {}) },
  ];
}

/** The members of a value that are compared, so that the two sides can be read beside each other. */
function pick(value: Json, like: Json): Json {
  if (!isJsonObject(value) || !isJsonObject(like)) return value;
  return Object.fromEntries(
    Object.keys(like).flatMap((key) => (value[key] === undefined ? [] : [[key, pick(value[key], like[key] as Json)]])),
  );
}

/** Outside of loops the id stands for the step, inside the whole address. */
function shortOf(path: string): string {
  return path.includes('[') ? path : stepIdOf(path);
}

function pathOf({ path, path_contains: part }: Expected, run: SimulatedRun): Mismatch[] {
  const got = run.path.map(shortOf);
  const found: Mismatch[] = [];
  if (path !== undefined) {
    const expected = path.map(shortOf);
    const at = longest(expected, got).findIndex((_, ix) => expected[ix] !== got[ix]);
    if (at !== -1) found.push({ what: 'path', expected, got, ...pathAt(run.path[at]) });
  }
  if (part !== undefined) {
    const expected = part.map(shortOf);
    let next = 0;
    for (const one of got) if (one === expected[next]) next += 1;
    if (next < expected.length) {
      const what = `path_contains (${expected[next] ?? ''} is missing, or not in this order)`;
      found.push({ what, expected, got });
    }
  }
  return found;
}

function longest<T>(a: readonly T[], b: readonly T[]): readonly T[] {
  return a.length > b.length ? a : b;
}

function pathAt(path: string | undefined): { path?: string } {
  return path === undefined ? {} : { path };
}

function skippedOf({ skipped }: Expected, { transitions }: SimulatedRun): Mismatch[] {
  return Object.entries(skipped ?? {}).flatMap(([key, reason]): Mismatch[] => {
    const pattern = stepPattern(key);
    const records = transitions.flatMap((one) => (one.t === 'step' && pattern.matches(one.path) ? [one] : []));
    const wrong = records.find((one) => one.status !== 'running' && one.skip_reason !== reason);
    if (records.length > 0 && wrong === undefined) return [];
    const got =
      wrong === undefined ? 'not skipped' : `${wrong.status}${wrong.skip_reason ? ` (${wrong.skip_reason})` : ''}`;
    return [{ what: `skipped.${key}`, expected: [`skipped (${reason})`], got: [got], path: wrong?.path ?? key }];
  });
}

function callsOf({ calls }: Expected, run: SimulatedRun): Mismatch[] {
  return Object.entries(calls ?? {}).flatMap(([key, { times, with: input }]): Mismatch[] => {
    const pattern = stepPattern(key);
    const made = run.calls.filter(({ path }) => pattern.matches(path));
    const found: Mismatch[] = [];
    if (times !== undefined && made.length !== times) {
      const got = [`${made.length}`, ...made.map((one) => `${one.path}, attempt ${one.attempt}`)];
      found.push({ what: `calls.${key}.times`, expected: [`${times}`], got, path: key });
    }
    const wrong = input === undefined ? undefined : made.find((one) => !isSubset(input, one.input));
    if (input !== undefined && (made.length === 0 || wrong !== undefined)) {
      const got = wrong === undefined ? 'no call' : canonicalJson(pick(wrong.input, input));
      found.push({ what: `calls.${key}.with`, expected: [canonicalJson(input)], got: [got], path: wrong?.path ?? key });
    }
    return found;
  });
}

function outputsOf({ outputs }: Expected, { state }: SimulatedRun): Mismatch[] {
  if (outputs === undefined) return [];
  const [expected, got] = [canonicalJson(outputs), canonicalJson(state.outputs ?? null)];
  return expected === got ? [] : [{ what: 'outputs', expected: [expected], got: [got] }];
}

function elapsedOf({ elapsed }: Expected, { elapsedMs }: SimulatedRun): Mismatch[] {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = elapsed ?? {};
  if (elapsedMs >= min && elapsedMs <= max) return [];
  const bounds = [
    ...(elapsed?.min === undefined ? [] : [`at least ${formatDuration(min)}`]),
    ...(elapsed?.max === undefined ? [] : [`at most ${formatDuration(max)}`]),
  ];
  return [{ what: 'elapsed', expected: [bounds.join(', ')], got: [formatDuration(elapsedMs)] }];
}

/** Whether every member of `part` is in `whole`, at any depth; lists and single values must be equal. */
function isSubset(part: Json, whole: Json): boolean {
  if (!isJsonObject(part)) return canonicalJson(part) === canonicalJson(whole);
  if (!isJsonObject(whole)) return false;
  return Object.entries(part).every(([key, member]) => {
    const other = whole[key];
    return other !== undefined && isSubset(member, other);
  });
}
