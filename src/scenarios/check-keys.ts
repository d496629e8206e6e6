import type { Ajv2020, ValidateFunction } from 'ajv/dist/2020.js';
import type { ActionCatalog } from '../domain/action-catalog.js';
import type { Json, JsonObject } from '../domain/json.js';
import type { Plan, PlanNode } from '../domain/plan.js';
import { schemaChecker } from '../language/document/types.js';
import type { Problem } from '../language/problem.js';
import type { Source } from '../language/source.js';
import { nearestName } from '../language/suggestion.js';
import { pointerTo, problemAt } from './problems.js';
import type { Scenario } from './scenario-schema.js';
import { stepIdOf } from './step-pattern.js';

interface Checked {
  source: Source;
  plan: Plan;
  actions: ActionCatalog;
  /** Validators of outputs, by what they are of: compiling one costs milliseconds. */
  validators: Map<string, ValidateFunction>;
  ajv: Ajv2020;
  nodes: ReadonlyMap<string, PlanNode>;
  problems: Problem[];
}

/** Looks whether what scenarios name is in the plan, and whether scripted results fit the contracts. */
export function checkScenarios(
  source: Source,
  plan: Plan,
  actions: ActionCatalog,
  scenarios: readonly Scenario[],
): Problem[] {
  const nodes = new Map(plan.nodes.map((node) => [node.id, node]));
  const checked = { source, plan, actions, nodes, validators: new Map(), ajv: schemaChecker(), problems: [] };
  for (const [ix, scenario] of scenarios.entries()) checkScenario(checked, scenario, ix);
  return checked.problems;
}

const isTask = (kind: string): boolean => kind === 'action_task' || kind === 'agent_task';

function checkScenario(checked: Checked, { mocks, gates, expect }: Scenario, ix: number): void {
  const at = (...rest: (string | number)[]): string => pointerTo('scenarios', ix, ...rest);
  for (const [key, { entries, always }] of Object.entries(mocks)) {
    const node = known(checked, key, at('mocks', key));
    if (node === undefined) continue;
    if (!isTask(node.kind) && node.kind !== 'for_each') {
      const message = `\`${key}\` is a ${node.kind}; only actions and agents are scripted.`;
      add(checked, at('mocks', key), { code: 'mock_forbidden', message, what: 'key' });
    }
    for (const [number, { returns }] of entries.entries()) {
      const pointer = at('mocks', key, ...(always ? [] : [number]), 'returns');
      if (returns !== undefined) checkReturns(checked, node, returns, pointer);
    }
  }
  for (const key of Object.keys(gates)) {
    const node = known(checked, key, at('gates', key));
    if (node === undefined || key.endsWith('~recover') || node.kind === 'gate' || node.kind === 'for_each') continue;
    const message = `\`${key}\` is a ${node.kind}, not a gate.`;
    add(checked, at('gates', key), { code: 'mock_forbidden', message, what: 'key' });
  }
  for (const key of Object.keys(expect.calls ?? {})) known(checked, key, at('expect', 'calls', key));
  for (const key of Object.keys(expect.skipped ?? {})) known(checked, key, at('expect', 'skipped', key));
  for (const field of ['path', 'path_contains'] as const) {
    for (const [number, key] of (expect[field] ?? []).entries())
      known(checked, key, at('expect', field, number), 'value');
  }
}

function known(checked: Checked, key: string, pointer: string, what: 'key' | 'value' = 'key'): PlanNode | undefined {
  const id = stepIdOf(key);
  const node = checked.nodes.get(id);
  if (node !== undefined) return node;
  const suggestion = nearestName(id, checked.nodes.keys());
  add(checked, pointer, { code: 'step_unknown', message: `The blueprint has no step \`${id}\`.`, suggestion, what });
  return undefined;
}

function checkReturns(checked: Checked, node: PlanNode, returns: Json, pointer: string): void {
  const schema = outputSchemaOf(checked, node);
  if (schema === undefined) return;
  const of = node.kind === 'action_task' ? node.action : node.id;
  let validate = checked.validators.get(of);
  if (validate === undefined) {
    validate = checked.ajv.compile(withoutRequired(schema) as JsonObject);
    checked.validators.set(of, validate);
  }
  if (validate(returns)) return;
  const [first] = validate.errors ?? [];
  const message = `The result does not fit the outputs of \`${of}\`: ${first?.instancePath ?? ''} ${first?.message ?? ''}.`;
  add(checked, pointer, { code: 'output_invalid', message });
}

function outputSchemaOf({ actions }: Checked, node: PlanNode): JsonObject | undefined {
  if (node.kind === 'action_task') return actions.find(node.action)?.output;
  if (node.kind !== 'agent_task' || node.output === undefined) return undefined;
  const text = { type: 'string' };
  const properties = node.output['properties'] as JsonObject | undefined;
  return { ...node.output, properties: { ...properties, text, summary: text } };
}

/** Fields may be missing from a scripted result (language §11). */
function withoutRequired(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withoutRequired);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => key !== 'required' || !Array.isArray(value))
      .map(([key, value]) => [key, withoutRequired(value)]),
  );
}

function add(checked: Checked, pointer: string, facts: Parameters<typeof problemAt>[2]): void {
  checked.problems.push(problemAt(checked.source, pointer, facts));
}
