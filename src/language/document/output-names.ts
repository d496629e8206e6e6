import type { ActionCatalog } from '../../domain/action-catalog.js';
import { isJsonObject, type JsonObject } from '../../domain/json.js';
import { markAt } from './contracts.js';
import type { OutputNames } from './names.js';

const GATE_OUTPUTS = ['decision', 'by', 'reason', 'at', 'form'];

/** What a step's outputs will be named, as far as the document and the contracts say. */
export function outputNames(json: JsonObject, actions: ActionCatalog): OutputNames {
  const { kind, outputs } = json;
  if (kind === 'block' || kind === 'switch' || kind === 'parallel' || kind === 'for_each') return holderOutputs(json);
  const raw = rawOutputs(json, actions);
  if (!isJsonObject(outputs)) return raw;
  // A step's own map replaces its outputs; what it passes on of a tainted result stays tainted.
  return {
    names: Object.keys(outputs),
    closed: true,
    tainted: raw.tainted.length > 0 || kind === 'transform' ? '*' : [],
  };
}

const LOOP_OUTPUTS = ['count', 'completed', 'failed', 'cancelled', 'skipped', 'last', 'failures', 'results'];

/** Outputs of holders (language §3.2); what comes out of their inside may hold text from outside. */
function holderOutputs({ kind, outputs, branches }: JsonObject): OutputNames {
  if (kind === 'switch') return { names: ['case', 'result'], closed: true, tainted: ['result'] };
  if (kind === 'for_each') return { names: LOOP_OUTPUTS, closed: true, tainted: ['last', 'failures', 'results'] };
  if (kind === 'parallel') {
    return { names: isJsonObject(branches) ? Object.keys(branches) : [], closed: true, tainted: '*' };
  }
  return { names: isJsonObject(outputs) ? Object.keys(outputs) : [], closed: isJsonObject(outputs), tainted: '*' };
}

function rawOutputs(json: JsonObject, actions: ActionCatalog): OutputNames {
  const { kind, action, output, set } = json;
  if (kind === 'agent_task') {
    const properties = isJsonObject(output) ? (isJsonObject(output['properties']) ? output['properties'] : output) : {};
    const enums = Object.entries(properties).flatMap(([name, type]) =>
      Array.isArray(type) || (isJsonObject(type) && Array.isArray(type['enum'])) ? [name] : [],
    );
    const names = ['text', 'summary', ...Object.keys(properties)];
    return { names, closed: true, tainted: names.filter((name) => !enums.includes(name)) };
  }
  if (kind === 'wait') return { names: [], closed: true, tainted: [] };
  if (kind === 'gate') return { names: GATE_OUTPUTS, closed: true, tainted: [] };
  if (kind === 'transform') return { names: isJsonObject(set) ? Object.keys(set) : [], closed: true, tainted: '*' };
  const contract = typeof action === 'string' ? actions.find(action) : undefined;
  const properties = contract?.output['properties'];
  if (contract === undefined || !isJsonObject(properties)) return { names: [], closed: false, tainted: [] };
  const names = Object.keys(properties);
  return {
    names,
    closed: contract.output['additionalProperties'] === false,
    tainted: names.filter((name) => markAt(contract.output, [name], 'x-taint') !== undefined),
  };
}
