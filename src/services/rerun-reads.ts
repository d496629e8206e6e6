import { readsOf, readsOfTree, type Read } from '../domain/expression/reads.js';
import type { Tree } from '../domain/expression/tree.js';
import { canonicalJson } from '../domain/json.js';
import type { Plan, PlanNode, Retry, Scope, Val } from '../domain/plan.js';

/** Facts of a run that are the same in a rerun of it. */
const LASTING_FACTS: ReadonlySet<string> = new Set(['blueprint', 'trigger', 'correlation_id', 'scheduled_at']);
/** What of a step's view tells of its execution rather than of its result. */
const OF_EXECUTION: ReadonlySet<string> = new Set(['attempts', 'started_at', 'ended_at']);

const readsOfAll = (trees: readonly (Tree | undefined)[]): Read[] =>
  trees.flatMap((tree) => (tree === undefined ? [] : readsOfTree(tree)));

const scopesOf = (node: PlanNode): Scope[] =>
  'bodies' in node ? Object.values(node.bodies as Record<string, Scope>) : [];

/** What decides whether a step runs, which of its lists, and how often. */
export function controlReads(node: PlanNode): Read[] {
  const reads = readsOfAll([node.when]);
  if (node.kind === 'switch') reads.push(...readsOfAll(node.cases.map((one) => one.when)));
  if (node.kind === 'for_each') reads.push(...readsOf(node.in), ...readsOfAll([node.while]));
  return reads;
}

/**
 * What the result of a step depends on, its own fields only. Messages and approvers of gates are left out: gates are
 * decided anew anyway.
 */
export function resultReads(node: PlanNode): Read[] {
  const values: Val[] = [node.outputs ?? {}];
  const reads = controlReads(node);
  for (const handler of node.on_error ?? []) {
    reads.push(...readsOfAll([handler.when]));
    values.push(handler.outputs ?? {});
  }
  for (const scope of scopesOf(node)) values.push(scope.outputs ?? {});
  if (node.kind === 'action_task' || node.kind === 'agent_task') reads.push(...readsOfAll([node.retry.until]));
  if (node.kind === 'action_task') values.push(node.with, node.key ?? null);
  if (node.kind === 'agent_task') {
    values.push(node.prompt, node.system ?? null);
    if (node.data !== false) reads.push(['inputs'], ['event']);
  }
  if (node.kind === 'transform') {
    values.push(...node.set.map(([, value]) => value));
    for (const { that, message } of node.assert ?? []) {
      reads.push(...readsOfTree(that));
      values.push(message ?? null);
    }
  }
  return [...reads, ...values.flatMap(readsOf)];
}

/** Whether a loop's items follow from each other, so that one that runs anew changes those behind it. */
export function isChained(plan: Plan, node: Extract<PlanNode, { kind: 'for_each' }>): boolean {
  if (node.while !== undefined) return true;
  const inside = plan.nodes.filter(({ path }) => path.startsWith(`${node.path}.`));
  return [...inside.flatMap(resultReads), ...readsOf(node.bodies.do.outputs ?? {})].some(([name]) => name === 'prev');
}

/** Whether a value may be another one in a rerun, although nothing was changed. @param unstable steps with such results. */
export function isUnstable([name, key, part]: Read, unstable: ReadonlySet<string>): boolean {
  if (name === 'now') return true;
  if (name === 'run') return key === undefined || !LASTING_FACTS.has(key);
  if (name !== 'steps') return false;
  if (key === undefined) return unstable.size > 0;
  return unstable.has(key) || OF_EXECUTION.has(part ?? '');
}

/**
 * What a step is, for the question whether a result of one is a result of the other: all fields but those that only say
 * how long it may take, how often it is tried and how it is shown. Lists count by themselves, step by step.
 */
export function meaningOf(plan: Plan, node: PlanNode): string {
  const { name: _name, keep: _keep, timeout_ms: _timeout, on_error: handlers, ...rest } = node;
  const { retry, mode: _mode, bodies, ...fields } = rest as typeof rest & Record<string, unknown>;
  const contract = node.kind === 'action_task' ? plan.actions[node.action]?.contract : undefined;
  const scopes = scopesOf(node).map(({ do: _do, finally: _finally, on_error: _on, ...scope }) => scope);
  const names = Object.keys((bodies as object | undefined) ?? {});
  return canonicalJson({
    ...fields,
    contract,
    // What a result has to be like; how often it is tried does not count.
    until: (retry as Partial<Retry> | undefined)?.until,
    names,
    scopes,
    handlers: handlers?.map(({ do: _do, ...handler }) => handler),
  });
}
