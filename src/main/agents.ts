import { createAgentRouter } from '../agents/router.js';
import type { Config } from '../config/config.js';
import type { AgentArtifacts, AgentRouter } from '../domain/agent.js';

/** A server of one's own often asks for no key, but the SDK wants to send one. */
const NO_KEY = 'none';

/** The way to the models by the settings. A provider is available when its key is set, or its base URL. */
export function agentRouterOf(config: Config, artifacts: AgentArtifacts, secrets: () => string[]): AgentRouter {
  const access = (apiKey: string | undefined, baseUrl: string | undefined, usualUrl: string) => () =>
    apiKey === undefined && baseUrl === undefined
      ? undefined
      : { apiKey: apiKey ?? NO_KEY, baseUrl: baseUrl ?? usualUrl };
  return createAgentRouter({
    mode: config.agents,
    access: {
      openai: access(config.openaiApiKey, config.openaiBaseUrl, 'https://api.openai.com/v1'),
      anthropic: access(config.anthropicApiKey, config.anthropicBaseUrl, 'https://api.anthropic.com'),
    },
    overrides: config.agentOverrides ?? [],
    secrets,
    artifacts,
  });
}
