import { createHash } from 'node:crypto';
import type { Transition } from '../domain/engine/state.js';
import { uuidV5 } from '../domain/hash.js';
import { engineEventIdOf, gateIdOf, stepIdOf } from '../domain/ids.js';
import { canonicalJson, type Json, type JsonObject } from '../domain/json.js';
import type { AttemptEnd, AttemptStart, Footprint } from '../domain/records.js';
import { isFinalStep, iso, stepIdOfGate, type TransitionOf } from './record-rows.js';

/**
 * When a derived row is written. Rows of a change that was known already, or that came too late to count, are left out;
 * all conditions that are set must hold.
 */
interface Condition {
  /** The step has this status after the statement, and the statement wrote it. */
  if_step: string | null;
  /** The statement wrote the end of this attempt. */
  if_attempt: number | null;
  /** The end with this number is the one that counts for the run. */
  if_end: number | null;
}

const ALWAYS: Condition = { if_step: null, if_attempt: null, if_end: null };
const ifStep = (status: string): Condition => ({ if_step: status, if_attempt: null, if_end: null });
const ifAttempt = (attempt: number): Condition => ({ if_step: null, if_attempt: attempt, if_end: null });
const ifEnd = (seq: number): Condition => ({ if_step: null, if_attempt: null, if_end: seq });

/** An event of the engine. Environment, correlation, actor and owner are those of its run. */
export interface EventRow extends Condition {
  event_id: string;
  event_name: string;
  occurred_at: string;
  run_id: string;
  step_id: string | null;
  resource: JsonObject;
  data: JsonObject;
}

/** An audit entry; without an actor it is the run's. */
export interface AuditRow extends Condition {
  key: string;
  at: string;
  actor: string | null;
  action: string;
  resource_type: string;
  resource_id: string;
  reason: string | null;
  after: JsonObject;
  run_id: string;
  step_id: string | null;
}

export interface FootprintRow extends Condition {
  recorded_at: string;
  source_kind: 'run' | 'step';
  source_ref: string;
  metric: string;
  run_id: string;
  step_id: string | null;
  quantity: number;
  unit: string;
  dims: JsonObject | null;
}

/** A decision that the workflow applied. */
export interface DecisionRow {
  decision_id: string;
  gate_id: string;
  run_id: string;
  decision: string;
  actor: string;
  reason: string | null;
  outputs: JsonObject | null;
  at: string;
  /** Came through Temporal's own UI: the catalog has no row of it. */
  foreign: boolean;
}

/** What follows from the records of a batch, beside the rows of runs, steps, attempts and gates. */
export class Derived {
  readonly events: EventRow[] = [];
  readonly audit: AuditRow[] = [];
  readonly footprints: FootprintRow[] = [];
  readonly decisions: DecisionRow[] = [];

  /** What a transition causes. */
  add(runId: string, transition: Transition): void {
    switch (transition.t) {
      case 'run':
        return this.#run(runId, transition);
      case 'step':
        return this.#step(runId, transition);
      case 'gate':
        return this.#gate(runId, transition);
      case 'decision':
        return this.#decision(runId, transition);
      case 'end':
        return this.#end(runId, transition);
    }
  }

  /** The first sign of a step on a worker. */
  begun(stepId: string, attempt: AttemptStart): void {
    const { run_id, path, kind, action, started_at } = attempt;
    this.#stepEvent({ run_id, step_id: stepId, path }, 'xyn.step.started', started_at, {
      status: 'running',
      kind,
      action,
    });
  }

  /** The audit entry of an effect that is about to happen. Names the input by its digest only. */
  effect(stepId: string, attempt: AttemptStart): void {
    const { run_id, path, action, effect, key, input } = attempt;
    const digest = `sha256:${createHash('sha256').update(canonicalJson(input)).digest('hex')}`;
    this.audit.push({
      ...ALWAYS,
      key: `attempt/${stepId}/${attempt.attempt}`,
      at: iso(attempt.started_at),
      actor: null,
      action: 'step.effect',
      resource_type: 'step',
      resource_id: stepId,
      reason: null,
      after: { action, effect, path, attempt: attempt.attempt, key, input: digest },
      run_id,
      step_id: stepId,
    });
  }

  /** The end of an attempt: its event, and what it used. */
  ended(stepId: string, end: AttemptEnd): void {
    const { run_id, path, kind, action, attempt, ended_at } = end;
    if (end.status === 'completed') {
      const data = { status: 'completed', kind, action, attempt };
      this.#stepEvent({ run_id, step_id: stepId, path }, 'xyn.step.completed', ended_at, data, ifStep('completed'));
    }
    // A step counts once: at the attempt that no other follows.
    const last = end.status === 'completed' || end.next_retry_at === undefined;
    const prints: Footprint[] = [
      ...(last ? [{ metric: 'step.count', quantity: 1, unit: 'count' }] : []),
      { metric: 'wall_ms', quantity: Math.max(0, ended_at - end.started_at), unit: 'ms' },
      ...end.footprints,
    ];
    const source = { run_id, step_id: stepId, time: iso(ended_at), ref: `${stepId}/${attempt}` };
    this.#stepPrints({ ...source, subject: `${path}#${attempt}` }, prints, dimsOf(action), ifAttempt(attempt));
  }

  #run(runId: string, { at }: TransitionOf<'run'>): void {
    this.#runEvent(runId, 'xyn.run.started', at, { status: 'running' });
  }

  #end(runId: string, { at, seq, status, error }: TransitionOf<'end'>): void {
    const condition = ifEnd(seq);
    const facts = { status, ...(error && { error_code: error.code }) };
    this.#runEvent(runId, `xyn.run.${status}`, at, facts, condition);
    this.footprints.push({
      if_step: condition.if_step,
      if_attempt: condition.if_attempt,
      if_end: condition.if_end,
      recorded_at: iso(at),
      source_kind: 'run',
      source_ref: runId,
      metric: 'run.count',
      run_id: runId,
      step_id: null,
      quantity: 1,
      unit: 'count',
      dims: { status },
    });
    this.audit.push({
      if_step: condition.if_step,
      if_attempt: condition.if_attempt,
      if_end: condition.if_end,
      key: `run/${runId}/end/${seq}`,
      at: iso(at),
      actor: null,
      action: 'run.end',
      resource_type: 'run',
      resource_id: runId,
      reason: null,
      after: facts,
      run_id: runId,
      step_id: null,
    });
  }

  #step(runId: string, transition: TransitionOf<'step'>): void {
    const { path, status, kind, at, attempts, error, reused } = transition;
    const stepId = stepIdOf(runId, path);
    const step = { run_id: runId, step_id: stepId, path };
    const started = transition.started_at === undefined ? at : Date.parse(transition.started_at);
    if (status !== 'skipped' && status !== 'created' && reused === undefined) {
      this.#stepEvent(step, 'xyn.step.started', started, { status: 'running', kind });
    }
    if (!isFinalStep(status)) return;
    const data = {
      status,
      kind,
      attempt: attempts,
      ...(error && { error_code: error.code }),
      ...(transition.skip_reason && { skip_reason: transition.skip_reason }),
      ...(reused && { reused_from_run: reused.run }),
    };
    this.#stepEvent(step, `xyn.step.${status}`, at, data, ifStep(status));
    // Steps of workers are measured by their attempts; those that never reached one, and all others, here.
    const measured = (kind === 'action_task' || kind === 'agent_task') && attempts > 0;
    // What is taken over was measured where it was done.
    if (status === 'skipped' || measured || reused !== undefined) return;
    const prints = [
      { metric: 'step.count', quantity: 1, unit: 'count' },
      { metric: 'wall_ms', quantity: Math.max(0, at - started), unit: 'ms' },
    ];
    const source = { run_id: runId, step_id: stepId, time: iso(at), ref: `${stepId}/0`, subject: `${path}#0` };
    this.#stepPrints(source, prints, { kind }, ifStep(status));
  }

  #gate(runId: string, transition: TransitionOf<'gate'>): void {
    const { path, status, purpose, at, seq } = transition;
    if (status === 'open') {
      this.#gateEvent(runId, 'xyn.gate.opened', transition, path, { status, purpose });
      this.#auditOpening(runId, transition);
    } else if (status === 'expired') {
      this.#gateEvent(runId, 'xyn.gate.expired', { at, seq }, path, { status, purpose });
    }
  }

  #auditOpening(runId: string, transition: TransitionOf<'gate'>): void {
    const { path, purpose, require, reject, seq, at } = transition;
    const gateId = gateIdOf(runId, path);
    this.audit.push({
      ...ALWAYS,
      key: `gate/${gateId}/open/${seq}`,
      at: iso(at),
      actor: null,
      action: 'gate.open',
      resource_type: 'gate',
      resource_id: gateId,
      reason: null,
      after: {
        path,
        purpose,
        require,
        reject,
        ...(transition.approvers && { approvers: transition.approvers }),
        ...(transition.digest !== undefined && { digest: transition.digest }),
        ...(transition.expires_at !== undefined && { expires_at: iso(transition.expires_at) }),
      },
      run_id: runId,
      step_id: stepIdOfGate(runId, path),
    });
  }

  #decision(runId: string, transition: TransitionOf<'decision'>): void {
    const { gate: path, decision, seq, at, status, purpose } = transition;
    const foreign = decision.id === undefined;
    const decisionId = decision.id ?? uuidV5(runId, `decision/${seq}`);
    const gateId = gateIdOf(runId, path);
    this.decisions.push({
      decision_id: decisionId,
      gate_id: gateId,
      run_id: runId,
      decision: decision.decision,
      actor: decision.by,
      reason: decision.reason ?? null,
      outputs: decision.outputs ?? null,
      at: iso(at),
      foreign,
    });
    const data = { status, purpose, decision: decision.decision, by: decision.by };
    this.#gateEvent(runId, 'xyn.gate.decided', transition, path, data);
    if (!foreign) return;
    this.audit.push({
      ...ALWAYS,
      key: `decision/${decisionId}`,
      at: iso(at),
      actor: decision.by,
      action: 'gate.decide',
      resource_type: 'gate',
      resource_id: gateId,
      reason: decision.reason ?? null,
      after: { decision: decision.decision, path, source: 'temporal-ui' },
      run_id: runId,
      step_id: stepIdOfGate(runId, path),
    });
  }

  /** Names of run events occur once per run, so their ids need no number. */
  #runEvent(runId: string, name: string, at: number, data: JsonObject, condition: Condition = ALWAYS): void {
    this.events.push({
      if_step: condition.if_step,
      if_attempt: condition.if_attempt,
      if_end: condition.if_end,
      event_id: engineEventIdOf(runId, name, ''),
      event_name: name,
      occurred_at: iso(at),
      run_id: runId,
      step_id: null,
      resource: { type: 'run', id: runId },
      data,
    });
  }

  /** A step starts once and ends once, whoever tells of it: its path makes the id. */
  #stepEvent(step: StepAddress, name: string, at: number, data: JsonObject, condition: Condition = ALWAYS): void {
    this.events.push({
      if_step: condition.if_step,
      if_attempt: condition.if_attempt,
      if_end: condition.if_end,
      event_id: engineEventIdOf(step.run_id, name, step.path),
      event_name: name,
      occurred_at: iso(at),
      run_id: step.run_id,
      step_id: step.step_id,
      resource: { type: 'step', id: step.step_id },
      data: { path: step.path, ...data },
    });
  }

  /** A gate may open and be decided several times: the transition's number makes the id. */
  #gateEvent(
    runId: string,
    name: string,
    { at, seq }: { at: number; seq: number },
    path: string,
    data: JsonObject,
  ): void {
    this.events.push({
      ...ALWAYS,
      event_id: engineEventIdOf(runId, name, `${path}#${seq}`),
      event_name: name,
      occurred_at: iso(at),
      run_id: runId,
      step_id: stepIdOfGate(runId, path),
      resource: { type: 'gate', id: gateIdOf(runId, path) },
      data: { path, ...data },
    });
  }

  #stepPrints(source: PrintSource, prints: readonly Footprint[], dims: JsonObject, condition: Condition): void {
    const rows = new Map<string, FootprintRow>();
    for (const print of prints) {
      const known = rows.get(print.metric);
      // One row per step and metric: several of the same metric add up.
      if (known) known.quantity += print.quantity;
      else rows.set(print.metric, printRow(source, print, print.dims ? { ...dims, ...print.dims } : dims, condition));
    }
    this.footprints.push(...rows.values());
    const data: Record<string, Json> = {};
    for (const row of rows.values()) data[row.metric] = row.quantity;
    this.events.push({
      if_step: condition.if_step,
      if_attempt: condition.if_attempt,
      if_end: condition.if_end,
      event_id: engineEventIdOf(source.run_id, 'xyn.footprint.recorded', source.subject),
      event_name: 'xyn.footprint.recorded',
      occurred_at: source.time,
      run_id: source.run_id,
      step_id: source.step_id,
      resource: { type: 'step', id: source.step_id },
      data,
    });
  }
}

interface StepAddress {
  run_id: string;
  step_id: string;
  path: string;
}

interface PrintSource {
  run_id: string;
  step_id: string;
  time: string;
  ref: string;
  subject: string;
}

function printRow(source: PrintSource, print: Footprint, dims: JsonObject, condition: Condition): FootprintRow {
  return {
    if_step: condition.if_step,
    if_attempt: condition.if_attempt,
    if_end: condition.if_end,
    recorded_at: source.time,
    source_kind: 'step',
    source_ref: source.ref,
    metric: print.metric,
    run_id: source.run_id,
    step_id: source.step_id,
    quantity: print.quantity,
    unit: print.unit,
    dims,
  };
}

/** Agents are told apart by provider and model, actions by their name. */
function dimsOf(action: string): JsonObject {
  const agent = /^agent:([^/]+)\/(.+)$/.exec(action);
  return agent ? { provider: agent[1] as string, model: agent[2] as string } : { action };
}
