import type { UnitOfWork } from '../catalog/unit-of-work.js';
import { runIdOf } from '../domain/ids.js';
import type { DedupeKey } from './matching.js';
import type { Match } from './rails.js';

/**
 * Turns starts whose event is the same as that of a run that is open, or that began recently, into the verdict
 * `duplicate_of` (language §2). Inside the transaction that creates the others: until it ends, nobody else starts a run of
 * the blueprints by an event with a key, so that of two events at one moment one starts a run and the other sees it.
 */
export async function withoutDuplicates(unit: UnitOfWork, found: readonly Match[]): Promise<readonly Match[]> {
  if (!found.some((one) => dedupeOf(one) !== undefined)) return found;
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
  const keyed = found.filter((one) => dedupeOf(one) !== undefined);
  if (keyed.length === 0) return found;
  const standing = await runs.standingBefore(
    keyed.map((one) => {
      const { key, open, windowMs } = dedupeOf(one) as DedupeKey;
      const { blueprint_id } = one.match.candidate;
      return { blueprint_id, key, open, window_ms: windowMs, run_id: runOf(one) };
    }),
  );
  const before = new Map(keyed.map((one, ix) => [one, standing[ix]]));
  return found.map((one) => duplicateOf(one, before.get(one)));
}

/**
 * The same for starts of one transaction, of which none sees the other. After rails: what is held, or too old, makes no run
 * that another one could be a duplicate of.
 */
export function oncePerKey(found: readonly Match[]): readonly Match[] {
  const begun = new Map<string, string>();
  return found.map((one) => {
    const dedupe = dedupeOf(one);
    if (dedupe === undefined) return one;
    const name = JSON.stringify([one.match.candidate.blueprint_id, dedupe.key]);
    const before = begun.get(name);
    if (before === undefined) begun.set(name, runOf(one));
    return duplicateOf(one, before);
  });
}

/** Of a start by a trigger that tells events apart. */
function dedupeOf({ match }: Match): DedupeKey | undefined {
  return match.verdict === 'started' ? match.dedupe : undefined;
}

function runOf({ subject, match }: Match): string {
  return runIdOf(subject.event.event_id, match.candidate.blueprint_id);
}

function duplicateOf(one: Match, runId: string | undefined): Match {
  const { candidate, detail = {}, dedupe } = one.match;
  if (runId === undefined || dedupe === undefined) return one;
  const told = { ...detail, duplicate_of: runId, key: dedupe.key };
  return { subject: one.subject, match: { candidate, verdict: 'duplicate_of', detail: told } };
}
