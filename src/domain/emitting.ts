import type { AskingStep } from './asking-step.js';
import type { ResourceRef } from './dtos.js';
import type { JsonObject } from './json.js';

/**
 * Bytes of an event as JSON, at most: it goes whole into the input of every run that it starts, whose steps take as much
 * (language §9).
 */
export const MAX_EVENT_BYTES = 262_144;

/** An event that a step emits. */
export interface StepEvent {
  event_name: string;
  data: JsonObject;
  resource?: ResourceRef;
}

/** What actions do with the event log. */
export interface EventActions {
  /**
   * Emits an event for the step's run: with its correlation id, one deeper in its chain of causes. The same key and name
   * give the same event.
   * @throws XynFault `event_name_format`, `event_name_reserved`, `request_invalid`, `audit_unavailable`, `db_unavailable`
   */
  emit(step: AskingStep, event: StepEvent): Promise<{ event_id: string }>;
}
