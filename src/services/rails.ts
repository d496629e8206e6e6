import type { RecentStarts } from '../catalog/start-store.js';
import type { UnitOfWork } from '../catalog/unit-of-work.js';
import type { Plan } from '../domain/plan.js';
import type { MatchedEvent, MatchVerdict } from './matching.js';

/** Kinds of runs of which only some run at once: those in containers, and those of building and testing. */
export type Lane = 'workcell' | 'ci';

/** Bounds that keep automation from running away (001 §38). */
export interface Rails {
  /** Runs of one blueprint that events start within a minute; more are held. */
  startsPerMinute: number;
  /** How old an event may be when it starts a run, and how long a start may be held. Milliseconds. */
  eventBacklogMs: number;
  /** Runs that one another cause, at most. */
  causeDepth: number;
  /** Runs at once; more wait. */
  places: Readonly<Record<Lane, number>>;
}

/** An event with what became of one of its candidates. */
export interface Match {
  subject: MatchedEvent;
  match: MatchVerdict;
}

/** The lane of a run; undefined: as many as there are workers for. */
export function laneOf(plan: Pick<Plan, 'actions'>, trigger: string): Lane | undefined {
  if (trigger.startsWith('xyn.cicd.')) return 'ci';
  return Object.keys(plan.actions).some((name) => name.startsWith('container.')) ? 'workcell' : undefined;
}

/**
 * Turns starts that are too many or too late into the verdict `backlog`: the first are held and happen later, the others
 * never happen. Inside the transaction that creates the others.
 * @param seen recent starts of blueprints, as a statement just before saw them; others are asked for.
 */
export async function holdBack(
  unit: UnitOfWork,
  { rails, clock }: { rails?: Rails; clock: () => number },
  found: readonly Match[],
  seen: ReadonlyMap<string, RecentStarts> = new Map(),
): Promise<readonly Match[]> {
  if (rails === undefined) return found;
  const now = clock();
  const judged = found.map((one) => {
    const ageMs = now - Date.parse(one.subject.event.occurred_at);
    const isLate = one.match.verdict === 'started' && ageMs > rails.eventBacklogMs;
    return isLate ? backlog(one, { expired: true, expired_at: new Date(now).toISOString() }) : one;
  });
  const held = await tooMany(unit, rails, judged, seen);
  const expiresAt = new Date(now + rails.eventBacklogMs).toISOString();
  await unit.holds.hold(
    [...held].map(({ subject, match }) => ({
      event_id: subject.event.event_id,
      blueprint_id: match.candidate.blueprint_id,
      expires_at: expiresAt,
    })),
  );
  const limit = { starts_per_minute: rails.startsPerMinute, expires_at: expiresAt };
  return judged.map((one) => (held.has(one) ? backlog(one, limit) : one));
}

function backlog({ subject, match }: Match, detail: Record<string, string | number | boolean>): Match {
  const { candidate, detail: matched = {} } = match;
  return { subject, match: { candidate, verdict: 'backlog', detail: { ...matched, ...detail } } };
}

async function tooMany(
  unit: UnitOfWork,
  rails: Rails,
  found: readonly Match[],
  seen: ReadonlyMap<string, RecentStarts>,
): Promise<Set<Match>> {
  const byBlueprint = new Map<string, Match[]>();
  for (const one of found) {
    if (one.match.verdict !== 'started') continue;
    const { blueprint_id: id } = one.match.candidate;
    byBlueprint.set(id, [...(byBlueprint.get(id) ?? []), one]);
  }
  const held = new Set<Match>();
  // In order of their ids, so that two transactions cannot wait for each other.
  for (const id of [...byBlueprint.keys()].sort()) {
    const wanted = byBlueprint.get(id) ?? [];
    const permits = await permitsOf(unit, rails.startsPerMinute, { id, wanted: wanted.length, seen: seen.get(id) });
    for (const one of wanted.slice(permits)) held.add(one);
  }
  return held;
}

/**
 * Starts that are under way in other transactions, at most: a batch of the dispatcher has 100, every connection of an API
 * one. Closer to the limit than that, transactions decide one after the other, each seeing what those before it did.
 */
const UNSEEN_STARTS = 500;

/** Starts that a blueprint may still have in this minute. */
async function permitsOf(
  { holds }: UnitOfWork,
  limit: number,
  { id: blueprintId, wanted, seen }: { id: string; wanted: number; seen: RecentStarts | undefined },
): Promise<number> {
  const before = seen ?? (await holds.recent(blueprintId, limit));
  if (!before.held && before.starts + wanted + UNSEEN_STARTS <= limit) return wanted;
  await holds.lock(blueprintId);
  const { starts, held } = await holds.recent(blueprintId, limit);
  // Whoever was held first goes first.
  return held ? 0 : Math.max(0, limit - starts);
}
