import { ActionFailure, type ActionSource, type RegisteredAction } from '../src/domain/action.js';
import type { ActionTask } from '../workflows/contract.js';
import type { Work, WorkContext, WorkResult } from './work.js';

/** The work of an `action_task`: its contract is compared, its input and output are checked, then it runs. */
export function actionWork(source: ActionSource, task: ActionTask): Work {
  const registered = source.find(task.action);
  return {
    task,
    kind: 'action_task',
    action: task.action,
    effect: task.effect,
    once: task.idempotency === 'none' && task.effect !== 'read',
    ...(registered === undefined ? {} : { pack: registered.pack }),
    run: (context) => execute(registered, task, context),
  };
}

async function execute(
  registered: RegisteredAction | undefined,
  task: ActionTask,
  context: WorkContext,
): Promise<WorkResult> {
  if (registered?.contract !== task.contract) {
    const message = `The worker's ${task.action} has another contract than the plan; promote the blueprint again.`;
    throw new ActionFailure({ code: 'action_contract_changed', message, retryable: false });
  }
  const { action } = registered;
  const input = action.input.safeParse(task.input);
  if (!input.success) {
    const problems = input.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new ActionFailure({
      code: 'input_invalid',
      message: `The input does not fit ${task.action}: ${problems}`,
      retryable: false,
    });
  }
  const outputs = await action.execute(input.data, {
    runId: context.runId,
    path: task.path,
    attempt: context.attempt,
    key: task.key,
    signal: context.signal,
  });
  return { outputs: action.output.parse(outputs), footprints: [] };
}
