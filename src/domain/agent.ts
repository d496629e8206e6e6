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

/** Where an attempt at an `agent_task` goes. */
export interface AgentRouter {
  /**
   * @throws ActionFailure with the provider's code.
   */
  ask(
    request: AgentRequest,
    context: { runId: string; path: string; key: string; signal: AbortSignal },
  ): Promise<AgentAnswer>;
}
