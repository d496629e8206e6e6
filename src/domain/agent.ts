import type { Json, JsonObject } from './json.js';
import type { Footprint } from './records.js';

/** One request to a model on behalf of an `agent_task`. */
export interface AgentRequest {
  provider: string;
  model: string;
  prompt: string;
  system?: string;
  /** The run's inputs and event, sent as a separate, fenced message. */
  data?: Json;
  /** JSON Schema that the answer must fit. */
  output?: JsonObject;
}

/** A model's answer, checked against the schema. */
export interface AgentAnswer {
  /** `output`'s fields, `text` and `summary` (language §3.1). */
  outputs: JsonObject;
  /** `tokens_in`, `tokens_out`, `request_count` with provider and model as dimensions. */
  footprints: Footprint[];
}

/** The attempt that asks. */
export interface AgentContext {
  runId: string;
  path: string;
  /** From 1. */
  attempt: number;
  /** Aborts at the step's timeout and on cancel: the request to the model ends. */
  signal: AbortSignal;
  /** Is told, whenever it changes, all that the attempt has used so far: what fails, times out or is cancelled costs, too. */
  spent: (footprints: readonly Footprint[]) => void;
}

/** Where an attempt at an `agent_task` goes. */
export interface AgentRouter {
  /**
   * @throws ActionFailure; the signal's reason once it aborted.
   */
  ask(request: AgentRequest, context: AgentContext): Promise<AgentAnswer>;
}

/** Where prompts and answers are kept; texts come in masked. Fails no step, whatever happens. */
export interface AgentArtifacts {
  /** @returns the artifact's id, or undefined when it could not be kept. */
  keep(runId: string, path: string, name: string, content: string): Promise<string | undefined>;
}
