import type { Tree } from '../../src/domain/expression/tree.js';
import { planDigest } from '../../src/domain/plan-digest.js';
import {
  DEFAULT_BACKOFF,
  DEFAULT_LIMITS,
  type ActionNode,
  type AgentNode,
  type BlockNode,
  type ForEachNode,
  type GateNode,
  type Handler,
  type HolderNode,
  type Limits,
  type ParallelNode,
  type SwitchNode,
  type Plan,
  type PlanNode,
  type TransformNode,
  type Val,
  type WaitNode,
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

/** A step inside of a holder, or a holder with what it holds: `treeOf` gives them their places. */
export type Nested =
  PlanNode | (Omit<HolderNode, 'bodies'> & { lists: Record<string, Nested[]>; scopes?: Record<string, ScopeFields> });

interface ScopeFields {
  outputs?: Record<string, Val>;
  finally?: Nested[];
}

interface HandlerFields extends Omit<Handler, 'do' | 'then'> {
  do?: Nested[];
  then?: Handler['then'];
}

const HOLDER = { keep: '*' as const, path: '' };

/** A block of these steps. */
export function block(
  id: string,
  steps: Nested[],
  fields: Partial<Omit<BlockNode, 'kind' | 'id' | 'bodies'>> & ScopeFields = {},
): Nested {
  const { outputs, finally: last, ...rest } = fields;
  const scope = { ...(outputs && { outputs }), ...(last && { finally: last }) };
  return { ...HOLDER, ...rest, kind: 'block', id, lists: { do: steps }, scopes: { do: scope } };
}

/** A choice among lists: `[name, condition, steps]`; the name `default` has no condition. */
export function choice(
  id: string,
  cases: [name: string, when: Tree | undefined, steps: Nested[]][],
  fields: Partial<Omit<SwitchNode, 'kind' | 'id' | 'bodies' | 'cases'>> = {},
): Nested {
  return {
    ...HOLDER,
    ...fields,
    kind: 'switch',
    id,
    cases: cases.flatMap(([name, when]) => (when === undefined ? [] : [{ name, when }])),
    lists: Object.fromEntries(cases.map(([name, , steps]) => [name, steps])),
  };
}

/** Lists side by side. */
export function parallel(
  id: string,
  lists: Record<string, Nested[]>,
  fields: Partial<Omit<ParallelNode, 'kind' | 'id' | 'bodies'>> = {},
): Nested {
  return { ...HOLDER, mode: 'fail_fast', concurrency: 450, ...fields, kind: 'parallel', id, lists };
}

/** A list for every item. */
export function forEach(
  id: string,
  items: Val,
  steps: Nested[],
  fields: Partial<Omit<ForEachNode, 'kind' | 'id' | 'bodies' | 'in'>> & Pick<ScopeFields, 'outputs'> = {},
): Nested {
  const { outputs, ...rest } = fields;
  const defaults = { as: 'item', concurrency: 1, mode: 'fail_fast', max_items: 200 } as const;
  return {
    ...HOLDER,
    ...defaults,
    ...rest,
    kind: 'for_each',
    id,
    in: items,
    lists: { do: steps },
    scopes: { do: outputs ? { outputs } : {} },
  };
}

export function wait(id: string, fields: Fields<WaitNode>): WaitNode {
  return { kind: 'wait', id, path: id, keep: '*', ...fields };
}

/** A step with handlers of its failure. */
export function handling(node: Nested, ...handlers: HandlerFields[]): Nested {
  return { ...node, handlers } as unknown as Nested;
}

type Loose = Record<string, unknown> & { id: string; kind: string };

/** A plan of steps that hold others. */
export function treeOf(
  steps: Nested[],
  more: Parameters<typeof planOf>[1] & { finally?: Nested[]; on_error?: HandlerFields[] } = {},
): Plan {
  const nodes: PlanNode[] = [];
  const place = (list: Nested[], prefix: string): number[] => list.map((one) => add(one as unknown as Loose, prefix));
  const handlers = (fields: HandlerFields[], path: string): Handler[] =>
    fields.map(({ do: list = [], then = 'continue', ...rest }, ix) => ({
      ...rest,
      then,
      do: place(list, `${path}!${ix}.`),
    }));
  const add = ({ lists, scopes, handlers: own, ...node }: Loose, prefix: string): number => {
    const path = `${prefix}${node.id}`;
    const at = nodes.push({ ...node, path } as unknown as PlanNode) - 1;
    const extra: Record<string, unknown> = {};
    if (lists) {
      const named = node.kind === 'switch' || node.kind === 'parallel';
      extra['bodies'] = Object.fromEntries(
        Object.entries(lists as Record<string, Nested[]>).map(([name, list]) => {
          const scope = (scopes as Record<string, ScopeFields> | undefined)?.[name] ?? {};
          const inner = place(list, named ? `${path}:${name}.` : `${path}.`);
          const last = scope.finally && { finally: place(scope.finally, `${path}~finally.`) };
          return [name, { do: inner, rollback: 'manual', ...(scope.outputs && { outputs: scope.outputs }), ...last }];
        }),
      );
    }
    if (own) extra['on_error'] = handlers(own as HandlerFields[], path);
    Object.assign(nodes[at] as object, extra);
    return at;
  };
  const { finally: last, on_error, outputs, ...rest } = more;
  const list = place(steps, '');
  const root = {
    do: list,
    rollback: 'manual' as const,
    ...(last && { finally: place(last, '~finally.') }),
    ...(on_error && { on_error: handlers(on_error, '') }),
  };
  const plan = { ...planOf([], { ...rest, ...(outputs && { outputs }) }), nodes, root };
  return { ...plan, digest: planDigest(plan) };
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
