import type { SubmittedDecision } from '../catalog/gate-store.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { GateStatus } from '../domain/engine/state.js';
import type { DecideOutcome, RunGateway } from '../temporal/gateway.js';
import type { Log } from './log.js';
import type { ServiceObserver } from './observer.js';

export interface DecisionSenderDeps {
  catalog: CatalogAccess;
  gateway: Pick<RunGateway, 'decide'>;
  clock: () => number;
  log: Log;
  envId: string;
  observer?: ServiceObserver;
}

/** What became of a decision; `submitted`: no answer yet, a sweep goes on. */
export interface DecisionOutcome {
  status: 'applied' | 'refused' | 'submitted';
  refusal: string | null;
  /** The gate's status as the run told it with its answer. */
  gate?: GateStatus;
}

interface Work {
  current: Promise<void>;
  next?: Promise<void>;
}

/** How long one caller waits for the run's answer. */
const ANSWER_WAIT_MS = 5_000;
/** A decision older than this has no caller of its own any more, or its process died. */
const SWEEP_AFTER_MS = 3_000;
const SWEEP_BATCH = 20;
/**
 * How long a run may not know a gate that the catalog has: its worker was lost before the workflow task was complete, and
 * the next one has to notice (10 s) and to get there again.
 */
const UNKNOWN_GATE_MS = 60_000;

/**
 * Brings decisions to the runs, one after the other for each gate, oldest first: the server takes only a few at once, and
 * the order in which people decided is the order in which the run hears of it. Two processes may send the same decision:
 * its id makes the server answer both alike.
 */
export class DecisionSender {
  readonly #deps: DecisionSenderDeps;
  /** Gates that are worked on now. */
  readonly #busy = new Map<string, Work>();
  readonly #waiters = new Map<string, ((outcome: DecisionOutcome) => void)[]>();

  constructor(deps: DecisionSenderDeps) {
    this.#deps = deps;
  }

  /**
   * Sends the decision, after those before it, and waits at most 5 s for its answer. Never throws.
   * @param oldest the decision of the gate that has waited longest, when the caller just saw it committed.
   */
  async send(gateId: string, decisionId: string, oldest?: SubmittedDecision): Promise<DecisionOutcome> {
    const pending: DecisionOutcome = { status: 'submitted', refusal: null };
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(pending), ANSWER_WAIT_MS);
      const done = (outcome: DecisionOutcome): void => {
        clearTimeout(timer);
        resolve(outcome);
      };
      this.#waiters.set(decisionId, [...(this.#waiters.get(decisionId) ?? []), done]);
      void this.#work(gateId, oldest)
        .then(() => this.#storedOutcome(gateId, decisionId))
        .then((outcome) => this.#tell(decisionId, outcome));
    });
  }

  /** Goes on with decisions that nobody waits for any more. */
  async sweep(): Promise<void> {
    const gates = await this.#deps.catalog.gates.gatesWithSubmitted(SWEEP_AFTER_MS, SWEEP_BATCH);
    await Promise.all(gates.map((gateId) => this.#work(gateId)));
  }

  /** Resolves when nothing is on its way from this process any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#busy.values()].map((work) => work.next ?? work.current));
  }

  /** One piece of work at a time for each gate; whoever comes meanwhile shares the one after it. */
  async #work(gateId: string, oldest?: SubmittedDecision): Promise<void> {
    const running = this.#busy.get(gateId);
    if (running === undefined) return this.#begin(gateId, oldest);
    running.next ??= running.current.then(() => this.#begin(gateId));
    return running.next;
  }

  #begin(gateId: string, oldest?: SubmittedDecision): Promise<void> {
    const work: Work = {
      current: this.#drain(gateId, oldest)
        .catch((error: unknown) =>
          this.#deps.log.warn({ gate_id: gateId, err: error }, 'a decision could not be sent; it is tried again'),
        )
        .finally(() => {
          if (this.#busy.get(gateId) === work) this.#busy.delete(gateId);
        }),
    };
    this.#busy.set(gateId, work);
    return work.current;
  }

  async #drain(gateId: string, oldest?: SubmittedDecision): Promise<void> {
    let known = oldest;
    for (;;) {
      const next = known ?? (await this.#deps.catalog.gates.oldestSubmitted(gateId));
      known = undefined;
      if (next === undefined) return;
      const ageMs = this.#deps.clock() - next.created_at.getTime();
      const outcome = outcomeOf(await this.#deps.gateway.decide(next.run_id, messageOf(next)), ageMs);
      // Later decisions must not overtake this one.
      if (outcome.status === 'submitted') return;
      await this.#settle(next, outcome);
      this.#deps.observer?.decisionAnswered(outcome.status, this.#deps.clock() - next.created_at.getTime());
      this.#tell(next.decision_id, outcome);
    }
  }

  async #settle(decision: SubmittedDecision, { status, refusal }: DecisionOutcome): Promise<void> {
    if (status === 'submitted') return;
    if (status === 'applied') {
      await this.#deps.catalog.gates.settle(decision.decision_id, status, refusal);
      return;
    }
    await this.#deps.catalog.transaction(async (unit) => {
      const settled = await unit.gates.settle(decision.decision_id, status, refusal);
      if (!settled) return;
      await unit.audit([
        {
          key: `decision/${decision.decision_id}/refused`,
          at: new Date(this.#deps.clock()),
          actor: 'system',
          action: 'gate.refuse',
          resource_type: 'gate',
          resource_id: decision.gate_id,
          after: { decision_id: decision.decision_id, refusal },
          run_id: decision.run_id,
          env_id: this.#deps.envId,
        },
      ]);
    });
  }

  /** For a decision that another process, or an earlier round of this one, has settled. */
  async #storedOutcome(gateId: string, decisionId: string): Promise<DecisionOutcome> {
    if (!this.#waiters.has(decisionId)) return { status: 'submitted', refusal: null };
    const gate = await this.#deps.catalog.gates.get(gateId).catch(() => undefined);
    const stored = gate?.decisions.find((one) => one.decision_id === decisionId);
    return { status: stored?.status ?? 'submitted', refusal: stored?.refusal ?? null };
  }

  #tell(decisionId: string, outcome: DecisionOutcome): void {
    for (const done of this.#waiters.get(decisionId) ?? []) done(outcome);
    this.#waiters.delete(decisionId);
  }
}

function messageOf(decision: SubmittedDecision): Parameters<RunGateway['decide']>[1] {
  return {
    gate: decision.path,
    ...(decision.seq === null ? {} : { seq: decision.seq }),
    decision: decision.decision,
    id: decision.decision_id,
    by: decision.actor,
    ...(decision.reason === null ? {} : { reason: decision.reason }),
    ...(decision.outputs === null ? {} : { outputs: decision.outputs }),
  };
}

function outcomeOf(answer: DecideOutcome, ageMs: number): DecisionOutcome {
  if (answer === 'unknown') return { status: 'submitted', refusal: null };
  if (answer === 'closed') return { status: 'refused', refusal: 'run_closed' };
  const gate = answer.status === undefined ? {} : { gate: answer.status as GateStatus };
  if (answer.answer === 'applied') return { status: 'applied', refusal: null, ...gate };
  if (answer.code === 'gate_not_found' && ageMs < UNKNOWN_GATE_MS) return { status: 'submitted', refusal: null };
  return { status: 'refused', refusal: answer.code ?? 'gate_decision_refused', ...gate };
}
