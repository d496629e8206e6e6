import type { JsonObject } from '../domain/json.js';
import type { ScheduleSpec } from '../domain/plan.js';
import { SCHEDULE_FIRED } from '../domain/schedule.js';
import type { RunStatus } from '../domain/engine/state.js';
import type { Database } from './database.js';

/** When a schedule fires, and whether its blueprint says so at all. */
export interface StoredSpec extends ScheduleSpec {
  /** The trigger says `enabled: false`. */
  disabled?: true;
}

/** A schedule as it shall be; what Temporal has follows. */
export interface ScheduleRow {
  schedule_id: string;
  blueprint_id: string;
  blueprint_name: string;
  /** Place in the trigger list of the active version. */
  ordinal: number;
  version: number;
  spec: StoredSpec;
  is_removed: boolean;
  is_paused: boolean;
  pause_note: string | null;
  paused_by: string | null;
  paused_at: Date | null;
  /** Grows with every change; what Temporal has is as old as `applied_generation`. */
  generation: number;
  applied_generation: number;
  applied_at: Date | null;
  apply_error: string | null;
  updated_at: Date;
}

/** A run that a schedule started. */
export interface ScheduledRun {
  run_id: string;
  status: RunStatus;
  created_at: string;
  completed_at: string | null;
  /** The nominal time that it is for. */
  scheduled_at: string;
}

/** What the tick of a schedule wants to know about the run that it waits for. */
export interface TickRun {
  /** A verdict says that no run starts. */
  is_refused: boolean;
  status: RunStatus | null;
}

/** A pause, or its end. */
export interface PauseChange {
  is_paused: boolean;
  note: string | null;
  by: string;
}

const ISO = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';

/** Schedules. Their rows are the truth; a generation that Temporal does not have yet is work for the syncer. */
export class ScheduleStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** In order of blueprint and place; those that were removed only where they are asked for. */
  async list(filter: { blueprint_id?: string; removed?: boolean } = {}): Promise<ScheduleRow[]> {
    const { blueprint_id: blueprintId = null, removed = false } = filter;
    return this.#db.$queryRaw<ScheduleRow[]>`
      SELECT s.*, b.name AS blueprint_name FROM schedules s JOIN blueprints b USING (blueprint_id)
      WHERE (${blueprintId}::text IS NULL OR s.blueprint_id = ${blueprintId}) AND (${removed} OR NOT s.is_removed)
      ORDER BY s.blueprint_id, s.ordinal, s.schedule_id`;
  }

  async get(scheduleId: string): Promise<ScheduleRow | undefined> {
    const rows = await this.#db.$queryRaw<ScheduleRow[]>`
      SELECT s.*, b.name AS blueprint_name FROM schedules s JOIN blueprints b USING (blueprint_id)
      WHERE s.schedule_id = ${scheduleId}`;
    return rows[0];
  }

  /** The same, locked until the transaction ends: one process at a time talks to Temporal about a schedule. */
  async lock(scheduleId: string): Promise<ScheduleRow | undefined> {
    const rows = await this.#db.$queryRaw<ScheduleRow[]>`
      SELECT s.*, b.name AS blueprint_name FROM schedules s JOIN blueprints b USING (blueprint_id)
      WHERE s.schedule_id = ${scheduleId} FOR UPDATE OF s`;
    return rows[0];
  }

  /** Writes what a version of a blueprint says; the pause stays as it is. */
  async save(row: Pick<ScheduleRow, 'schedule_id' | 'blueprint_id' | 'ordinal' | 'version' | 'spec'>): Promise<void> {
    await this.#db.$executeRaw`
      INSERT INTO schedules (schedule_id, blueprint_id, ordinal, version, spec)
      VALUES (${row.schedule_id}, ${row.blueprint_id}, ${row.ordinal}, ${row.version}, ${JSON.stringify(row.spec)}::jsonb)
      ON CONFLICT (schedule_id) DO UPDATE SET ordinal = EXCLUDED.ordinal, version = EXCLUDED.version, spec = EXCLUDED.spec,
        is_removed = false, updated_at = now(),
        generation = schedules.generation
          + CASE WHEN schedules.is_removed OR schedules.spec <> EXCLUDED.spec THEN 1 ELSE 0 END`;
  }

  async remove(scheduleIds: readonly string[]): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE schedules SET is_removed = true, generation = generation + 1, updated_at = now()
      WHERE schedule_id = ANY(${scheduleIds}::text[]) AND NOT is_removed`;
  }

  /**
   * Writes a pause or its end.
   * @param applied Temporal has it already.
   */
  async pause(scheduleId: string, { is_paused, note, by }: PauseChange, applied = false): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE schedules SET is_paused = ${is_paused}, pause_note = ${note}, paused_by = ${is_paused ? by : null},
        paused_at = ${is_paused ? new Date() : null}, updated_at = now(), generation = generation + 1,
        applied_generation = applied_generation + ${applied ? 1 : 0}::int
      WHERE schedule_id = ${scheduleId}`;
  }

  /** Ids of schedules that Temporal does not have as they shall be. */
  async due(limit: number): Promise<string[]> {
    const rows = await this.#db.$queryRaw<{ schedule_id: string }[]>`
      SELECT schedule_id FROM schedules WHERE applied_generation < generation ORDER BY updated_at LIMIT ${limit}`;
    return rows.map((row) => row.schedule_id);
  }

  /** Temporal has a generation now. */
  async applied(scheduleId: string, generation: number): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE schedules SET applied_generation = ${generation}, applied_at = now(), apply_error = NULL
      WHERE schedule_id = ${scheduleId} AND applied_generation <= ${generation}`;
  }

  /** Temporal did not take it; it is tried again. */
  async refused(scheduleId: string, message: string): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE schedules SET apply_error = ${message.slice(0, 500)} WHERE schedule_id = ${scheduleId}`;
  }

  /** What Temporal had is gone: it has to be made again. */
  async lost(scheduleId: string): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE schedules SET generation = generation + 1, updated_at = now() WHERE schedule_id = ${scheduleId}`;
  }

  /** The newest runs of a schedule, newest first, among the newest 1 000 scheduled runs of its blueprint. */
  async runs(blueprintId: string, scheduleId: string, limit: number): Promise<ScheduledRun[]> {
    return this.#db.$queryRaw<ScheduledRun[]>`
      SELECT r.run_id, r.status, to_char(r.created_at AT TIME ZONE 'UTC', ${ISO}) AS created_at,
        to_char(r.completed_at AT TIME ZONE 'UTC', ${ISO}) AS completed_at, e.data->>'scheduled_at' AS scheduled_at
      FROM (SELECT * FROM runs WHERE blueprint_id = ${blueprintId} AND trigger = ${SCHEDULE_FIRED}
        ORDER BY created_at DESC LIMIT 1000) r
      JOIN events e ON e.event_id = r.event_id
      WHERE e.data->>'schedule_id' = ${scheduleId} ORDER BY r.created_at DESC LIMIT ${limit}`;
  }

  /** The newest run of each schedule, among the newest scheduled runs of its blueprint. */
  async lastRuns(scheduleIds: readonly string[]): Promise<Map<string, ScheduledRun>> {
    if (scheduleIds.length === 0) return new Map();
    const rows = await this.#db.$queryRaw<(ScheduledRun & { schedule_id: string })[]>`
      SELECT s.schedule_id, last.* FROM schedules s CROSS JOIN LATERAL (
        SELECT r.run_id, r.status, to_char(r.created_at AT TIME ZONE 'UTC', ${ISO}) AS created_at,
          to_char(r.completed_at AT TIME ZONE 'UTC', ${ISO}) AS completed_at, e.data->>'scheduled_at' AS scheduled_at
        FROM (SELECT * FROM runs WHERE runs.blueprint_id = s.blueprint_id AND trigger = ${SCHEDULE_FIRED}
          ORDER BY created_at DESC LIMIT 100) r
        JOIN events e ON e.event_id = r.event_id
        WHERE e.data->>'schedule_id' = s.schedule_id ORDER BY r.created_at DESC LIMIT 1) last
      WHERE s.schedule_id = ANY(${scheduleIds}::text[])`;
    return new Map(rows.map(({ schedule_id: id, ...run }) => [id, run]));
  }

  /** What became of an event of a schedule: of its run, or of the wish for one. */
  async tickRun(eventId: string, runId: string, blueprintId: string): Promise<TickRun> {
    const rows = await this.#db.$queryRaw<{ verdict: string | null; matched: boolean; status: RunStatus | null }[]>`
      SELECT e.matched_at IS NOT NULL AS matched, v.verdict, r.status
      FROM events e LEFT JOIN event_verdicts v ON v.event_id = e.event_id AND v.blueprint_id = ${blueprintId}
      LEFT JOIN runs r ON r.run_id = ${runId}::uuid
      WHERE e.event_id = ${eventId}::uuid`;
    const [row] = rows;
    if (row === undefined) return { is_refused: true, status: null };
    // A start that is held happens later, or its verdict changes.
    const waits = row.verdict === 'started' || row.verdict === 'backlog';
    return { is_refused: row.status === null && row.matched && !waits, status: row.status };
  }

  /** Data of the events of scheduled runs that ended lately. */
  async endedTicks(sinceMs: number, limit: number): Promise<{ run_id: string; data: JsonObject }[]> {
    return this.#db.$queryRaw<{ run_id: string; data: JsonObject }[]>`
      SELECT r.run_id, e.data FROM runs r JOIN events e ON e.event_id = r.event_id
      WHERE r.completed_at > now() - ${sinceMs} * interval '1 ms' AND r.trigger = ${SCHEDULE_FIRED}
      ORDER BY r.completed_at LIMIT ${limit}`;
  }

  /** Which of the ids are of events that are there. */
  async knownEvents(eventIds: readonly string[]): Promise<Set<string>> {
    const rows = await this.#db.$queryRaw<{ event_id: string }[]>`
      SELECT event_id FROM events WHERE event_id = ANY(${eventIds}::uuid[])`;
    return new Set(rows.map((row) => row.event_id));
  }
}
