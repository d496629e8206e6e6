import type { ActionCatalog } from '../../domain/action-catalog.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';

const GATE_OUTPUTS = ['decision', 'by', 'reason', 'at', 'form'];
const LOOP_OUTPUTS = ['count', 'completed', 'failed', 'cancelled', 'skipped', 'last', 'failures', 'results'];

const keysOf = (json: Json | undefined): string[] => (isJsonObject(json) ? Object.keys(json) : []);

/** What a step's outputs will be named, as far as the document and the contracts say. */
export function outputNames(json: JsonObject, actions: ActionCatalog): readonly string[] {
  const { kind, outputs, action, output, set, branches } = json;
  if (isJsonObject(outputs) && kind !== 'for_each') return Object.keys(outputs);
  switch (kind) {
    case 'agent_task':
      return ['text', 'summary', ...keysOf(isJsonObject(output) ? (output['properties'] ?? output) : undefined)];
    case 'gate':
      return GATE_OUTPUTS;
    case 'transform':
      return keysOf(set);
    case 'switch':
      return ['case', 'result'];
    case 'for_each':
      return LOOP_OUTPUTS;
    case 'parallel':
      return keysOf(branches);
    default:
      return typeof action === 'string' ? keysOf(actions.find(action)?.output['properties']) : [];
  }
}
