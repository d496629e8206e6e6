import {
  ActionFailure,
  type ActionResources,
  type OutputStream,
  type RegisteredAction,
  type ScrubStream,
} from '../src/domain/action.js';
import type { Footprint } from '../src/domain/records.js';
import { redacted } from '../src/domain/redaction.js';
import type { ActionTask } from '../workflows/contract.js';
import type { ActivityDependencies } from './dependencies.js';
import type { Work, WorkContext, WorkResult } from './work.js';

/** What actions get where nothing else was given: nothing that is not public. */
const NOTHING: ActionResources = {
  secret: () => refuse('secret_not_found', 'This worker has no secrets.'),
  target: () => {
    throw new ActionFailure({ code: 'target_unknown', message: 'This worker has no targets.', retryable: false });
  },
  grantedAddresses: [],
  containers: { engine: { address: '' }, images: [] },
  scrub: (value) => value,
  scrubStream: () => ({ push: (chunk) => chunk, end: () => Buffer.alloc(0) }),
};

/** The work of an `action_task`: its contract is compared, its input and output are checked, then it runs. */
export function actionWork(deps: Pick<ActivityDependencies, 'actions' | 'resources'>, task: ActionTask): Work {
  const registered = deps.actions.find(task.action);
  const redaction = registered?.action.redact;
  return {
    task,
    kind: 'action_task',
    action: task.action,
    effect: task.effect,
    once: task.idempotency === 'none' && task.effect !== 'read',
    ...(registered === undefined ? {} : { pack: registered.pack }),
    recorded: (side, value) => redacted(value, redaction, side),
    run: (context) => execute(registered, deps.resources ?? NOTHING, task, context),
  };
}

async function execute(
  registered: RegisteredAction | undefined,
  resources: ActionResources,
  task: ActionTask,
  context: WorkContext,
): Promise<WorkResult> {
  if (registered?.contract !== task.contract) {
    const message = `The worker's ${task.action} has another contract than the plan; promote the blueprint again.`;
    throw new ActionFailure({ code: 'action_contract_changed', message, retryable: false });
  }
  const { action } = registered;
  const input = action.input.safeParse(context.input);
  if (!input.success) {
    const problems = input.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    return refuse('input_invalid', `The input does not fit ${task.action}: ${problems}`);
  }
  const log = new CleanLog(resources, context.output);
  const footprints: Footprint[] = [];
  try {
    const outputs = await action.execute(input.data, {
      runId: context.runId,
      path: task.path,
      attempt: context.attempt,
      key: task.key,
      signal: context.signal,
      secret: (path) => resources.secret(path),
      target: (name) => resources.target(name),
      grantedAddresses: resources.grantedAddresses,
      containers: resources.containers,
      ...(resources.drafts === undefined ? {} : { drafts: resources.drafts }),
      ...(resources.files === undefined ? {} : { files: resources.files }),
      ...(resources.events === undefined ? {} : { events: resources.events }),
      output: (stream, chunk) => log.write(stream, chunk),
      used: (print) => {
        footprints.push(print);
        context.spent(footprints);
      },
    });
    return { outputs: resources.scrub(action.output.parse(outputs)), footprints };
  } catch (error) {
    throw context.signal.aborted ? error : cleanError(resources, error);
  } finally {
    log.end();
  }
}

/** What a program writes, on its way to the log without the secrets in it. */
class CleanLog {
  readonly #streams = new Map<OutputStream, ScrubStream>();
  readonly #resources: ActionResources;
  readonly #sink: WorkContext['output'];

  constructor(resources: ActionResources, sink: WorkContext['output']) {
    this.#resources = resources;
    this.#sink = sink;
  }

  write(stream: OutputStream, chunk: Buffer): void {
    if (this.#sink === undefined) return;
    const scrub = this.#streams.get(stream) ?? this.#resources.scrubStream();
    this.#streams.set(stream, scrub);
    this.#send(stream, scrub.push(chunk));
  }

  end(): void {
    for (const [stream, scrub] of this.#streams) this.#send(stream, scrub.end());
    this.#streams.clear();
  }

  #send(stream: OutputStream, chunk: Buffer): void {
    if (chunk.length > 0) this.#sink?.(stream, chunk);
  }
}

/** The same failure without secrets: what a target says may repeat what it was sent. */
function cleanError(resources: ActionResources, error: unknown): unknown {
  if (!(error instanceof ActionFailure)) return error instanceof Error ? withCleanMessage(resources, error) : error;
  const { message, excerpt, detail } = error.facts;
  const facts = {
    ...error.facts,
    message: resources.scrub(message),
    ...(excerpt === undefined ? {} : { excerpt: resources.scrub(excerpt) }),
    ...(detail === undefined ? {} : { detail: resources.scrub(detail) }),
  };
  return new ActionFailure(facts, { cause: error.cause });
}

function withCleanMessage(resources: ActionResources, error: Error): Error {
  const message = resources.scrub(error.message);
  return message === error.message ? error : new Error(message);
}

function refuse(code: string, message: string): Promise<never> {
  return Promise.reject(new ActionFailure({ code, message, retryable: false }));
}
