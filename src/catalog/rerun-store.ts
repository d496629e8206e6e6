import type { EnvFacts, Reused, StepStatus } from '../domain/engine/state.js';
import type { Json } from '../domain/json.js';
import type { XynError } from '../domain/xyn-error.js';
import type { Database } from './database.js';

/** What a rerun needs of the run that it repeats, beside the run itself. */
export interface RerunSource {
  env: EnvFacts;
  cause_depth: number;
  /** Records of its steps are still missing. */
  needs_repair: boolean;
  /** A rerun of it that has not ended. */
  open_rerun: string | null;
}

/** A step of the run that is repeated, without its results. */
export interface RerunStep {
  step_id: string;
  path: string;
  status: StepStatus;
  skip_reason: string | null;
  handled: boolean;
  attempts: number;
  error: XynError | null;
}

/** Reruns follow each other; a chain is looked through this far. */
const MOST_GENERATIONS = 100;

/** What runs that repeat others take over. */
export class RerunStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Undefined when there is no such run. Inside a transaction the run is locked: only one rerun is made at a time. */
  async source(runId: string, { lock }: { lock: boolean }): Promise<RerunSource | undefined> {
    if (lock) await this.#db.$queryRaw`SELECT run_id FROM runs WHERE run_id = ${runId}::uuid FOR UPDATE`;
    const [row] = await this.#db.$queryRaw<RerunSource[]>`
      SELECT env, cause_depth, needs_repair, (SELECT n.run_id FROM runs n
        WHERE n.rerun_of = r.run_id AND n.status IN ('created', 'running') LIMIT 1) AS open_rerun
      FROM runs r WHERE run_id = ${runId}::uuid`;
    return row;
  }

  /** All steps of a run. */
  async steps(runId: string): Promise<RerunStep[]> {
    return this.#db.$queryRaw<RerunStep[]>`
      SELECT step_id, path, status, skip_reason, handled, attempts, error FROM steps WHERE run_id = ${runId}::uuid`;
  }

  /** The recorded outputs of steps, by id. */
  async outputs(stepIds: readonly string[]): Promise<Map<string, Json>> {
    const rows = await this.#db.$queryRaw<{ step_id: string; outputs: Json }[]>`
      SELECT step_id, outputs FROM steps WHERE step_id = ANY(${stepIds}::uuid[])`;
    return new Map(rows.map((row) => [row.step_id, row.outputs]));
  }

  /** Keeps what a new run takes over; inside the transaction that makes the run. */
  async keep(runId: string, entries: Readonly<Record<string, Reused>>): Promise<void> {
    await this.#db.$executeRaw`
      INSERT INTO run_reuses (run_id, entries) VALUES (${runId}::uuid, ${JSON.stringify(entries)}::jsonb)
      ON CONFLICT DO NOTHING`;
  }

  /** Whether a run repeats another one, or one that repeats it, and so on. */
  async repeats(runId: string, earlier: string): Promise<boolean> {
    const rows = await this.#db.$queryRaw<{ found: boolean }[]>`
      WITH RECURSIVE chain AS (
        SELECT rerun_of AS run_id, 1 AS generation FROM runs WHERE run_id = ${runId}::uuid AND rerun_of IS NOT NULL
        UNION ALL
        SELECT r.rerun_of, c.generation + 1 FROM chain c JOIN runs r ON r.run_id = c.run_id
        WHERE r.rerun_of IS NOT NULL AND c.generation < ${MOST_GENERATIONS}
      ) SELECT EXISTS (SELECT 1 FROM chain WHERE run_id = ${earlier}::uuid) AS found`;
    return rows[0]?.found ?? false;
  }
}
