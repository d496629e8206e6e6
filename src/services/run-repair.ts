import { randomUUID } from 'node:crypto';
import type { RecordBatch } from '../catalog/records.js';
import type { RecordedRun } from '../catalog/repair-store.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { RunEnd } from '../domain/dtos.js';
import type { State, StepStatus, Transition } from '../domain/engine/state.js';
import { stepIdOf } from '../domain/ids.js';
import type { Plan, PlanNode } from '../domain/plan.js';
import type { AttemptEnd } from '../domain/records.js';
import type { RunGateway } from '../temporal/gateway.js';
import type { PlanCache } from './plan-cache.js';
import { errorOf, type RunEndWriter, type WriteRecords } from './run-end.js';

export interface RunRepairDeps {
  catalog: CatalogAccess;
  gateway: Pick<RunGateway, 'facts' | 'snapshot'>;
  plans: PlanCache;
  ends: RunEndWriter;
  write: WriteRecords;
  clock: () => number;
}

/** `partial`: a worker that holds the run's state was not there to tell the rest. */
export type RepairOutcome = 'complete' | 'partial' | 'no_history';

/** Brings the catalog to what Temporal knows about a run. Doing it twice changes nothing. */
export class RunRepair {
  readonly #deps: RunRepairDeps;

  constructor(deps: RunRepairDeps) {
    this.#deps = deps;
  }

  /** Reads the history of a run, and its state where a worker has it, and writes what the catalog lacks. */
  async repair(runId: string): Promise<RepairOutcome> {
    const facts = await this.#deps.gateway.facts(runId);
    if (facts === undefined) return 'no_history';
    const before = await this.#deps.catalog.repairs.recorded(runId);
    if (before === undefined) return 'no_history';
    const plan = await this.#planOf(runId);
    const ends = facts.attempts.filter((attempt) => lacksAttempt(before, runId, attempt));
    const told = facts.transitions.filter((one) => one.t !== 'end');
    if (ends.length > 0 || told.length > 0) await this.#deps.write(batchOf(runId, told, ends));
    let after = (await this.#deps.catalog.repairs.recorded(runId)) ?? before;
    let state: State | undefined;
    if (!isClosed(after) || missingSteps(plan, after).length > 0) {
      state = (await this.#deps.gateway.snapshot(runId))?.state;
      if (state !== undefined) await this.#fromState(runId, plan, after, state);
      after = (await this.#deps.catalog.repairs.recorded(runId)) ?? after;
    }
    if (facts.end !== undefined && !isClosed(after)) {
      await this.#deps.ends.end(runId, after, facts.end);
      after = (await this.#deps.catalog.repairs.recorded(runId)) ?? after;
    }
    await this.audit(runId, after, changes(before, after));
    return missingSteps(plan, after).length > 0 && state === undefined ? 'partial' : 'complete';
  }

  /**
   * Writes what an open run has not recorded yet.
   * @returns whether a worker answered.
   */
  async catchUp(runId: string): Promise<boolean> {
    const state = (await this.#deps.gateway.snapshot(runId))?.state;
    if (state === undefined) return false;
    if (state.transitions.length === 0) return true;
    const before = await this.#deps.catalog.repairs.recorded(runId);
    await this.#deps.ends.writeTransitions(runId, state.transitions);
    const after = await this.#deps.catalog.repairs.recorded(runId);
    if (before !== undefined && after !== undefined) await this.audit(runId, after, changes(before, after));
    return true;
  }

  /** Ends a run whose workflow is not in Temporal any more. Nothing of it runs again by itself. */
  async lose(runId: string): Promise<void> {
    const recorded = await this.#deps.catalog.repairs.recorded(runId);
    if (recorded === undefined || isClosed(recorded)) return;
    const at = this.#deps.clock();
    const message = 'Temporal does not know the run any more; its database was lost or replaced.';
    const end: RunEnd & { at: number } = { status: 'failed', error: errorOf('lost_execution', message, at), at };
    await this.#deps.ends.end(runId, recorded, end);
    await this.audit(runId, recorded, ['lost_execution']);
  }

  /** One entry in the audit trail for what was repaired; none for nothing. */
  async audit(runId: string, run: Pick<RecordedRun, 'correlation_id' | 'env_id'>, what: string[]): Promise<void> {
    if (what.length === 0) return;
    await this.#deps.catalog.transaction((unit) =>
      unit.audit([
        {
          key: `run/${runId}/repair/${randomUUID()}`,
          at: new Date(this.#deps.clock()),
          actor: 'system',
          action: 'run.repair',
          resource_type: 'run',
          resource_id: runId,
          after: { repaired: what.slice(0, 100) },
          run_id: runId,
          correlation_id: run.correlation_id,
          env_id: run.env_id,
        },
      ]),
    );
  }

  async #fromState(runId: string, plan: Plan | undefined, recorded: RecordedRun, state: State): Promise<void> {
    const told = new Set(state.transitions.flatMap((one) => (one.t === 'step' ? [one.path] : [])));
    const derived = missingSteps(plan, recorded).flatMap((node) =>
      told.has(node.path) ? [] : (stepTransition(state, node) ?? []),
    );
    const transitions = [...derived, ...state.transitions];
    if (transitions.length > 0) await this.#deps.ends.writeTransitions(runId, transitions);
  }

  async #planOf(runId: string): Promise<Plan | undefined> {
    const run = await this.#deps.catalog.runs.get(runId);
    if (run?.blueprint_version == null) return undefined;
    return (await this.#deps.plans.get(run.blueprint_id, run.blueprint_version))?.plan;
  }
}

function batchOf(runId: string, transitions: readonly Transition[], ends: AttemptEnd[]): RecordBatch {
  return { transitions: [{ run_id: runId, transitions }], begins: [], runnings: [], ends };
}

function lacksAttempt(recorded: RecordedRun, runId: string, attempt: AttemptEnd): boolean {
  const status = recorded.attempts.get(`${stepIdOf(runId, attempt.path)}/${attempt.attempt}`);
  if (status === undefined || status === 'running') return true;
  // The attempt is there, its step is not, or still runs: written by two statements that did not both arrive.
  const step = recorded.steps.find((one) => one.path === attempt.path);
  return attempt.status === 'completed' && (step === undefined || !isFinal(step.status));
}

/** The steps of the root list that an ended run should have a final record of, and has not. */
function missingSteps(plan: Plan | undefined, recorded: RecordedRun): PlanNode[] {
  const done = new Set(recorded.steps.filter((step) => isFinal(step.status)).map((step) => step.path));
  const nodes = plan?.root.do.flatMap((ix) => plan.nodes[ix] ?? []) ?? [];
  return nodes.filter((node) => !done.has(node.path));
}

/** A step as the run's own state tells it. Outputs are those that later steps could read. */
function stepTransition(state: State, node: PlanNode): Transition | undefined {
  const view = state.frames['root']?.steps[node.id];
  if (view === undefined || !isFinal(view.status)) return undefined;
  return {
    t: 'step',
    seq: state.seq,
    at: view.ended_at === undefined ? state.now : Date.parse(view.ended_at),
    path: node.path,
    id: node.id,
    kind: node.kind,
    status: view.status,
    attempts: view.attempts,
    ...(node.name === undefined ? {} : { name: node.name }),
    ...(view.skip_reason === undefined ? {} : { skip_reason: view.skip_reason }),
    ...(view.outputs === undefined ? {} : { outputs: view.outputs }),
    ...(view.error === undefined ? {} : { error: view.error }),
    ...(view.started_at === undefined ? {} : { started_at: view.started_at }),
  };
}

function changes(before: RecordedRun, after: RecordedRun): string[] {
  const steps = new Map(before.steps.map((step) => [step.path, step.status]));
  return [
    ...(before.status === after.status ? [] : [`run ${before.status} → ${after.status}`]),
    ...after.steps
      .filter((step) => steps.get(step.path) !== step.status)
      .map((step) => `step ${step.path} ${steps.get(step.path) ?? 'absent'} → ${step.status}`),
    ...[...after.attempts]
      .filter(([key, status]) => before.attempts.get(key) !== status)
      .map(([key, status]) => `attempt ${key} ${before.attempts.get(key) ?? 'absent'} → ${status}`),
  ];
}

function isFinal(status: StepStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'skipped';
}

function isClosed({ status }: Pick<RecordedRun, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}
