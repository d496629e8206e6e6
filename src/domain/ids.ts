import { sha256Base32, uuidV5 } from './hash.js';

/** The run that an event starts for a blueprint: redelivering the event names the same run. `eventId` is a UUID. */
export function runIdOf(eventId: string, blueprintId: string): string {
  return uuidV5(eventId, blueprintId);
}

/** The id of a step's record; `path` is the step's address in the run (language §5.7). */
export function stepIdOf(runId: string, path: string): string {
  return uuidV5(runId, path);
}

/** The id of a gate's record. A gate is also a step, so the two differ by a prefix. */
export function gateIdOf(runId: string, path: string): string {
  return uuidV5(runId, `gate/${path}`);
}

/** The id of an event that the engine emits for a run: `name` and the transition's number make it unique. */
export function engineEventIdOf(runId: string, name: string, subject: string): string {
  return uuidV5(runId, `event/${name}/${subject}`);
}

/** The idempotency key that every attempt of a step carries (language §5.7): 26 characters of base32. */
export function idempotencyKeyOf(runId: string, path: string): string {
  return sha256Base32(`${runId}/${path}`, 26);
}

/** The Temporal workflow id of a run. */
export function workflowIdOf(runId: string): string {
  return `run/${runId}`;
}

/** The run of a workflow id, or undefined when the workflow is not a run. */
export function runIdOfWorkflow(workflowId: string): string | undefined {
  return workflowId.startsWith('run/') ? workflowId.slice(4) : undefined;
}
