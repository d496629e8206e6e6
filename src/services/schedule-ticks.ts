import type { CatalogAccess } from '../catalog/unit-of-work.js';
import { runIdOf } from '../domain/ids.js';
import { nominalTime, SCHEDULE_FIRED, scheduleEventIdOf } from '../domain/schedule.js';
import type { FiredSchedule, ScheduledRunState } from '../../workflows/contract.js';
import { requestCancel } from './run-cancel.js';

export interface ScheduleTicksDeps {
  catalog: Pick<CatalogAccess, 'schedules' | 'events' | 'transaction'>;
  envId: string;
  clock: () => number;
}

/** What the workflow of one time of a schedule does in the catalog. Everything can be repeated. */
export class ScheduleTickService {
  readonly #deps: ScheduleTicksDeps;

  constructor(deps: ScheduleTicksDeps) {
    this.#deps = deps;
  }

  /**
   * Writes the event of one time; a dispatcher matches it like every event of a worker.
   * @returns null when the schedule was removed: its version is not the active one any more.
   * @throws XynFault `db_unavailable`
   */
  async fire(task: { schedule_id: string; scheduled_at: string }): Promise<FiredSchedule | null> {
    const { catalog, envId, clock } = this.#deps;
    const row = await catalog.schedules.get(task.schedule_id);
    if (row === undefined || row.is_removed) return null;
    const at = new Date(task.scheduled_at);
    const eventId = scheduleEventIdOf(envId, row.schedule_id, at);
    await catalog.events.insert([
      {
        event_id: eventId,
        event_name: SCHEDULE_FIRED,
        occurred_at: new Date(clock()).toISOString(),
        env_id: envId,
        actor: `schedule:${row.schedule_id}`,
        correlation_id: eventId,
        run_id: null,
        step_id: null,
        resource: { type: 'schedule', id: row.schedule_id },
        data: { schedule_id: row.schedule_id, blueprint_id: row.blueprint_id, scheduled_at: nominalTime(at) },
        cause_depth: 0,
        idempotency_key: null,
        body_sha256: null,
        settled: false,
      },
    ]);
    return { event_id: eventId, run_id: runIdOf(eventId, row.blueprint_id), blueprint_id: row.blueprint_id };
  }

  /** @throws XynFault `db_unavailable` */
  async stateOf({ event_id, run_id, blueprint_id }: FiredSchedule): Promise<ScheduledRunState> {
    const { is_refused: isRefused, status } = await this.#deps.catalog.schedules.tickRun(
      event_id,
      run_id,
      blueprint_id,
    );
    if (isRefused) return 'none';
    return status === null || status === 'created' || status === 'running' ? 'open' : status;
  }

  /**
   * Wishes that the run ends; whoever sends wishes on finds it within a second.
   * @returns false when there is no such run yet.
   * @throws XynFault `audit_unavailable`, `db_unavailable`
   */
  async cancel({ run_id: runId, event_id: correlationId }: FiredSchedule): Promise<boolean> {
    const { catalog, envId, clock } = this.#deps;
    const caller = { actor: 'schedule', proven: true, correlationId, source: 'system' } as const;
    const reason = 'The schedule came due again, or its tick was cancelled.';
    const wish = { runId, reason, at: new Date(clock()), envId };
    const outcome = await catalog.transaction((unit) => requestCancel(unit, caller, wish));
    return outcome !== undefined;
  }
}
