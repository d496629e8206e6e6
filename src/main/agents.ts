import type { Config } from '../config/config.js';
import { ActionFailure } from '../domain/action.js';
import type { AgentRouter } from '../domain/agent.js';

/** The way to the models: none are configured yet, and an agent step says so. */
export function createAgentRouter(config: Config): AgentRouter {
  return {
    ask: ({ provider }) =>
      Promise.reject(
        new ActionFailure({
          code: 'provider_disabled',
          message: `The provider ${provider} is not available (XYN_AGENTS is ${config.agents}).`,
          retryable: false,
        }),
      ),
  };
}
