import type { ActionCatalog } from '../../domain/action-catalog.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { nearestName } from '../suggestion.js';
import { Fields } from './fields.js';
import { markAt } from './contracts.js';
import type { OutputNames, StepInfo } from './names.js';
import type { Report } from './report.js';
import { checkName, LATER_KINDS, STEP_KINDS, stepFields, type Dialect } from './step-fields.js';
import type { StepDraft } from './steps.js';

/** Steps of a document, at most (language §9). */
const MAX_STEPS = 500;
const GATE_OUTPUTS = ['decision', 'by', 'reason', 'at', 'form'];

/** The steps whose shape is known, and the names of all. */
export interface DraftedSteps {
  drafts: StepDraft[];
  infos: Map<string, StepInfo>;
}

/** Reads the list of steps so far that names are known: kinds, ids, fields and outputs. */
export function draftSteps(
  report: Report,
  dialect: Dialect,
  list: Json[] | undefined,
  actions: ActionCatalog,
): DraftedSteps {
  const drafts: StepDraft[] = [];
  const infos = new Map<string, StepInfo>();
  if (list?.length === 0) report.add('plan_empty', '/plan', 'A plan needs at least one step.');
  if (list !== undefined && list.length > MAX_STEPS)
    report.add('limit_steps', `/plan/${MAX_STEPS}`, `A plan has at most ${MAX_STEPS} steps.`, {
      suggestion: 'split it into several blueprints',
    });
  for (const [ix, json] of (list ?? []).entries()) {
    const pointer = `/plan/${ix}`;
    if (!isJsonObject(json)) {
      report.add('type_mismatch', pointer, 'A step is a map.');
      continue;
    }
    const draft = draftStep(report, dialect, { json, pointer, ix });
    const { id } = json;
    if (typeof id === 'string' && checkId(report, dialect, infos, id, pointer)) {
      infos.set(id, { ix, outputs: outputNames(json, actions) });
      if (draft !== undefined) drafts.push({ ...draft, id });
    } else if (!Object.hasOwn(json, 'id')) {
      report.add('field_required', `${pointer}/id`, '`id` is required.');
    } else if (typeof id !== 'string') {
      report.add('type_mismatch', `${pointer}/id`, '`id` must be a text.');
    }
  }
  return { drafts, infos };
}

function checkId(
  report: Report,
  dialect: Dialect,
  infos: ReadonlyMap<string, StepInfo>,
  id: string,
  pointer: string,
): boolean {
  const at = `${pointer}/id`;
  if (id.includes('{{')) {
    report.add('template_in_static', at, '`id` takes no templates.', { offset: id.indexOf('{{') });
    return false;
  }
  if (!checkName(report, dialect, id, at)) return false;
  const first = infos.get(id);
  if (first === undefined) return true;
  const { line, column } = report.placeOf(`/plan/${first.ix}/id`);
  report.add('step_id_duplicate', at, `There is a step \`${id}\` already, at ${line}:${column}.`);
  return false;
}

function draftStep(
  report: Report,
  dialect: Dialect,
  { json, pointer, ix }: { json: JsonObject; pointer: string; ix: number },
): Omit<StepDraft, 'id'> | undefined {
  const { kind } = json;
  if (!Object.hasOwn(json, 'kind')) {
    report.add('field_required', `${pointer}/kind`, '`kind` is required.');
    return undefined;
  }
  const known = STEP_KINDS.find((one) => one === kind);
  if (known !== undefined)
    return { ix, kind: known, fields: new Fields(report, pointer, json, stepFields(known, dialect)) };
  const at = `${pointer}/kind`;
  if (typeof kind !== 'string') {
    report.add('type_mismatch', at, '`kind` must be a text.');
  } else if (LATER_KINDS.includes(kind)) {
    report.add('step_kind_unknown', at, `Steps of kind \`${kind}\` are not available yet.`);
  } else {
    const suggestion =
      nearestName(kind, STEP_KINDS) ?? STEP_KINDS.find((one) => one.split('_')[0] === kind.split('_')[0]);
    report.add('step_kind_unknown', at, `There is no kind \`${kind}\`: ${STEP_KINDS.join(', ')}.`, { suggestion });
  }
  return undefined;
}

/** What a step's outputs will be named, as far as the document and the contracts say. */
function outputNames(json: JsonObject, actions: ActionCatalog): OutputNames {
  const { kind, outputs } = json;
  const raw = rawOutputs(json, actions);
  if (!isJsonObject(outputs)) return raw;
  // A step's own map replaces its outputs; what it passes on of a tainted result stays tainted.
  return {
    names: Object.keys(outputs),
    closed: true,
    tainted: raw.tainted.length > 0 || kind === 'transform' ? '*' : [],
  };
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
