import type { Part } from '../support/xyn-processes.js';

/** One named point of a run at which something is killed; `docs/reliability.md` has the same table. */
interface FaultPoint {
  kills: Part;
  when: string;
  /** Beside the invariants I1 to I9, which are checked after every point. */
  observed: string;
}

/** The named points. Every one ends with: the run finishes, keyed effects happened once, `none` effects at most once. */
export const FAULT_POINTS = {
  'worker-before-effect': {
    kills: 'worker',
    when: 'attempt and audit entry are committed, the target has read the request and not acted',
    observed: 'a second attempt with the same key acts; the first is `lost`; `none` waits at its recovery gate',
  },
  'worker-after-effect-before-report': {
    kills: 'worker',
    when: 'the target has acted, its answer has not arrived',
    observed: 'a second call with the same key, one effect; `none` is not called again and `done` ends its step',
  },
  'worker-after-report-before-flush': {
    kills: 'worker',
    when: 'Temporal has the result, the end of the attempt is not in the catalog',
    observed: 'no second call; the reconciler writes the missing end',
  },
  'worker-at-open-gate': {
    kills: 'worker',
    when: 'a gate is open and nothing runs',
    observed: 'the gate stays open, takes a decision after the restart, and the run goes on',
  },
  'worker-before-gate-is-kept': {
    kills: 'worker',
    when: 'the catalog shows the gate, the workflow task that opened it is not complete; Temporal is killed too',
    observed: 'a decision that comes before the gate is open again counts',
  },
  'worker-while-deciding': {
    kills: 'worker',
    when: 'a decision is recorded and on its way, the worker has not heard of it',
    observed: 'the decision counts once, without being sent again by its caller',
  },
  'worker-during-final-flush': {
    kills: 'worker',
    when: 'all steps have ended, the last records wait for a locked table',
    observed: 'no call is repeated; the run ends with all records',
  },
  'api-after-accept-before-dispatch': {
    kills: 'api',
    when: 'an event was answered with 201 while Temporal was away',
    observed: 'the run starts once after the restart',
  },
  'api-while-deciding': {
    kills: 'api',
    when: 'a decision is committed as submitted, Temporal has not answered',
    observed: 'the sweep brings the decision to the run; one decision, one audit entry',
  },
  'temporal-while-step-runs': {
    kills: 'temporal',
    when: 'the target has acted, the worker cannot report',
    observed: 'one effect, whether the report arrives late or a second attempt is made',
  },
  'temporal-at-open-gate': {
    kills: 'temporal',
    when: 'a gate is open; it is decided while Temporal is away',
    observed: 'the decision is answered with 202 and applied after the restart',
  },
  'postgres-after-effect': {
    kills: 'postgres',
    when: 'the target has acted, the end of the attempt cannot be written',
    observed: 'no second call; the next effect waits for the audit trail; all records are there in the end',
  },
  'postgres-at-open-gate': {
    kills: 'postgres',
    when: 'a gate is open',
    observed: 'deciding answers 503 `db_unavailable` with Retry-After meanwhile, and works after the restart',
  },
} as const satisfies Record<string, FaultPoint>;

export type FaultName = keyof typeof FAULT_POINTS;
