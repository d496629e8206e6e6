import type { KeyedStart } from '../catalog/run-store.js';
import type { UnitOfWork } from '../catalog/unit-of-work.js';
import { runIdOf } from '../domain/ids.js';
import type { DedupeKey } from './matching.js';
import type { Match } from './rails.js';

/** A match of a trigger that tells events apart. */
interface Keyed {
  one: Match;
  dedupe: DedupeKey;
  start: KeyedStart;
}

/**
 * Turns starts whose event is the same as that of a run that is open, or that began recently, into the verdict
 * `duplicate_of` (language §2). Inside the transaction that creates the others: until it ends, nobody else starts a run of
 * the blueprints by an event with a key, so that of two events at one moment one starts a run and the other sees it.
 */
export async function withoutDuplicates(unit: UnitOfWork, found: readonly Match[]): Promise<readonly Match[]> {
  if (keyedOf(found).length === 0) return found;
  // Those of every start, not only of the keyed ones: rails take the same locks later, and all take them in one order.
  const started = found.filter(({ match }) => match.verdict === 'started');
  const blueprints = new Set(started.map(({ match }) => match.candidate.blueprint_id));
  for (const id of [...blueprints].sort()) await unit.holds.lock(id);
  return markDuplicates(unit, found);
}

/** As `withoutDuplicates`, without any lock: what would be decided at this moment. */
export async function markDuplicates(
  { runs }: Pick<UnitOfWork, 'runs'>,
  found: readonly Match[],
): Promise<readonly Match[]> {
  const keyed = keyedOf(found);
  if (keyed.length === 0) return found;
  const standing = await runs.standingBefore(keyed.map(({ start }) => start));
  const duplicates = new Map<Match, Match>();
  /** Runs that this very transaction makes. */
  const begun = new Map<string, string>();
  for (const [ix, { one, dedupe, start }] of keyed.entries()) {
    const name = JSON.stringify([start.blueprint_id, start.key]);
    const before = standing[ix] ?? begun.get(name);
    if (before === undefined) begun.set(name, start.run_id);
    else duplicates.set(one, duplicateOf(one, before, dedupe.key));
  }
  return found.map((one) => duplicates.get(one) ?? one);
}

function keyedOf(found: readonly Match[]): Keyed[] {
  return found.flatMap((one) => {
    const { dedupe, verdict, candidate } = one.match;
    if (verdict !== 'started' || dedupe === undefined) return [];
    const { blueprint_id } = candidate;
    const { key, open, windowMs } = dedupe;
    const run_id = runIdOf(one.subject.event.event_id, blueprint_id);
    return [{ one, dedupe, start: { blueprint_id, key, open, window_ms: windowMs, run_id } }];
  });
}

function duplicateOf({ subject, match }: Match, runId: string, key: string): Match {
  const { candidate, detail = {} } = match;
  return { subject, match: { candidate, verdict: 'duplicate_of', detail: { ...detail, duplicate_of: runId, key } } };
}
