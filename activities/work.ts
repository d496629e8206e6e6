import type { OutputStream } from '../src/domain/action.js';
import type { Json, JsonObject } from '../src/domain/json.js';
import type { Effect, StepKind } from '../src/domain/plan.js';
import type { Footprint } from '../src/domain/records.js';
import type { AgentTask } from '../workflows/contract.js';

/** What a piece of work gets from the runner. */
export interface WorkContext {
  runId: string;
  attempt: number;
  /** The task's input, with results in the place of references to them. */
  input: JsonObject;
  /** Aborts at the step's timeout and on cancel. */
  signal: AbortSignal;
  /** Takes all that the attempt has used so far; only what fails needs it, since results bring their own. */
  spent: (footprints: readonly Footprint[]) => void;
  /** Takes what programs write, in order, secrets already masked; absent: nobody keeps it. */
  output?: ((stream: OutputStream, chunk: Buffer) => void) | undefined;
}

/** What came out. */
export interface WorkResult {
  outputs: Json;
  footprints: Footprint[];
}

/** One step's work, the same to the runner whether an action or a model does it. */
export interface Work {
  task: Omit<AgentTask, 'provider' | 'model' | 'output'>;
  kind: Extract<StepKind, 'action_task' | 'agent_task'>;
  /** Shown at gates and in the audit trail. */
  action: string;
  effect: Effect;
  /** A second attempt could repeat the effect: an outcome that is not known is never tried again. */
  once: boolean;
  /** Name and version of the pack, for the attempt's record. */
  pack?: string;
  /** The form in which its input or output is recorded; absent: as it is. */
  recorded?<T extends Json>(side: 'input' | 'output', value: T): T;
  run(context: WorkContext): Promise<WorkResult>;
}
