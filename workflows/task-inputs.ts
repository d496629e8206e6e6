import type { Command } from '../src/domain/engine/messages.js';
import type { ActionNode, AgentNode, Plan } from '../src/domain/plan.js';
import type { ActionTask, AgentTask } from './contract.js';

export type TaskCommand = Extract<Command, { c: 'action' | 'agent' }>;

function commonTask(
  node: ActionNode | AgentNode,
  command: TaskCommand,
): Omit<AgentTask, 'provider' | 'model' | 'output'> {
  return {
    path: command.path,
    id: node.id,
    ...(node.name === undefined ? {} : { name: node.name }),
    input: command.input,
    key: command.key,
    keep: command.keep,
    ...(command.rules === undefined ? {} : { rules: command.rules }),
    ...(command.gates.length === 0 ? {} : { gates: command.gates }),
    seq: command.seq,
    ...(command.round === 1 ? {} : { round: command.round }),
    timeout_ms: node.timeout_ms,
    retry: node.retry,
  };
}

/** What the activity of an action gets. */
export function actionTask(plan: Plan, node: ActionNode, command: TaskCommand): ActionTask {
  return {
    ...commonTask(node, command),
    action: node.action,
    contract: plan.actions[node.action]?.contract ?? '',
    effect: node.effect,
    idempotency: node.idempotency,
  };
}

/** What the activity of an agent gets. */
export function agentTask(node: AgentNode, command: TaskCommand): AgentTask {
  return {
    ...commonTask(node, command),
    provider: node.provider,
    model: node.model,
    ...(node.output === undefined ? {} : { output: node.output }),
  };
}
