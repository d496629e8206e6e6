import { planDigest } from '../../src/domain/plan-digest.js';
import {
  DEFAULT_BACKOFF,
  DEFAULT_LIMITS,
  type ActionNode,
  type AgentNode,
  type GateNode,
  type Limits,
  type Plan,
  type PlanNode,
  type TransformNode,
  type Val,
} from '../../src/domain/plan.js';

type Fields<T> = Partial<Omit<T, 'kind' | 'id' | 'path'>>;

/** An action step with the defaults of a keyed write. */
export function action(id: string, fields: Fields<ActionNode> = {}): ActionNode {
  return {
    kind: 'action_task',
    id,
    path: id,
    action: 'http.call',
    with: {},
    effect: 'write',
    idempotency: 'keyed',
    keep: '*',
    timeout_ms: 600_000,
    retry: { attempts: 3, backoff: DEFAULT_BACKOFF },
    ...fields,
  };
}

export function agent(id: string, fields: Fields<AgentNode> = {}): AgentNode {
  return {
    kind: 'agent_task',
    id,
    path: id,
    provider: 'scripted',
    model: 'canned',
    prompt: 'why?',
    keep: '*',
    max_turns: 8,
    timeout_ms: 300_000,
    retry: { attempts: 3, backoff: DEFAULT_BACKOFF },
    ...fields,
  };
}

export function gate(id: string, fields: Fields<GateNode> = {}): GateNode {
  return {
    kind: 'gate',
    id,
    path: id,
    mode: 'manual',
    require: 1,
    reject: 1,
    reason: 'optional',
    timeout_ms: 86_400_000,
    keep: '*',
    ...fields,
  };
}

export function transform(id: string, set: [string, Val][], fields: Fields<TransformNode> = {}): TransformNode {
  return { kind: 'transform', id, path: id, set, keep: '*', ...fields };
}

/** A plan of these steps, one after the other, with a right digest. */
export function planOf(
  nodes: PlanNode[],
  more: {
    id?: string;
    outputs?: Record<string, Val>;
    limits?: Partial<Limits>;
    triggers?: Plan['triggers'];
    actions?: Plan['actions'];
    inputs?: Plan['inputs'];
  } = {},
): Plan {
  const plan: Plan = {
    format: 'xyn.plan/0',
    language: 'xyn/v1',
    id: more.id ?? 'bp.test',
    digest: '',
    source: 'sha256:test',
    actions: more.actions ?? {},
    children: {},
    policy: { risk: 'low', tests_required: false },
    limits: { ...DEFAULT_LIMITS, ...more.limits },
    inputs: more.inputs ?? { type: 'object', additionalProperties: true },
    outputs: more.outputs ?? {},
    triggers: more.triggers ?? [],
    root: { do: nodes.map((_, ix) => ix), rollback: 'manual' },
    nodes,
  };
  return { ...plan, digest: planDigest(plan) };
}
