import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';

/** What waits in the catalog. Counts end at 100 000; ages are seconds by the clock of the database, 0 where nothing waits. */
export interface Backlog {
  outbox: { events: number; oldestAgeSeconds: number };
  runs: { created: number; running: number; needingRepair: number };
  gates: { approval: number; recovery: number; oldestAgeSeconds: number };
  decisions: { unanswered: number; oldestAgeSeconds: number };
  audit: { unlinked: number; oldestAgeSeconds: number };
}

const MOST = 100_000;
const count = (from: string): string => `(SELECT count(*)::int FROM (SELECT 1 FROM ${from} LIMIT ${MOST}) AS bounded)`;
const age = (column: string, from: string): string =>
  `coalesce(extract(epoch FROM clock_timestamp() - (SELECT ${column} FROM ${from} LIMIT 1)), 0)::float8`;

/**
 * Each part is served by an index: what has ended is not looked at. Ordered by `seq` alone Postgres may walk all events for those that
 * are left.
 */
const STATEMENT = `SELECT
  ${count('events WHERE dispatched_at IS NULL')} AS outbox,
  ${age('occurred_at', 'events WHERE dispatched_at IS NULL ORDER BY dispatched_at, seq')} AS outbox_age,
  ${count("runs WHERE status = 'created'")} AS created,
  ${count("runs WHERE status = 'running'")} AS running,
  ${count('runs WHERE needs_repair')} AS repair,
  ${count("gates WHERE status = 'open' AND purpose = 'approval'")} AS approval,
  ${count("gates WHERE status = 'open' AND purpose = 'recovery'")} AS recovery,
  ${age('opened_at', "gates WHERE status = 'open' ORDER BY opened_at")} AS gate_age,
  ${count("gate_decisions WHERE status = 'submitted'")} AS decisions,
  ${age('created_at', "gate_decisions WHERE status = 'submitted' ORDER BY created_at")} AS decision_age,
  ${count('audit_pending')} AS audit,
  ${age('at', 'audit_log WHERE audit_id = (SELECT min(audit_id) FROM audit_pending)')} AS audit_age`;

type Row = Record<
  | 'outbox'
  | 'outbox_age'
  | 'created'
  | 'running'
  | 'repair'
  | 'approval'
  | 'recovery'
  | 'gate_age'
  | 'decisions'
  | 'decision_age'
  | 'audit'
  | 'audit_age',
  number
>;

/**
 * Looks once.
 * @throws XynFault `db_unavailable`
 */
export async function readBacklog({ pool }: Pick<Catalog, 'pool'>): Promise<Backlog> {
  try {
    const { rows } = await pool.query<Row>(STATEMENT);
    return backlogOf(rows[0] as Row);
  } catch (error) {
    throw catalogFault(error);
  }
}

function backlogOf(row: Row): Backlog {
  // Clocks of processes differ a little: what is newer than the database's "now" has no age.
  const ageOf = (seconds: number): number => Math.max(0, seconds);
  return {
    outbox: { events: row.outbox, oldestAgeSeconds: ageOf(row.outbox_age) },
    runs: { created: row.created, running: row.running, needingRepair: row.repair },
    gates: { approval: row.approval, recovery: row.recovery, oldestAgeSeconds: ageOf(row.gate_age) },
    decisions: { unanswered: row.decisions, oldestAgeSeconds: ageOf(row.decision_age) },
    audit: { unlinked: row.audit, oldestAgeSeconds: ageOf(row.audit_age) },
  };
}
