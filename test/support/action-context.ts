import { ActionFailure, type ActionContext, type Target } from '../../src/domain/action.js';
import type { ContainerRules } from '../../src/domain/container-engine.js';
import type { FailureFacts } from '../../src/domain/xyn-error.js';

/** What a test gives an action to reach. */
export interface World {
  secrets?: Record<string, string>;
  targets?: readonly Target[];
  grants?: readonly string[];
  containers?: ContainerRules;
  signal?: AbortSignal;
  output?: ActionContext['output'];
  used?: ActionContext['used'];
}

/** A context for one call of an action. */
export function actionContext(world: World = {}): ActionContext {
  return {
    runId: 'r1',
    path: 'step',
    attempt: 1,
    key: 'key-of-the-step',
    signal: world.signal ?? new AbortController().signal,
    grantedAddresses: world.grants ?? [],
    containers: world.containers ?? { engine: { address: '' }, images: [] },
    secret: async (path) => world.secrets?.[path] ?? fail('secret_not_found'),
    target: (name) => world.targets?.find((target) => target.name === name) ?? fail('target_unknown'),
    output: world.output ?? (() => undefined),
    used: world.used ?? (() => undefined),
  };
}

function fail(code: string): never {
  throw new ActionFailure({ code, message: code, retryable: false });
}

/** The facts of the failure that a call ends with. */
export async function failureOf(call: Promise<unknown>): Promise<FailureFacts> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof ActionFailure) return outcome.error.facts;
  throw new Error('it did not end with an ActionFailure', { cause: outcome });
}
