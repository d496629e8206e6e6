import type { DecisionDto, DecisionKind, DecisionStatus, GateDetailDto, GateDto } from '../domain/dtos.js';
import type { GateBinding, GateStatus } from '../domain/engine/state.js';
import type { JsonObject } from '../domain/json.js';
import type { gate_decisionModel } from './generated/models/gate_decision.js';
import type { gateModel } from './generated/models/gate.js';
import { iso } from './run-store.js';
import type { Database } from './database.js';
import { OFTEN } from './often.js';
import { byOwnIndex } from './own-index.js';

export interface GateFilter {
  status?: GateStatus;
  run_id?: string;
}

/** Keyset of the listing: the last gate shown. */
export interface GateCursor {
  opened_at: string;
  gate_id: string;
}

/** A new decision. */
export interface DecisionRow {
  decision_id: string;
  gate_id: string;
  run_id: string;
  decision: DecisionKind;
  actor: string;
  reason: string | null;
  outputs: JsonObject | null;
  source: string;
}

/** A decision that the run has not answered yet. */
export interface SubmittedDecision {
  decision_id: string;
  gate_id: string;
  run_id: string;
  path: string;
  decision: DecisionKind;
  actor: string;
  reason: string | null;
  outputs: JsonObject | null;
  created_at: Date;
  /** Number of the transition that opened the gate, while the catalog shows it open. */
  seq: number | null;
}

/** Gates and what people decided at them. */
export class GateStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async get(gateId: string): Promise<GateDetailDto | undefined> {
    const row = await this.#db.gate.findUnique({ where: { gate_id: gateId } });
    if (row === null) return undefined;
    const decisions = await this.#db.gate_decision.findMany({
      where: { gate_id: gateId },
      orderBy: [{ created_at: 'asc' }, { decision_id: 'asc' }],
    });
    return {
      ...gateDto(row, approvalsOf(decisions)),
      binds: row.binds as unknown as GateBinding[],
      decisions: decisions.map(decisionDto),
    };
  }

  /** Newest first. */
  async list(filter: GateFilter, limit: number, cursor?: GateCursor): Promise<GateDto[]> {
    const before = cursor && {
      OR: [
        { opened_at: { lt: new Date(cursor.opened_at) } },
        { opened_at: new Date(cursor.opened_at), gate_id: { gt: cursor.gate_id } },
      ],
      opened_at: { lte: new Date(cursor.opened_at) },
    };
    const own = byOwnIndex({ ...filter }, 'asc', cursor === undefined);
    const rows = await this.#db.gate.findMany({
      where: { ...own.where, ...before },
      orderBy: [...own.orderBy, { opened_at: 'desc' }, { gate_id: 'asc' }],
      take: limit,
    });
    return this.#withApprovals(rows);
  }

  /** Gates of a run that wait for people. */
  async openOf(runId: string): Promise<GateDto[]> {
    const rows = await this.#db.gate.findMany({
      where: { run_id: runId, status: 'open' },
      orderBy: { opened_at: 'asc' },
    });
    return this.#withApprovals(rows);
  }

  /**
   * Locks a gate until the transaction ends and returns it with its decisions, oldest first.
   * @returns `seq`: the number of the transition that opened it, while it is open.
   */
  async lock(gateId: string): Promise<{ gate: GateDto; seq: number | null; decisions: DecisionDto[] } | undefined> {
    const rows = await this.#db.$queryRaw<gateModel[]>`${OFTEN}
      SELECT gate_id, run_id, step_id, path, purpose, message, approvers, require, reject, reason, status, digest, binds, seq,
        opened_at, expires_at, closed_at
      FROM gates WHERE gate_id = ${gateId}::uuid FOR UPDATE`;
    const row = rows[0];
    if (row === undefined) return undefined;
    // After the lock, by a statement of its own: what others decided meanwhile is seen.
    const decisions = await this.#db.$queryRaw<gate_decisionModel[]>`${OFTEN}
      SELECT decision_id, gate_id, run_id, decision, actor, reason, outputs, source, status, refusal, created_at, settled_at
      FROM gate_decisions WHERE gate_id = ${gateId}::uuid ORDER BY created_at, decision_id`;
    const seq = row.status === 'open' ? row.seq : null;
    return { gate: gateDto(row, approvalsOf(decisions)), seq, decisions: decisions.map(decisionDto) };
  }

  /** Records a decision as submitted. Call it with the gate locked: then the times of decisions follow their order. */
  async submit(row: DecisionRow): Promise<void> {
    const outputs = row.outputs === null ? null : JSON.stringify(row.outputs);
    await this.#db.$executeRaw`${OFTEN}
      INSERT INTO gate_decisions (decision_id, gate_id, run_id, decision, actor, reason, outputs, source, status, created_at)
      VALUES (${row.decision_id}::uuid, ${row.gate_id}::uuid, ${row.run_id}::uuid, ${row.decision}, ${row.actor},
        ${row.reason}, ${outputs}::jsonb, ${row.source}, 'submitted', clock_timestamp())`;
  }

  /** The oldest decision of a gate that has no answer yet. */
  async oldestSubmitted(gateId: string): Promise<SubmittedDecision | undefined> {
    const rows = await this.#db.$queryRaw<SubmittedDecision[]>`${OFTEN}
      SELECT d.decision_id, d.gate_id, d.run_id, g.path, d.decision, d.actor, d.reason, d.outputs,
        d.created_at, CASE WHEN g.status = 'open' THEN g.seq END AS seq
      FROM gate_decisions d JOIN gates g USING (gate_id)
      WHERE d.gate_id = ${gateId}::uuid AND d.status = 'submitted' ORDER BY d.created_at, d.decision_id LIMIT 1`;
    return rows[0];
  }

  /** Gates with a decision that has waited for an answer for that long, longest first. */
  async gatesWithSubmitted(olderThanMs: number, limit: number): Promise<string[]> {
    const rows = await this.#db.$queryRaw<{ gate_id: string }[]>`
      SELECT gate_id FROM gate_decisions
      WHERE status = 'submitted' AND created_at < now() - ${olderThanMs} * interval '1 ms'
      GROUP BY gate_id ORDER BY min(created_at) LIMIT ${limit}`;
    return rows.map((row) => row.gate_id);
  }

  /** Writes the run's answer; one that is there already stands. */
  async settle(decisionId: string, status: 'applied' | 'refused', refusal: string | null): Promise<boolean> {
    const count = await this.#db.$executeRaw`${OFTEN}
      UPDATE gate_decisions SET status = ${status}, refusal = ${refusal}, settled_at = now()
      WHERE decision_id = ${decisionId}::uuid AND status = 'submitted'`;
    return count > 0;
  }

  async #withApprovals(rows: readonly gateModel[]): Promise<GateDto[]> {
    if (rows.length === 0) return [];
    const decisions = await this.#db.gate_decision.findMany({
      where: { gate_id: { in: rows.map((row) => row.gate_id) }, status: 'applied', decision: 'approve' },
    });
    return rows.map((row) => gateDto(row, approvalsOf(decisions.filter((one) => one.gate_id === row.gate_id))));
  }
}

function approvalsOf(decisions: readonly gate_decisionModel[]): number {
  const approvals = decisions.filter((one) => one.status === 'applied' && one.decision === 'approve');
  return new Set(approvals.map((one) => one.actor)).size;
}

function gateDto(row: gateModel, approvals: number): GateDto {
  return {
    gate_id: row.gate_id,
    run_id: row.run_id,
    step_id: row.step_id,
    path: row.path,
    purpose: row.purpose as GateDto['purpose'],
    message: row.message,
    status: row.status as GateStatus,
    approvers: row.approvers as string[],
    require: row.require,
    reject: row.reject,
    reason: row.reason,
    approvals,
    digest: row.digest,
    opened_at: row.opened_at.toISOString(),
    expires_at: iso(row.expires_at),
    closed_at: iso(row.closed_at),
  };
}

function decisionDto(row: gate_decisionModel): DecisionDto {
  return {
    decision_id: row.decision_id,
    decision: row.decision as DecisionKind,
    actor: row.actor,
    reason: row.reason,
    source: row.source,
    status: row.status as DecisionStatus,
    refusal: row.refusal,
    created_at: row.created_at.toISOString(),
    settled_at: iso(row.settled_at),
  };
}
