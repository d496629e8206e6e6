import type { AuditEntry } from '../catalog/audit.js';
import type { TriggerRow, VerdictRow } from '../catalog/event-store.js';
import type { Listeners } from '../catalog/start-store.js';
import type { RunDto } from '../domain/dtos.js';
import type { RunToStart } from '../catalog/run-store.js';
import type { EventRow, RunRow } from '../catalog/start-rows.js';
import type { UnitOfWork } from '../catalog/unit-of-work.js';
import type { EventDto } from '../domain/dtos.js';
import type { EnvFacts } from '../domain/engine/state.js';
import { patternsOf } from '../domain/event-name.js';
import { engineEventIdOf, runIdOf } from '../domain/ids.js';
import { SCHEDULE_FIRED, schedulePattern } from '../domain/schedule.js';
import { markDuplicates, oncePerKey, withoutDuplicates } from './dedupe.js';
import { defaultRunName, matchEvent, type Candidate, type MatchedEvent, type MatchVerdict } from './matching.js';
import type { PlanCache } from './plan-cache.js';
import { holdBack, laneOf, type Match, type Rails } from './rails.js';
import { takePlaces, type PlannedRun } from './run-places.js';

/** Every run that comes into being leaves this event; its row in the outbox is what starts the workflow. */
export const RUN_CREATED = 'xyn.run.created';

export interface MatchOutcome {
  verdicts: VerdictRow[];
  created: CreatedRuns;
}

/** Runs that are new. */
export interface CreatedRuns {
  ids: string[];
  /** Those that this process starts after the commit; the others are in the outbox for whoever takes them. */
  leased: RunToStart[];
}

export interface RunCreationDeps {
  plans: PlanCache;
  /** The snapshot of the environment that new runs get. */
  env: EnvFacts;
  /** Milliseconds since the epoch. */
  clock: () => number;
  /** Absent: nothing is held. */
  rails?: Rails;
  /** Whether this process can start new runs itself right after the commit; absent: it cannot. */
  leases?: () => boolean;
}

/**
 * Matches events inside a transaction: stores a verdict for every candidate, and creates the runs that start with their
 * outbox rows and audit entries. Repeating it for an event changes nothing.
 * @param known what is written along, and what the transaction has read already.
 */
export async function matchAndCreate(
  unit: UnitOfWork,
  deps: RunCreationDeps,
  subjects: readonly MatchedEvent[],
  { entries = [], listeners }: { entries?: readonly AuditEntry[]; listeners?: Listeners } = {},
): Promise<MatchOutcome> {
  const patterns = [...new Set(subjects.flatMap(({ event }) => patternsOfEvent(event)))];
  const triggers = listeners?.triggers ?? (patterns.length === 0 ? [] : await unit.events.triggersOf(patterns));
  const found: Match[] = [];
  for (const subject of subjects) {
    const matching = new Set(patternsOfEvent(subject.event));
    const rows = triggers.filter((row) => matching.has(row.event_pattern));
    found.push(...(await matchesOf(unit, deps, subject, rows)));
  }
  const wanted = await withoutDuplicates(unit, found);
  // Whoever waited for a lock has seen what was true before.
  const seen = found === wanted ? listeners?.recent : undefined;
  const planned = oncePerKey(await holdBack(unit, deps, wanted, seen)).map((one) => planOf(one, deps.env));
  const verdicts = planned.map(({ verdict }) => verdict);
  const runs = planned.flatMap(({ run }) => run ?? []);
  return { verdicts, created: await createRuns(unit, deps, runs, { entries, verdicts }) };
}

/** Starts what was held of one blueprint, by its triggers of today; says in the verdicts what became of it. */
export async function startReleased(
  unit: UnitOfWork,
  deps: RunCreationDeps,
  blueprintId: string,
  subjects: readonly MatchedEvent[],
): Promise<void> {
  if (subjects.length === 0) return;
  const patterns = [...new Set(subjects.flatMap(({ event }) => patternsOfEvent(event)))];
  const triggers = (await unit.events.triggersOf(patterns)).filter((row) => row.blueprint_id === blueprintId);
  const gone: VerdictRow[] = [];
  const found: Match[] = [];
  for (const subject of subjects) {
    const matching = new Set(patternsOfEvent(subject.event));
    const rows = triggers.filter((row) => matching.has(row.event_pattern));
    const [match] = await matchesOf(unit, deps, subject, rows);
    const { event_id } = subject.event;
    if (match !== undefined) found.push(match);
    else
      gone.push({
        event_id,
        blueprint_id: blueprintId,
        verdict: 'disabled',
        detail: { reason: 'trigger' },
        run_id: null,
      });
  }
  const planned = oncePerKey(await withoutDuplicates(unit, found)).map((one) => planOf(one, deps.env));
  await unit.events.settleBacklog([...gone, ...planned.map(({ verdict }) => verdict)]);
  const runs = planned.flatMap(({ run }) => run ?? []);
  await createRuns(unit, deps, runs);
}

/** What an event would do by the triggers of today; nothing is written, and how often a blueprint may start is not asked. */
export async function matchesToday(
  stores: Pick<UnitOfWork, 'events' | 'blueprints' | 'runs'>,
  deps: Pick<RunCreationDeps, 'plans' | 'rails' | 'env'>,
  subject: MatchedEvent,
): Promise<MatchVerdict[]> {
  const rows = await stores.events.triggersOf(patternsOfEvent(subject.event));
  return (await markDuplicates(stores, await matchesOf(stores, deps, subject, rows))).map(({ match }) => match);
}

/** What triggers may look for in an event: its name, and where it comes from a schedule, that one. */
export function patternsOfEvent({ event_name: name, data }: EventDto): string[] {
  const patterns = patternsOf(name);
  const { schedule_id: scheduleId } = data;
  return name === SCHEDULE_FIRED && typeof scheduleId === 'string'
    ? [schedulePattern(scheduleId), ...patterns]
    : patterns;
}

async function matchesOf(
  unit: Pick<UnitOfWork, 'blueprints'>,
  deps: Pick<RunCreationDeps, 'plans' | 'rails' | 'env'>,
  subject: MatchedEvent,
  rows: readonly TriggerRow[],
): Promise<Match[]> {
  const candidates = await candidatesOf(rows, (id, version) => deps.plans.get(id, version, unit.blueprints));
  const depth = deps.rails === undefined ? {} : { maxCauseDepth: deps.rails.causeDepth };
  return matchEvent({ ...subject, ...depth, env: deps.env }, candidates).map((match) => ({ subject, match }));
}

function planOf({ subject, match }: Match, env: EnvFacts): { verdict: VerdictRow; run?: PlannedRun } {
  if (match.verdict !== 'started') return { verdict: verdictRow(subject.event, match, null) };
  const row = runOf(subject, match, env);
  const { plan } = match.candidate;
  const lane = plan === undefined ? undefined : laneOf(plan, row.trigger);
  return { verdict: verdictRow(subject.event, match, row.run_id), run: { row, lane, event: subject.event } };
}

/**
 * Creates runs with their outbox rows and audit entries, inside a transaction.
 * @param along audit entries and verdicts to write along.
 */
export async function createRuns(
  unit: UnitOfWork,
  deps: Pick<RunCreationDeps, 'clock' | 'rails' | 'leases'>,
  runs: readonly PlannedRun[],
  { entries = [], verdicts = [] }: { entries?: readonly AuditEntry[]; verdicts?: readonly VerdictRow[] } = {},
): Promise<CreatedRuns> {
  // A place is for a run that is new, so runs of a lane are inserted first; all others come with the rest.
  const queued = runs.filter(({ lane }) => lane !== undefined);
  const earlier = await unit.runs.insert(queued.map(({ row }) => row));
  const waiting = await takePlaces(
    unit,
    deps.rails,
    queued.filter(({ row }) => earlier.includes(row.run_id)),
  );
  const at = new Date(deps.clock());
  const leased = deps.leases?.() === true;
  const direct = await unit.starts.settle({
    verdicts,
    runs: runs.flatMap(({ row, lane }) => (lane === undefined ? [row] : [])),
    // What waits for a place leaves the outbox until it has one.
    events: runs.map(({ row }) => ({ ...createdEvent(row, at), settled: waiting.has(row.run_id), leased })),
    earlier,
  });
  const added = new Set([...earlier, ...direct]);
  const kept = runs.filter(({ row }) => added.has(row.run_id));
  await unit.audit([...entries, ...kept.map(({ row }) => createdEntry(row, at))]);
  const ready = leased ? kept.filter(({ row }) => !waiting.has(row.run_id)) : [];
  return { ids: [...added], leased: ready.map((run) => startOf(run, at)) };
}

function startOf({ row, event }: PlannedRun, at: Date): RunToStart {
  return { run: newRunDto(row, at), env: row.env, event: event ?? null, seq: 0 };
}

async function candidatesOf(
  rows: readonly TriggerRow[],
  planOf: (blueprintId: string, version: number) => ReturnType<PlanCache['get']>,
): Promise<Candidate[]> {
  const byBlueprint = new Map<string, TriggerRow[]>();
  for (const row of rows) byBlueprint.set(row.blueprint_id, [...(byBlueprint.get(row.blueprint_id) ?? []), row]);
  const candidates: Candidate[] = [];
  for (const group of byBlueprint.values()) {
    const first = group[0] as TriggerRow;
    const known = await planOf(first.blueprint_id, first.version);
    candidates.push({
      blueprint_id: first.blueprint_id,
      name: first.blueprint_name,
      version: first.version,
      digest: known?.digest ?? '',
      enabled: first.blueprint_enabled,
      disabled: new Set(group.filter((row) => !row.trigger_enabled).map((row) => row.ordinal)),
      schedules: new Set(group.filter((row) => row.event_pattern.includes('#')).map((row) => row.ordinal)),
      plan: known?.intact === true ? known.plan : undefined,
    });
  }
  return candidates;
}

function runOf(
  { event, causeDepth }: MatchedEvent,
  { candidate, inputs, dedupe }: MatchVerdict,
  env: EnvFacts,
): RunRow {
  return {
    run_id: runIdOf(event.event_id, candidate.blueprint_id),
    name: defaultRunName(candidate.name, event.event_name),
    blueprint_id: candidate.blueprint_id,
    blueprint_version: candidate.version,
    digest: candidate.digest,
    trigger: event.event_name,
    event_id: event.event_id,
    inputs: inputs ?? {},
    actor: event.actor,
    correlation_id: event.correlation_id,
    env_id: env.id,
    env,
    priority: 0,
    cause_depth: causeDepth,
    idempotency_key: null,
    body_sha256: null,
    ...(dedupe === undefined ? {} : { dedupe_key: dedupe.key }),
  };
}

function verdictRow(event: EventDto, match: MatchVerdict, runId: string | null): VerdictRow {
  return {
    event_id: event.event_id,
    blueprint_id: match.candidate.blueprint_id,
    verdict: match.verdict,
    detail: match.detail ?? null,
    run_id: runId,
  };
}

function createdEvent(run: RunRow, at: Date): EventRow {
  return {
    event_id: engineEventIdOf(run.run_id, RUN_CREATED, '0'),
    event_name: RUN_CREATED,
    occurred_at: at.toISOString(),
    env_id: run.env_id,
    actor: run.actor,
    correlation_id: run.correlation_id,
    run_id: run.run_id,
    step_id: null,
    resource: { type: 'run', id: run.run_id },
    data: {
      status: 'created',
      blueprint_id: run.blueprint_id,
      blueprint_version: run.blueprint_version,
      digest: run.digest,
      trigger: run.trigger,
      ...(run.rerun_of === undefined ? {} : { rerun_of: run.rerun_of }),
    },
    cause_depth: run.cause_depth + 1,
    idempotency_key: null,
    body_sha256: null,
    settled: false,
  };
}

function createdEntry(run: RunRow, at: Date): AuditEntry {
  return {
    key: `run/${run.run_id}/created`,
    at,
    actor: run.actor,
    action: 'run.create',
    resource_type: 'run',
    resource_id: run.run_id,
    after: {
      blueprint_id: run.blueprint_id,
      blueprint_version: run.blueprint_version,
      digest: run.digest,
      trigger: run.trigger,
      event_id: run.event_id,
      ...(run.rerun_of === undefined ? {} : { rerun_of: run.rerun_of }),
    },
    run_id: run.run_id,
    correlation_id: run.correlation_id,
    env_id: run.env_id,
  };
}

/** A run that was created at that time, as the API shows it. */
function newRunDto(row: RunRow, createdAt: Date): RunDto {
  const { env: _env, env_id: _envId, cause_depth: _depth, idempotency_key: _key, body_sha256: _body, ...rest } = row;
  const { dedupe_key: _dedupe, ...shown } = rest;
  return {
    ...shown,
    status: 'created',
    phase: null,
    created_at: createdAt.toISOString(),
    started_at: null,
    completed_at: null,
    cancel_requested_at: null,
    outputs: null,
    error: null,
    rerun_of: row.rerun_of ?? null,
    rerun_from: row.rerun_from ?? null,
  };
}
