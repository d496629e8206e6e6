import type { JsonObject } from '../../../src/domain/json.js';

/** Names and payloads of the hand-written workflow that the interpreter is measured against. */
export const HAND_WRITTEN = 'handWritten';
export const APPROVE = 'approve';

/** What somebody would write by hand for these steps: known actions, in order, with an approval at most before the last. */
export interface HandWrittenInput {
  steps: { id: string; action: string; contract: string; effect: 'read' | 'write'; with: JsonObject }[];
  /** Waits for the update `approve` before the last step. */
  gate?: true;
}
