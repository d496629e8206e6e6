import { ActionFailure } from '../src/domain/action.js';
import type { ApprovalCheck } from '../src/domain/records.js';
import { patiently } from './patience.js';

/** A step behind gates; none: nothing is to be proven. */
export interface GatedStep {
  runId: string;
  gates: readonly string[];
  step: Parameters<ApprovalCheck['check']>[2];
}

/**
 * Begins to look for the decisions of a step's gates, so that its attempt can be written meanwhile.
 * @returns resolves when they are there. To be called when the attempt is written: a gate may come to the catalog with it, so
 * what was found before counts only when it was a yes; people do not take decisions back. Throws ActionFailure
 * `approval_stale`, `audit_unavailable`.
 */
export function beginProof(approvals: ApprovalCheck, gated: GatedStep): (signal: AbortSignal) => Promise<void> {
  const { runId, gates, step } = gated;
  if (gates.length === 0) return () => Promise.resolve();
  const early = approvals.check(runId, gates, step).then(
    (stale) => stale === undefined,
    () => false,
  );
  return async (signal) => {
    if (await early) return;
    const stale = await patiently(signal, () => approvals.check(runId, gates, step));
    if (stale !== undefined) throw new ActionFailure({ code: 'approval_stale', message: stale, retryable: false });
  };
}
