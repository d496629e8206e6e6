import { randomUUID } from 'node:crypto';
import type { DecisionRow, GateCursor, GateFilter, SubmittedDecision } from '../catalog/gate-store.js';
import type { CatalogAccess, UnitOfWork } from '../catalog/unit-of-work.js';
import type { DecisionDto, DecisionKind, DecisionStatus, GateDetailDto, GateDto, Page } from '../domain/dtos.js';
import { XynFault } from '../domain/fault.js';
import type { JsonObject } from '../domain/json.js';
import type { Caller } from './caller.js';
import type { DecisionSender } from './decision-sender.js';
import { isStorable, isStorableText } from './storable-json.js';

export interface DecideRequest {
  decision: DecisionKind;
  reason?: string;
  /** With `done` at a recovery gate: the outputs that the step is to have. */
  outputs?: JsonObject;
  /** What the person saw: the decision is refused when the gate now asks for something else. */
  seen?: { digest: string | null; opened_at: string };
}

export interface DecideAnswer {
  gate: GateDto;
  decision_id: string;
  /** `submitted`: recorded, and still on its way to the run. */
  status: Exclude<DecisionStatus, 'refused'>;
}

export interface GateServiceDeps {
  catalog: CatalogAccess;
  sender: DecisionSender;
  clock: () => number;
  envId: string;
}

const KINDS: Record<GateDto['purpose'], readonly DecisionKind[]> = {
  approval: ['approve', 'reject'],
  recovery: ['done', 'retry', 'fail'],
};

/** Points where people decide. The workflow decides what a decision does; the catalog proves who decided. */
export class GateService {
  readonly #deps: GateServiceDeps;

  constructor(deps: GateServiceDeps) {
    this.#deps = deps;
  }

  /** Newest first. */
  async list(query: GateFilter & { limit: number; cursor?: GateCursor }): Promise<Page<GateDto, GateCursor>> {
    const { limit, cursor, ...filter } = query;
    const rows = await this.#deps.catalog.gates.list(filter, limit + 1, cursor);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, next: last === undefined ? null : { opened_at: last.opened_at, gate_id: last.gate_id } };
  }

  /** @throws XynFault `gate_not_found`. */
  async get(gateId: string): Promise<GateDetailDto> {
    const gate = await this.#deps.catalog.gates.get(gateId);
    if (gate === undefined) throw notFound();
    return gate;
  }

  /**
   * Records a decision and brings it to the run. The first decision of a person stands: a repeat gets the same answer.
   * Waits at most 5 s for the run; then the answer is `submitted` and a sweep goes on.
   * @throws XynFault `gate_not_found`, `gate_closed`, `gate_already_decided`, `gate_decision_refused`, `decision_unknown`,
   * `gate_changed`, `reason_required`, `request_invalid`, `audit_unavailable`, `db_unavailable`.
   */
  async decide(caller: Caller, gateId: string, request: DecideRequest): Promise<DecideAnswer> {
    const { catalog, sender } = this.#deps;
    const { gate, decisionId, status, oldest } = await catalog.transaction((unit) =>
      this.#submit(unit, caller, gateId, request),
    );
    if (status === 'applied') return { gate, decision_id: decisionId, status };
    const outcome = await sender.send(gateId, decisionId, oldest);
    if (outcome.status === 'refused') throw refusalOf(outcome.refusal);
    const now = (await catalog.gates.get(gateId)) ?? gate;
    const { binds: _binds, decisions: _decisions, ...shown } = { binds: [], decisions: [], ...now };
    // The run's own record of the change may come a moment later.
    return {
      gate: { ...shown, status: outcome.gate ?? shown.status },
      decision_id: decisionId,
      status: outcome.status,
    };
  }

  async #submit(
    unit: UnitOfWork,
    caller: Caller,
    gateId: string,
    request: DecideRequest,
  ): Promise<{ gate: GateDto; decisionId: string; status: 'submitted' | 'applied'; oldest?: SubmittedDecision }> {
    const found = await unit.gates.lock(gateId);
    if (found === undefined) throw notFound();
    const { gate } = found;
    checkRequest(gate, request);
    const earlier = earlierDecision(gate, found.decisions, caller.actor);
    if (earlier !== undefined) return { gate, ...repeatOf(earlier, request) };
    if (gate.status !== 'open') throw new XynFault('gate_closed', `The gate no longer waits: it is ${gate.status}.`);
    checkSeen(gate, request.seen);
    const row: DecisionRow = {
      decision_id: randomUUID(),
      gate_id: gateId,
      run_id: gate.run_id,
      decision: request.decision,
      actor: caller.actor,
      reason: request.reason ?? null,
      outputs: request.outputs ?? null,
      source: caller.source,
    };
    const at = new Date(this.#deps.clock());
    await unit.gates.submit(row);
    await unit.audit([
      {
        key: `decision/${row.decision_id}`,
        at,
        actor: caller.actor,
        action: 'gate.decide',
        resource_type: 'gate',
        resource_id: gateId,
        ...(request.reason === undefined ? {} : { reason: request.reason }),
        before: { status: gate.status },
        after: {
          decision: request.decision,
          decision_id: row.decision_id,
          path: gate.path,
          digest: gate.digest,
          source: caller.source,
          proven: caller.proven,
        },
        run_id: gate.run_id,
        step_id: gate.step_id,
        correlation_id: caller.correlationId,
        env_id: this.#deps.envId,
      },
    ]);
    const submitted = { gate, decisionId: row.decision_id, status: 'submitted' as const };
    // With none before it, and the gate locked, it is the one that has to be sent first.
    if (found.decisions.some((one) => one.status === 'submitted')) return submitted;
    return { ...submitted, oldest: { ...row, path: gate.path, created_at: at, seq: found.seq } };
  }
}

/** A gate that opened again, or for other actions, is another question. */
function checkSeen(gate: GateDto, seen: DecideRequest['seen']): void {
  if (seen === undefined || (seen.digest === gate.digest && seen.opened_at === gate.opened_at)) return;
  throw new XynFault('gate_changed', 'The gate now asks for something else than what you read.', {
    details: { digest: gate.digest, opened_at: gate.opened_at },
  });
}

function checkRequest(gate: GateDto, { decision, reason, outputs }: DecideRequest): void {
  if (!KINDS[gate.purpose].includes(decision)) {
    throw new XynFault('decision_unknown', `This gate takes ${KINDS[gate.purpose].join(', ')}.`);
  }
  if (outputs !== undefined && decision !== 'done') {
    throw new XynFault('request_invalid', 'Only `done` takes outputs.');
  }
  if (gate.reason === 'required' && (reason ?? '').trim() === '') {
    throw new XynFault('reason_required', 'This gate wants a reason.');
  }
  if (!isStorableText(reason ?? '') || !isStorable(outputs ?? {})) {
    throw new XynFault('request_invalid', 'Texts must not hold NUL or half characters (unpaired surrogates).');
  }
}

/**
 * The decision of that person that still counts. A recovery gate can open again for another round: there, what was
 * applied belongs to a round before, once the gate waits.
 */
function earlierDecision(gate: GateDto, decisions: readonly DecisionDto[], actor: string): DecisionDto | undefined {
  const mine = decisions.filter((one) => one.actor === actor && one.status !== 'refused');
  const reopened = gate.purpose === 'recovery' && gate.status === 'open';
  return (reopened ? mine.filter((one) => one.status === 'submitted') : mine).at(-1);
}

function repeatOf(
  earlier: DecisionDto,
  request: DecideRequest,
): { decisionId: string; status: 'submitted' | 'applied' } {
  if (earlier.decision !== request.decision) {
    throw new XynFault(
      'gate_already_decided',
      `You decided \`${earlier.decision}\` before; the first decision stands.`,
    );
  }
  return { decisionId: earlier.decision_id, status: earlier.status === 'applied' ? 'applied' : 'submitted' };
}

function refusalOf(code: string | null): XynFault {
  if (code === 'gate_closed' || code === 'run_closed') {
    return new XynFault('gate_closed', 'The gate no longer waits.', { details: { refusal: code } });
  }
  if (code === 'gate_already_decided') {
    return new XynFault('gate_already_decided', 'You decided otherwise before; the first decision stands.');
  }
  return new XynFault('gate_decision_refused', 'The run refused the decision.', { details: { refusal: code } });
}

function notFound(): XynFault {
  return new XynFault('gate_not_found', 'No gate has that id.');
}
