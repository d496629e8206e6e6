import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { GateDto, RunDto, WaitingOn } from '../domain/dtos.js';
import type { PendingDecision, PendingTask, RunDescription, RunGateway } from '../temporal/gateway.js';

export interface WaitingOnDeps {
  catalog: Pick<CatalogAccess, 'gates' | 'places'>;
  gateway: Pick<RunGateway, 'describe' | 'decisionFailure' | 'pollers' | 'snapshot'>;
  /** The queue that workers poll; shown. */
  taskQueue: string;
  clock: () => number;
}

/** A run's page must not wait long for Temporal. */
const DEADLINE_MS = 1_000;
/** A task that no worker took for that long is said to wait for one. */
const WORKER_PATIENCE_MS = 2_000;
/** Workers give a sign of life every 2 s, which the SDK may hold back for 2 s: after this one is missing. */
const HEARTBEAT_PATIENCE_MS = 4_500;
/** A decision takes milliseconds, and with a local step in it 5 s; the server gives a worker 10 s for it. */
const DECISION_PATIENCE_MS = 6_500;
/** Who polls is asked at most that often, however many runs are explained. */
const POLLERS_FRESH_MS = 1_000;
/** A cancel leaves running steps 60 s to end. */
const CANCEL_PATIENCE_MS = 90_000;
/** The dispatcher starts a run within milliseconds, and takes over from one that died after 3 s. */
const START_PATIENCE_MS = 5_000;
/** A closed run's records are written behind, and completed by the reconciler. */
const RECORD_PATIENCE_MS = 5_000;

/** Says why open runs do not move. Never without a reason: what moves says what it does. */
export class WaitingOnService {
  readonly #deps: WaitingOnDeps;
  #pollers: { at: number; count: Promise<number | null> } | undefined;

  constructor(deps: WaitingOnDeps) {
    this.#deps = deps;
  }

  /** Reasons of one open run; at least one. Temporal being away is a reason, not an error. */
  async of(run: RunDto): Promise<WaitingOn[]> {
    // Both are asked at once: who looks at an open run waits for the slower one only.
    const [gates, description] = await Promise.all([
      this.#deps.catalog.gates.openOf(run.run_id),
      this.#deps.gateway.describe(run.run_id, DEADLINE_MS).catch(() => undefined),
    ]);
    const told = [...cancelReason(run), ...gates.map(gateReason)];
    const reasons = [...told, ...(await this.#temporalReasons(run, description, gates.length > 0))];
    // That the next step is being decided is the whole story only when nothing else is told.
    const others = reasons.filter(({ kind }) => kind !== 'decision');
    return others.length > 0 ? others : reasons;
  }

  async #temporalReasons(run: RunDto, description: RunDescription | undefined, hasGate: boolean): Promise<WaitingOn[]> {
    const told = description && (await this.#reasonsOf(run, description, hasGate).catch(() => undefined));
    return told ?? [...(await this.#startReason(run)), { kind: 'unknown', reason: 'temporal_unavailable' }];
  }

  async #reasonsOf(run: RunDto, description: RunDescription, hasGate: boolean): Promise<WaitingOn[]> {
    const { status, pending, decision } = description;
    const since = run.started_at ?? run.created_at;
    if (status !== 'open') {
      return status === 'not_found' && run.status === 'created'
        ? this.#startReason(run)
        : [{ kind: 'record', execution: status, since }];
    }
    const reasons = await Promise.all(pending.map((task) => this.#taskReason(task)));
    if (decision !== null) reasons.push(await this.#decisionReason(run.run_id, decision));
    if (reasons.length > 0 || hasGate) return reasons;
    const wake = (await this.#deps.gateway.snapshot(run.run_id))?.state.wake;
    return [{ kind: 'timer', until: wake === undefined ? null : new Date(wake).toISOString(), since }];
  }

  async #taskReason(task: PendingTask): Promise<WaitingOn> {
    const { path, attempt, worker, startedAt, heartbeatAt, nextAttemptAt, lastFailure } = task;
    if (task.state !== 'scheduled') {
      const sign = heartbeatAt ?? startedAt;
      if (this.#isOlder(sign, HEARTBEAT_PATIENCE_MS)) {
        return { kind: 'worker_lost', path, attempt, worker: worker === '' ? null : worker, since: sign };
      }
      return { kind: 'step', path, attempt, worker, since: startedAt, last_heartbeat_at: heartbeatAt };
    }
    const due = nextAttemptAt ?? task.scheduledAt;
    if (this.#isOlder(due, WORKER_PATIENCE_MS)) return this.#workerReason(path, due);
    if (task.isLost)
      return { kind: 'worker_lost', path, attempt, worker: worker === '' ? null : worker, since: heartbeatAt };
    if (attempt > 1) return { kind: 'retry', path, attempt, next_attempt_at: nextAttemptAt, last_failure: lastFailure };
    // Just scheduled: a worker that is there takes it within milliseconds.
    return { kind: 'worker', path, since: due, ...(await this.#queue()) };
  }

  async #decisionReason(runId: string, decision: PendingDecision): Promise<WaitingOn> {
    const { attempt, scheduledAt, startedAt, state } = decision;
    const failure =
      attempt > 1 ? await this.#deps.gateway.decisionFailure(runId, DEADLINE_MS).catch(() => undefined) : undefined;
    if (failure?.kind === 'failed') {
      return {
        kind: 'defect',
        code: 'workflow_defect',
        message: failure.message.slice(0, 500),
        attempt,
        since: failure.at,
      };
    }
    if (state === 'scheduled' && this.#isOlder(scheduledAt, WORKER_PATIENCE_MS)) {
      return this.#workerReason(null, scheduledAt);
    }
    if (state === 'started' && this.#isOlder(startedAt, DECISION_PATIENCE_MS)) {
      return { kind: 'worker_lost', path: null, attempt, worker: null, since: startedAt };
    }
    return { kind: 'decision', since: startedAt ?? scheduledAt };
  }

  async #workerReason(path: string | null, since: string | null): Promise<WaitingOn> {
    return { kind: 'worker', path, since, ...(await this.#queue()) };
  }

  /** A run that Temporal has not taken may wait for a place among those of its kind. */
  async #startReason({ run_id: runId, status, created_at: created }: RunDto): Promise<WaitingOn[]> {
    if (status !== 'created') return [];
    const place = await this.#deps.catalog.places.placeOf(runId);
    if (place === undefined) return [{ kind: 'start', since: created }];
    const { queued_at: since, ...rest } = place;
    return [{ kind: 'place', ...rest, since }];
  }

  async #queue(): Promise<{ queue: string; pollers: number | null }> {
    const now = this.#deps.clock();
    if (this.#pollers === undefined || now - this.#pollers.at > POLLERS_FRESH_MS) {
      this.#pollers = { at: now, count: this.#deps.gateway.pollers().catch(() => null) };
    }
    return { queue: this.#deps.taskQueue, pollers: await this.#pollers.count };
  }

  #isOlder(time: string | null, ms: number): boolean {
    return time !== null && this.#deps.clock() - Date.parse(time) > ms;
  }
}

function cancelReason({ cancel_requested_at: since }: RunDto): WaitingOn[] {
  return since === null ? [] : [{ kind: 'cancel', since }];
}

function gateReason(gate: GateDto): WaitingOn {
  const { gate_id, path, purpose, approvers, require, approvals, opened_at: since, expires_at } = gate;
  return { kind: 'gate', gate_id, path, purpose, approvers, require, approvals, since, expires_at };
}

/**
 * Whether a reason is one that people should look after, rather than work, a pause, or somebody's turn to decide.
 * @param nowMs milliseconds since the epoch.
 */
export function isStuck(reason: WaitingOn, nowMs: number): boolean {
  const lasts = (since: string | null, ms: number): boolean => since !== null && nowMs - Date.parse(since) > ms;
  switch (reason.kind) {
    case 'worker':
      return lasts(reason.since, WORKER_PATIENCE_MS);
    case 'worker_lost':
    case 'defect':
    case 'unknown':
      return true;
    case 'start':
      return lasts(reason.since, START_PATIENCE_MS);
    case 'decision':
      return lasts(reason.since, DECISION_PATIENCE_MS);
    case 'cancel':
      return lasts(reason.since, CANCEL_PATIENCE_MS);
    case 'record':
      return lasts(reason.since, RECORD_PATIENCE_MS);
    case 'step':
    case 'gate':
    case 'retry':
    case 'timer':
    case 'place':
      return false;
  }
}
