import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadConfig, type Config } from '../config/config.js';
import type { DemoSshServer } from './demo-ssh-server.js';

/** Name of the machine with the problem; what its secret is called. */
const HOST = 'web-1';
const KEY_SECRET = 'demo/ssh-key';
const KEY_VARIABLE = 'XYN_SECRET_DEMO_SSH_KEY';
/** What Anthropic is asked for when only its key is there and the blueprint names a model of OpenAI. */
const ANTHROPIC_MODEL = 'claude-sonnet-4-5';

/** The alert that starts it all. */
export const DEMO_ALERT = {
  event_name: 'checkmk.alert',
  resource: { type: 'host', id: HOST },
  data: { host: HOST, service: 'nginx', state: 'CRIT', output: 'connect to port 80: connection refused' },
};

/** Who answers the agent's question, for people and for the settings. */
interface DemoAgents {
  told: string;
  variables: NodeJS.ProcessEnv;
}

/** How the demo differs from `xynctl up`. */
export interface DemoSetup {
  config: Config;
  /** Settings of all its processes. */
  env: NodeJS.ProcessEnv;
  agents: DemoAgents;
}

function agentsOf(env: NodeJS.ProcessEnv): DemoAgents {
  if (env['OPENAI_API_KEY']) return { told: 'OpenAI is asked (OPENAI_API_KEY is set).', variables: {} };
  if (env['OPENAI_BASE_URL']) return { told: `${env['OPENAI_BASE_URL']} is asked (OPENAI_BASE_URL).`, variables: {} };
  if (env['ANTHROPIC_API_KEY']) {
    const overrides = env['XYN_AGENT_OVERRIDES'] || `openai/*=anthropic/${ANTHROPIC_MODEL}`;
    const told = `Anthropic is asked (ANTHROPIC_API_KEY is set; ${overrides}).`;
    return { told, variables: { XYN_AGENT_OVERRIDES: overrides } };
  }
  const told =
    'No model is asked: the answer of the agent is canned. Set OPENAI_API_KEY or ANTHROPIC_API_KEY for a real one.';
  return { told, variables: { XYN_AGENTS: 'scripted' } };
}

/**
 * The settings of the demo: its own folder beside that of `xynctl up`, its own queue, stage dev.
 * @throws XynFault `config_invalid`
 */
export function demoSetup(given: NodeJS.ProcessEnv): DemoSetup {
  const stateDir = path.join(loadConfig(given).stateDir, 'demo');
  const agents = agentsOf(given);
  const variables = {
    XYN_STATE_DIR: stateDir,
    XYN_STAGE: 'dev',
    XYN_TASK_QUEUE: 'xyn-demo',
    XYN_TARGETS_FILE: path.join(stateDir, 'targets.yaml'),
    XYN_URL: '',
    XYN_AGENTS: 'providers',
    ...agents.variables,
  };
  return { config: loadConfig({ ...given, ...variables }), env: variables, agents };
}

/**
 * Tells the worker about the machine: the inventory in a file, the key in a variable that only the worker gets.
 * @returns the variables of the worker.
 */
export async function announceTarget(config: Config, server: DemoSshServer): Promise<NodeJS.ProcessEnv> {
  const target = {
    name: HOST,
    address: '127.0.0.1',
    port: server.port,
    user: server.user,
    key: { secret: KEY_SECRET },
    host_key: server.hostKey,
    labels: { role: 'demo' },
    stage: 'dev',
  };
  await mkdir(config.stateDir, { recursive: true });
  // JSON is YAML.
  await writeFile(path.join(config.stateDir, 'targets.yaml'), `${JSON.stringify({ targets: [target] }, null, 2)}\n`);
  return { [KEY_VARIABLE]: server.clientKey };
}
