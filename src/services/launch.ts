import { evaluateJson, type EvalScope } from '../domain/expression/evaluate.js';
import { renderRecord } from '../domain/expression/render.js';
import type { Json, JsonObject } from '../domain/json.js';
import type { LaunchPreview, LaunchStep } from '../domain/launch.js';
import type { GateNode, Plan, PlanNode, Val } from '../domain/plan.js';
import type { RunService } from './runs.js';
import type { UsualDurations } from './usual-durations.js';

export interface LaunchDeps {
  runs: Pick<RunService, 'preview'>;
  usual: Pick<UsualDurations, 'of'>;
}

/** Inputs of actions that say what is acted on, the first that is there counts. */
const TARGET_INPUTS = ['host', 'target', 'url', 'bucket', 'image', 'path'] as const;
const COST_LIMIT = 10_000;
const MOST_TARGET = 120;

/** What the launcher asks; nothing is started here. */
export class LaunchService {
  readonly #deps: LaunchDeps;

  constructor(deps: LaunchDeps) {
    this.#deps = deps;
  }

  /**
   * The plan that a start now would get: its steps with effects, targets and gates, and the problems of the inputs.
   * @throws XynFault `blueprint_unknown`, `blueprint_disabled`, `plan_digest_mismatch`, `db_unavailable`
   */
  async preview(blueprintId: string, inputs: JsonObject): Promise<LaunchPreview> {
    const [preview, [usual = null]] = await Promise.all([
      this.#deps.runs.preview({ blueprint_ref: blueprintId, inputs }),
      this.#deps.usual.of([blueprintId]),
    ]);
    const { plan, version, name, checked } = preview;
    const known = 'code' in checked ? inputs : checked.inputs;
    const problems = 'code' in checked ? checked.problems : [];
    const steps = stepsOf(plan, known);
    return { blueprint_id: plan.id, name, version, digest: plan.digest, schema: plan.inputs, problems, steps, usual };
  }
}

function stepsOf(plan: Plan, inputs: JsonObject): LaunchStep[] {
  return plan.nodes.map((node): LaunchStep => {
    const { path, kind, name = null } = node;
    const target = targetOf(node, inputs);
    return {
      path,
      name,
      kind,
      depth: path.split('.').length - 1,
      what: whatOf(node),
      effect: node.kind === 'action_task' ? node.effect : null,
      ...target,
      only: path.includes('!') ? 'on_error' : path.includes('~finally') ? 'finally' : null,
      gate: node.kind === 'gate' ? gateOf(node, inputs) : null,
    };
  });
}

function whatOf(node: PlanNode): string {
  switch (node.kind) {
    case 'action_task':
      return node.action;
    case 'agent_task':
      return `${node.provider} ${node.model}`;
    case 'gate':
      return 'asks for approval';
    case 'transform':
      return 'computes values';
    case 'wait':
      return 'waits';
    case 'block':
      return 'a block of steps';
    case 'switch':
      return `one of ${Object.keys(node.bodies).length} ways`;
    case 'parallel':
      return `${Object.keys(node.bodies).length} branches side by side`;
    case 'for_each':
      return `for each item, at most ${node.max_items}`;
  }
}

function targetOf(node: PlanNode, inputs: JsonObject): Pick<LaunchStep, 'target' | 'isTargetLater'> {
  if (node.kind !== 'action_task') return { target: null, isTargetLater: false };
  const given = TARGET_INPUTS.find((name) => node.with[name] !== undefined);
  if (given === undefined) return { target: null, isTargetLater: false };
  const value = early(node.with[given] as Val, inputs);
  if (typeof value !== 'string' || value === '') return { target: null, isTargetLater: value === undefined };
  return { target: value.slice(0, MOST_TARGET), isTargetLater: false };
}

function gateOf({ require, approvers }: GateNode, inputs: JsonObject): LaunchStep['gate'] {
  const names = approvers === undefined ? [] : early(approvers, inputs);
  const isLater = !Array.isArray(names);
  return { require, approvers: isLater ? [] : names.map(String).slice(0, 20), isLater };
}

/** A value as far as the inputs alone decide it; undefined when it needs more. */
function early(val: Val, inputs: JsonObject): Json | undefined {
  const scope: EvalScope = {
    variable: (name) => (name === 'inputs' ? inputs : undefined),
    cost: { left: COST_LIMIT },
  };
  try {
    if (typeof val === 'object' && val !== null && !Array.isArray(val) && Object.hasOwn(val, '$')) {
      return evaluateJson((val as { $: Parameters<typeof evaluateJson>[0] }).$, scope);
    }
    return renderRecord({ value: val }, scope)['value'];
  } catch {
    return undefined;
  }
}
