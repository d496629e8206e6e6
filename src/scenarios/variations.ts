import { canonicalJson } from '../domain/json.js';
import { readsOf } from '../domain/expression/reads.js';
import type { Plan } from '../domain/plan.js';
import type { Choose } from './agenda.js';
import type { Mismatch } from './expectations.js';
import type { Driving, SimulatedRun } from './simulation.js';

/** Another way to drive the same run. */
export interface Variation {
  name: string;
  driving: Driving;
  /** Whether it must come to the very same; else only the invariants count. */
  mustEqual: boolean;
}

/** Orders that concurrent completions are tried in. */
const SHUFFLES = 5;

/** The ways in which a scenario is repeated. */
export function variationsOf(plan: Plan, which: { handOver: boolean; chaos: boolean }): Variation[] {
  const handOver = { name: 'continue as new', driving: { handOver: true }, mustEqual: true };
  const found: Variation[] = which.handOver || which.chaos ? [handOver] : [];
  if (!which.chaos) return found;
  found.push({ name: 'everything twice', driving: { twice: true }, mustEqual: true });
  for (let seed = 1; seed <= SHUFFLES; seed += 1) {
    const driving = { twice: true, handOver: seed % 2 === 0, choose: chooser(seed) };
    found.push({ name: `completions shuffled (${seed})`, driving, mustEqual: isOrderFree(plan) });
  }
  return found;
}

/** A repeatable choice: mulberry32. */
export function chooser(seed: number): Choose {
  let state = seed;
  return (count) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  };
}

/** Whether the order of completions at one instant cannot show in what a run comes to (language §11). */
function isOrderFree({ nodes }: Plan): boolean {
  const decides = nodes.some(
    (node) =>
      (node.kind === 'parallel' && (node.join !== undefined || node.mode === 'fail_fast')) ||
      (node.kind === 'for_each' && node.concurrency > 1),
  );
  return !decides && !readsOf(nodes as never).some((read) => read.includes('failures'));
}

/** What two runs of one scenario must have in common. Moments count: virtual time is the same. */
export function fingerprint(
  { state, path, calls, elapsedMs }: SimulatedRun,
  ordered: boolean,
): Record<string, string[]> {
  const callLines = calls.map((call) => `${call.path} ${call.attempt} ${canonicalJson(call.input)}`);
  return {
    status: [state.status],
    outputs: [canonicalJson(state.outputs ?? null)],
    error: [canonicalJson(state.error ?? null)],
    path: ordered ? path : path.toSorted(),
    calls: ordered ? callLines : callLines.toSorted(),
    elapsed: [`${elapsedMs} ms`],
  };
}

/** How a run differs from the plain one. */
export function differences(plain: SimulatedRun, other: SimulatedRun, { name, driving }: Variation): Mismatch[] {
  const ordered = driving.choose === undefined;
  const expected = fingerprint(plain, ordered);
  const got = fingerprint(other, ordered);
  return Object.keys(expected)
    .filter((key) => canonicalJson(expected[key]) !== canonicalJson(got[key]))
    .map((key) => ({ what: `${key} (${name})`, expected: expected[key] ?? [], got: got[key] ?? [] }));
}

/** Rules that every ended run keeps, whatever the order of events (language §11). */
export function brokenInvariants({ state, transitions, calls }: SimulatedRun, name: string): Mismatch[] {
  const found: Mismatch[] = [];
  const add = (what: string, expected: string, got: string, path?: string): void => {
    found.push({
      what: `${what} (${name})`,
      expected: [expected],
      got: [got],
      ...(path === undefined ? {} : { path }),
    });
  };
  const open = [...Object.keys(state.tasks), ...Object.keys(state.timers), ...Object.keys(state.waits)];
  if (open.length > 0) add('all settled', 'nothing open', open.join(', '));
  const gates = Object.keys(state.gates).filter((path) => state.gates[path]?.status === 'open');
  if (gates.length > 0) add('all settled', 'no open gate', gates.join(', '));
  const ended = new Set<string>();
  let seq = 0;
  for (const one of transitions) {
    if (one.seq <= seq) add('numbers of records rise', `more than ${seq}`, `${one.seq}`);
    seq = one.seq;
    if (one.t !== 'step' || one.status === 'running' || one.status === 'created') continue;
    if (ended.has(one.path)) add('one final record for each step', 'one', 'another', one.path);
    ended.add(one.path);
  }
  const made = new Set<string>();
  for (const { path, attempt } of calls) {
    const key = `${path} ${attempt}`;
    if (made.has(key) && !isRepeated(transitions, path))
      add('no call twice', 'one call', `attempt ${attempt} again`, path);
    made.add(key);
  }
  return found;
}

/** Whether people asked at a recovery gate for another round. */
function isRepeated(transitions: SimulatedRun['transitions'], path: string): boolean {
  return transitions.some(
    (one) => one.t === 'decision' && one.gate === `${path}~recover` && one.decision.decision === 'retry',
  );
}
