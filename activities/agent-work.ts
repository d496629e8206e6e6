import type { AgentRouter } from '../src/domain/agent.js';
import { canonicalJson, type Json } from '../src/domain/json.js';
import type { AgentTask } from '../workflows/contract.js';
import type { Work } from './work.js';

/** The work of an `agent_task`. Asking again costs money but changes nothing, so it may be repeated. */
export function agentWork(router: AgentRouter, task: AgentTask): Work {
  return {
    task,
    kind: 'agent_task',
    action: `agent:${task.provider}/${task.model}`,
    effect: 'read',
    once: false,
    run: ({ runId, attempt, input: { prompt, system, data }, signal, spent }) =>
      router.ask(
        {
          provider: task.provider,
          model: task.model,
          prompt: textOf(prompt),
          ...(system === undefined ? {} : { system: textOf(system) }),
          ...(data === undefined ? {} : { data }),
          ...(task.output === undefined ? {} : { output: task.output }),
        },
        { runId, path: task.path, attempt, signal, spent },
      ),
  };
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : canonicalJson(value);
}
