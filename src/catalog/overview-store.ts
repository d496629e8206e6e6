import type { RunDto } from '../domain/dtos.js';
import type { GateBinding, StepStatus } from '../domain/engine/state.js';
import type { JsonObject } from '../domain/json.js';
import type { Catalog } from './connect.js';
import { Prisma } from './generated/client.js';
import { searchRuns, type RunSearch } from './overview-runs.js';
import { poolRows } from './pool-rows.js';
import { RUN_FIELDS, runDto, type RunCursor, type RunFields } from './run-store.js';

/** Counts stop here: one more is read, so that the reader can say "10 000+". */
const COUNT_LIMIT = 10_001;

/** Failures of a day that are looked at for whether somebody has to do something. */
const MOST_FAILURES = 1_000;

const RUN_COLUMNS = Prisma.raw(RUN_FIELDS.map((name) => `r.${name}`).join(', '));

/** A step as lists show it. */
export interface StepMark {
  step_id: string;
  run_id: string;
  path: string;
  name: string;
  kind: string;
  status: StepStatus;
  skip_reason: string | null;
  attempts: number;
}

/** The steps of a run as a row of marks, and where it is. */
export interface StepStrip {
  run_id: string;
  /**
   * One letter for each of its first steps, in the order in which it reached them: `c` completed, `f` failed, `g` an open gate,
   * `r` another one that runs, `-` any other.
   */
  marks: string;
  /** The last of them that runs; null when none does. */
  at: { name: string; kind: string; attempts: number } | null;
  /** Of a run that reached more steps than that: the last of these, without those that were left out and last steps; else null. */
  newest: { mark: string; path: string } | null;
}

/** The letter of a step. */
const MARK = Prisma.sql`
  CASE status WHEN 'completed' THEN
      CASE WHEN path LIKE '%~undo[%' AND split_part(path, '~undo[', 1) NOT LIKE '%[%' THEN 'u' ELSE 'c' END
    WHEN 'failed' THEN CASE error ->> 'code' WHEN 'cancelled' THEN 'x' WHEN 'outcome_unknown' THEN 'q' ELSE 'f' END
    WHEN 'running' THEN CASE kind WHEN 'gate' THEN 'g' ELSE 'r' END ELSE '-' END`;

/** The step that a recovery gate asks about. */
export interface AskedStep {
  path: string;
  kind: string;
  inputs: JsonObject | null;
}

/** Runs by what became of them. */
export interface RunCounts {
  all: number;
  waiting: number;
  running: number;
  failed: number;
}

/** An open gate with what its run is called. */
export interface OpenGate {
  gate_id: string;
  run_id: string;
  path: string;
  purpose: 'approval' | 'recovery';
  message: string | null;
  approvers: string[];
  require: number;
  opened_at: Date;
  expires_at: Date | null;
  binds: GateBinding[];
  /** What a recovery gate asks about. */
  asked: AskedStep | null;
  run_name: string;
  run_actor: string;
  blueprint_id: string;
  blueprint_version: number | null;
  approvals: number;
}

/** What a list of gates says of one beside its own row. */
export type GateSubject = Pick<
  OpenGate,
  'gate_id' | 'path' | 'purpose' | 'binds' | 'asked' | 'run_name' | 'blueprint_id' | 'blueprint_version'
>;

/** Events whose start of a blueprint waits, since it starts too often. */
export interface HeldStarts {
  blueprint_id: string;
  name: string;
  events: number;
  held_at: Date;
  /** When the first of them is given up. */
  expires_at: Date;
}

/** How long runs of a blueprint usually take. */
export interface UsualDuration {
  blueprint_id: string;
  median_ms: number;
  p95_ms: number;
}

const GATES_WITH_ASKED = Prisma.sql`
  gates g JOIN runs r USING (run_id) LEFT JOIN steps s ON g.purpose = 'recovery' AND s.step_id = g.step_id`;
const ASKED = Prisma.sql`
  CASE WHEN s.path IS NOT NULL THEN jsonb_build_object('path', s.path, 'kind', s.kind, 'inputs', s.inputs) END AS asked`;

/** What the screens ask across all runs and gates; every query is bounded and starts from an index. */
export class OverviewStore {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Open gates and open runs, each counted up to 10 001. */
  async counts(): Promise<{ gates: number; running: number }> {
    const rows = await this.#read<{ gates: number; running: number }>(
      Prisma.sql`
        SELECT (SELECT count(*)::int FROM (SELECT 1 FROM gates WHERE status = 'open' LIMIT ${COUNT_LIMIT}) g) AS gates,
          (SELECT count(*)::int FROM (SELECT 1 FROM runs WHERE status IN ('created', 'running') LIMIT ${COUNT_LIMIT}) r) AS running`,
      'overview_counts',
    );
    return rows[0] ?? { gates: 0, running: 0 };
  }

  /** The first steps of each run in the order in which it reached them; with no more than is shown, since lists read hundreds. */
  async stepMarks(runIds: readonly string[], mostPerRun: number): Promise<StepMark[]> {
    if (runIds.length === 0) return [];
    return this.#read<StepMark>(
      Prisma.sql`
        SELECT s.* FROM unnest(${[...runIds]}::uuid[]) AS wanted(run_id)
        CROSS JOIN LATERAL (
          SELECT step_id, run_id, path, name, kind, status, skip_reason, attempts
          FROM steps WHERE run_id = wanted.run_id ORDER BY seq, path LIMIT ${mostPerRun}) s`,
      'overview_marks',
    );
  }

  /** The same as one row for each run that has steps: a list of fifty runs would be made of five hundred. */
  async stepStrips(runIds: readonly string[], mostPerRun: number): Promise<StepStrip[]> {
    if (runIds.length === 0) return [];
    return this.#read<StepStrip>(
      Prisma.sql`
        SELECT wanted.run_id, s.marks, coalesce(s.at, last.at) AS at,
          CASE WHEN last.path IS NOT NULL THEN jsonb_build_object('mark', last.mark, 'path', last.path) END AS newest
        FROM unnest(${[...runIds]}::uuid[]) AS wanted(run_id)
        CROSS JOIN LATERAL (
          SELECT string_agg(mark, '' ORDER BY seq, path) AS marks,
            (array_agg(jsonb_build_object('name', name, 'kind', kind, 'attempts', attempts) ORDER BY seq DESC, path DESC)
              FILTER (WHERE status = 'running'))[1] AS at,
            count(*) AS n, max(seq) AS seq
          FROM (SELECT seq, path, name, kind, status, attempts, ${MARK} AS mark FROM steps
            WHERE run_id = wanted.run_id ORDER BY seq, path LIMIT ${mostPerRun}) first) s
        LEFT JOIN LATERAL (
          SELECT path, ${MARK} AS mark, CASE status WHEN 'running'
            THEN jsonb_build_object('name', name, 'kind', kind, 'attempts', attempts) END AS at
          FROM steps WHERE run_id = wanted.run_id AND s.n = ${mostPerRun} AND seq > s.seq
            AND status <> 'skipped' AND path NOT LIKE '~%'
          ORDER BY seq DESC, path DESC LIMIT 1) last ON true
        WHERE s.marks IS NOT NULL`,
      'overview_strips',
    );
  }

  /** What a step was given; undefined when its record is gone. */
  async askedStep(stepId: string): Promise<AskedStep | undefined> {
    const rows = await this.#read<AskedStep>(
      Prisma.sql`SELECT path, kind, inputs FROM steps WHERE step_id = ${stepId}::uuid`,
      'overview_asked_step',
    );
    return rows[0];
  }

  /** See `searchRuns`. */
  async runs(search: RunSearch, limit: number, cursor?: RunCursor): Promise<RunDto[]> {
    return searchRuns(this.#catalog, search, limit, cursor);
  }

  /** Runs by what became of them, each counted up to 10 001. */
  async runCounts(): Promise<RunCounts> {
    const rows = await this.#read<RunCounts>(
      Prisma.sql`
        SELECT (SELECT count(*)::int FROM (SELECT 1 FROM runs LIMIT ${COUNT_LIMIT}) a) AS "all",
          (SELECT count(*)::int FROM (SELECT DISTINCT run_id FROM gates WHERE status = 'open' LIMIT ${COUNT_LIMIT}) g) AS waiting,
          (SELECT count(*)::int FROM (SELECT 1 FROM runs WHERE status IN ('created', 'running') LIMIT ${COUNT_LIMIT}) r) AS running,
          (SELECT count(*)::int FROM (SELECT 1 FROM runs WHERE status = 'failed' LIMIT ${COUNT_LIMIT}) f) AS failed`,
      'overview_run_counts',
    );
    return rows[0] ?? { all: 0, waiting: 0, running: 0, failed: 0 };
  }

  /**
   * Open gates with their runs, those that expire first before those that never do.
   * @param viewer only those that this person may decide; absent: all.
   */
  async openGates(limit: number, viewer: string | null = null): Promise<OpenGate[]> {
    return this.#read<OpenGate>(
      Prisma.sql`
        SELECT g.gate_id, g.run_id, g.path, g.purpose, g.message, g.approvers, g.require, g.opened_at, g.expires_at, g.binds,
          r.name AS run_name, r.actor AS run_actor, r.blueprint_id, r.blueprint_version,
          ${ASKED},
          (SELECT count(DISTINCT d.actor)::int FROM gate_decisions d
            WHERE d.gate_id = g.gate_id AND d.status = 'applied' AND d.decision = 'approve') AS approvals
        FROM ${GATES_WITH_ASKED}
        WHERE g.status = 'open'
          AND (${viewer}::text IS NULL OR g.approvers = '[]' OR jsonb_exists(g.approvers, ${viewer}::text))
        ORDER BY g.expires_at NULLS LAST, g.opened_at LIMIT ${limit}`,
      'overview_open_gates',
    );
  }

  /** What these gates let run, or ask about, and of which run. */
  async gateSubjects(gateIds: readonly string[]): Promise<GateSubject[]> {
    if (gateIds.length === 0) return [];
    return this.#read<GateSubject>(
      Prisma.sql`
        SELECT g.gate_id, g.path, g.purpose, g.binds, r.name AS run_name, r.blueprint_id, r.blueprint_version, ${ASKED}
        FROM ${GATES_WITH_ASKED} WHERE g.gate_id = ANY(${[...gateIds]}::uuid[])`,
      'overview_gate_subjects',
    );
  }

  /** How many open gates each set of approvers may decide, of 10 001 open ones; nobody named: everybody may. */
  async openGateApprovers(): Promise<{ approvers: string[]; gates: number }[]> {
    return this.#read<{ approvers: string[]; gates: number }>(
      Prisma.sql`
        SELECT approvers, count(*)::int AS gates FROM (SELECT approvers FROM gates WHERE status = 'open' LIMIT ${COUNT_LIMIT}) g
        GROUP BY approvers`,
      'overview_approvers',
    );
  }

  /** Open gates of these runs. */
  async gatesOf(runIds: readonly string[]): Promise<Pick<OpenGate, 'run_id' | 'purpose' | 'approvers'>[]> {
    if (runIds.length === 0) return [];
    return this.#read<OpenGate>(
      Prisma.sql`
        SELECT run_id, purpose, approvers FROM gates WHERE run_id = ANY(${[...runIds]}::uuid[]) AND status = 'open'`,
      'overview_gates_of',
    );
  }

  /**
   * Runs that failed in the last day, whose blueprint has not completed a run since and that nobody repeated; newest first, of
   * the newest thousand failures. A blueprint is asked once for its newest success (hence the fence), not once for each of its failures.
   */
  async unansweredFailures(limit: number): Promise<RunDto[]> {
    const rows = await this.#read<RunFields>(
      Prisma.sql`
        WITH failed AS MATERIALIZED (
          SELECT run_id, blueprint_id, created_at, last_progress_at FROM runs
          WHERE status = 'failed' AND last_progress_at > now() - interval '1 day'
          ORDER BY last_progress_at DESC LIMIT ${MOST_FAILURES}
        ), done AS MATERIALIZED (
          SELECT blueprint_id, (SELECT created_at FROM runs r WHERE r.blueprint_id = b.blueprint_id AND r.status = 'completed'
            ORDER BY created_at DESC LIMIT 1) AS newest
          FROM (SELECT DISTINCT blueprint_id FROM failed) b
        ), unanswered AS (
          SELECT run_id FROM failed f JOIN done USING (blueprint_id)
          WHERE (newest IS NULL OR newest <= f.created_at)
            AND NOT EXISTS (SELECT 1 FROM runs again WHERE again.rerun_of = f.run_id)
          ORDER BY f.last_progress_at DESC LIMIT ${limit}
        )
        SELECT ${RUN_COLUMNS} FROM unanswered JOIN runs r USING (run_id) ORDER BY r.last_progress_at DESC`,
      'overview_failures',
    );
    return rows.map(runDto);
  }

  /** Runs that ended in each hour from a full one on, oldest hour first; hours without any are left out. */
  async endedByHour(from: Date): Promise<{ hour: Date; completed: number; failed: number }[]> {
    return this.#read<{ hour: Date; completed: number; failed: number }>(
      Prisma.sql`
        SELECT date_trunc('hour', last_progress_at) AS hour,
          count(*) FILTER (WHERE status = 'completed')::int AS completed,
          count(*) FILTER (WHERE status = 'failed')::int AS failed
        FROM runs
        WHERE status IN ('completed', 'failed') AND last_progress_at >= ${from}
        GROUP BY 1 ORDER BY 1`,
    );
  }

  /** Blueprints with starts that are held back, those first of which one is given up the soonest; counted up to 10 001. */
  async heldStarts(limit: number): Promise<HeldStarts[]> {
    return this.#read<HeldStarts>(
      Prisma.sql`
        SELECT h.blueprint_id, coalesce(b.name, h.blueprint_id) AS name, count(*)::int AS events, min(h.held_at) AS held_at,
          min(h.expires_at) AS expires_at
        FROM (SELECT blueprint_id, held_at, expires_at FROM held_starts LIMIT ${COUNT_LIMIT}) h
        LEFT JOIN blueprints b USING (blueprint_id)
        GROUP BY 1, 2 ORDER BY 5 LIMIT ${limit}`,
      'overview_held',
    );
  }

  /** How long the newest 50 completed runs of each blueprint took: median and 95th percentile, from 5 runs on. */
  async usualDurations(blueprintIds: readonly string[]): Promise<UsualDuration[]> {
    if (blueprintIds.length === 0) return [];
    return this.#read<UsualDuration>(
      Prisma.sql`
        SELECT wanted.blueprint_id, t.median_ms, t.p95_ms FROM unnest(${[...blueprintIds]}::text[]) AS wanted(blueprint_id)
        CROSS JOIN LATERAL (
          SELECT count(*) AS runs, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS median_ms,
            percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) AS p95_ms
          FROM (SELECT extract(epoch FROM completed_at - started_at)::float8 * 1000 AS ms FROM runs r
            WHERE r.blueprint_id = wanted.blueprint_id AND r.status = 'completed' AND r.started_at IS NOT NULL
            ORDER BY r.created_at DESC LIMIT 50) newest) t
        WHERE t.runs >= 5`,
      'overview_usual',
    );
  }

  /** What is written and not worked off yet: events to dispatch, audit entries to link; counted up to 10 001. */
  async backlog(): Promise<{ events: number; audit: number }> {
    const rows = await this.#read<{ events: number; audit: number }>(
      Prisma.sql`
        SELECT (SELECT count(*)::int FROM (SELECT 1 FROM events WHERE dispatched_at IS NULL LIMIT ${COUNT_LIMIT}) e) AS events,
          (SELECT count(*)::int FROM (SELECT 1 FROM audit_pending LIMIT ${COUNT_LIMIT}) p) AS audit`,
      'overview_backlog',
    );
    return rows[0] ?? { events: 0, audit: 0 };
  }

  #read<T extends object>(sql: Prisma.Sql, name?: string): Promise<T[]> {
    return poolRows<T>(this.#catalog, sql, name);
  }
}
