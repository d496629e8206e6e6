import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { engineProblem } from '../domain/container-engine.js';

/** One setting: an environment variable, what it means, and what it is when the variable is unset or empty. */
export interface Setting<T> {
  variable: string;
  schema: z.ZodType<T, string>;
  /** In the form in which the variable would be written; absent: the setting has no value by default. */
  fallback?: string;
  /** Unit of a number. */
  unit?: string;
  /** One line for `docs/settings.md`. */
  doc: string;
  /** The value can hold a password: never print it. */
  secret?: true;
}

const text = (maxLength: number) => z.string().max(maxLength, `must have at most ${maxLength} characters`);
const path = text(4096).transform((value) => resolve(value));
const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be a name like prod-eu.1: a-z, 0-9, dot, hyphen');

function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

function isHost(value: string): boolean {
  return isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(value);
}
const host = z.string().refine(isHost, 'must be a host name or an IP address');

const hostList = z.string().transform((value, context) => {
  const hosts = value.split(',').map((item) => item.trim().toLowerCase());
  if (!hosts.every(isHost))
    context.addIssue({ code: 'custom', message: 'must be host names with commas between them' });
  return Object.freeze(hosts);
});

const egressList = z.string().transform((value, context) => {
  const items = value.split(',').map((item) => item.trim().toLowerCase());
  const isRange = (item: string): boolean => {
    const [address = '', bits, ...rest] = item.split('/');
    const version = isIP(address);
    return (
      rest.length === 0 && version !== 0 && /^\d{1,3}$/.test(bits ?? '') && Number(bits) <= (version === 4 ? 32 : 128)
    );
  };
  if (!items.every((item) => isHost(item) || isRange(item)))
    context.addIssue({
      code: 'custom',
      message: 'must be ranges like 10.0.0.0/8, addresses or host names, with commas',
    });
  return Object.freeze(items);
});

/** Without keys of TLS, so only engines that no other machine reaches. */
const localEngine = z.string().superRefine((address, context) => {
  const message = engineProblem({ address });
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const imagePatterns = z.string().transform((value, context) => {
  const patterns = value.split(',').map((item) => item.trim());
  if (!patterns.every((pattern) => /^[A-Za-z0-9._/:@*?-]{1,512}$/.test(pattern)))
    context.addIssue({ code: 'custom', message: 'must be names of images with * and ?, with commas between them' });
  return Object.freeze(patterns);
});

const hostAndPort = z
  .string()
  .regex(/^(\[[0-9a-f:.]+\]|[a-z0-9.-]+):\d{1,5}$/i, 'must be host:port, like 127.0.0.1:7233')
  .refine((value) => Number(value.slice(value.lastIndexOf(':') + 1)) <= 65_535, 'must have a port up to 65535');

function url(protocols: readonly string[]) {
  const message = `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
  return z.string().refine((value) => {
    if (!URL.canParse(value)) return false;
    const parsed = new URL(value);
    return protocols.includes(parsed.protocol) && parsed.hostname !== '';
  }, message);
}
const overrides = z.string().transform((value, context) => {
  const pairs = value.split(',').map((pair) => {
    const sides = /^([a-z0-9._-]+)\/([^\s=]+)=([a-z0-9._-]+)\/([^\s=]+)$/.exec(pair.trim());
    const [, provider = '', model = '', toProvider = '', toModel = ''] = sides ?? [];
    return { from: { provider, model }, to: { provider: toProvider, model: toModel } };
  });
  const lefts = new Set(pairs.map(({ from }) => `${from.provider}/${from.model}`));
  if (lefts.size < pairs.length || pairs.some(({ to }) => to.model === '' || to.model === '*')) {
    const message = 'must be provider/model=provider/model with commas between, each left side once';
    context.addIssue({ code: 'custom', message });
  }
  return pairs;
});

/** Goes into a header as it is. */
const apiKey = z.string().regex(/^[\x21-\x7e]{1,512}$/, 'must be one word of printable ASCII');
const postgresUrl = url(['postgres:', 'postgresql:']);

const oneOf = <const T extends readonly string[]>(values: T) =>
  z.string().transform((value, context): T[number] => {
    if (values.includes(value)) return value;
    context.addIssue({ code: 'custom', message: `must be one of ${values.join(', ')}` });
    return z.NEVER;
  });

const yesOrNo = oneOf(['yes', 'no']).transform((value) => value === 'yes');

/** Every setting of Xyn. */
export const SETTINGS = {
  stateDir: {
    variable: 'XYN_STATE_DIR',
    schema: path,
    fallback: '.xyn',
    doc: 'Folder for data, logs, keys and sockets of embedded servers.',
  },
  host: {
    variable: 'XYN_HOST',
    schema: host,
    fallback: '127.0.0.1',
    doc: 'Address on which API and screens listen.',
  },
  port: {
    variable: 'XYN_PORT',
    schema: wholeNumber(0, 65_535),
    fallback: '7420',
    doc: 'Port of API and screens; 0 takes any free one.',
  },
  allowedHosts: {
    variable: 'XYN_ALLOWED_HOSTS',
    schema: hostList,
    doc: 'Further names under which the API may be called, with commas between them; others are refused.',
  },
  allowOpenNetwork: {
    variable: 'XYN_ALLOW_OPEN_NETWORK',
    schema: yesOrNo,
    fallback: 'no',
    doc: 'yes lets the API, which asks nobody who they are, listen on an address that other machines reach.',
  },
  url: {
    variable: 'XYN_URL',
    schema: url(['http:', 'https:']),
    doc: 'Where xynctl finds the API; unset: the instance that runs in the folder for state.',
  },
  actor: {
    variable: 'XYN_ACTOR',
    schema: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@+:/-]{0,127}$/, 'must be a name of A-Z, a-z, 0-9 and ._@+:/-'),
    fallback: 'local',
    doc: 'Who xynctl says that you are; recorded as unproven while the API is open.',
  },
  databaseUrl: {
    variable: 'DATABASE_URL',
    schema: postgresUrl,
    doc: 'Postgres database for the application role; unset: an embedded server.',
    secret: true,
  },
  databaseOwnerUrl: {
    variable: 'DATABASE_OWNER_URL',
    schema: postgresUrl,
    doc: 'The same database for its owner, who migrates it; unset: DATABASE_URL does both.',
    secret: true,
  },
  temporalAddress: {
    variable: 'TEMPORAL_ADDRESS',
    schema: hostAndPort,
    doc: 'Temporal frontend; unset: an embedded development server.',
  },
  temporalUiUrl: {
    variable: 'XYN_TEMPORAL_UI_URL',
    schema: url(['http:', 'https:']),
    doc: "Address of Temporal's own web interface, for links; `xynctl up` sets it.",
  },
  temporalNamespace: {
    variable: 'TEMPORAL_NAMESPACE',
    schema: name,
    fallback: 'default',
    doc: 'Temporal namespace of all runs.',
  },
  taskQueue: {
    variable: 'XYN_TASK_QUEUE',
    schema: name,
    fallback: 'xyn',
    doc: 'Task queue of the workers.',
  },
  envId: {
    variable: 'XYN_ENV_ID',
    schema: name,
    fallback: 'local',
    doc: 'Id of this environment, written into every record.',
  },
  envName: {
    variable: 'XYN_ENV_NAME',
    schema: text(128),
    fallback: 'local',
    doc: 'Name of this environment for people.',
  },
  stage: {
    variable: 'XYN_STAGE',
    schema: oneOf(['dev', 'test', 'stage', 'prod']),
    fallback: 'dev',
    doc: 'What this environment is for: dev, test, stage or prod.',
  },
  logLevel: {
    variable: 'XYN_LOG_LEVEL',
    schema: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    fallback: 'info',
    doc: 'Least important level that is logged.',
  },
  envVarsFile: {
    variable: 'XYN_ENV_VARS_FILE',
    schema: path,
    doc: 'File with the variables that blueprints see as env.vars; unset: none.',
  },
  targetsFile: {
    variable: 'XYN_TARGETS_FILE',
    schema: path,
    doc: 'Inventory of targets (targets.yaml); unset: no targets.',
  },
  egressAllow: {
    variable: 'XYN_EGRESS_ALLOW',
    schema: egressList,
    doc: 'Ranges (CIDR), addresses and host names that are not public and that actions may call, with commas between them; unset: 127.0.0.0/8,::1 in stage dev, else none.',
  },
  containerEngine: {
    variable: 'XYN_CONTAINER_ENGINE',
    schema: localEngine,
    fallback: 'unix:///var/run/docker.sock',
    doc: 'Container engine of steps that name no host: unix:///path/of/the/socket, or tcp:// on loopback.',
  },
  containerImages: {
    variable: 'XYN_CONTAINER_IMAGES',
    schema: imagePatterns,
    doc: 'Images that steps may start, with * and ?, with commas between them, like registry.example/ops/*; unset: none.',
  },
  agents: {
    variable: 'XYN_AGENTS',
    schema: oneOf(['off', 'scripted', 'providers']),
    fallback: 'providers',
    doc: 'off, scripted (canned answers, stage dev only), or providers (those whose key or base URL is set).',
  },
  agentOverrides: {
    variable: 'XYN_AGENT_OVERRIDES',
    schema: overrides,
    doc: 'Other models than blueprints name: provider/model=provider/model with commas between; * is any model.',
  },
  openaiApiKey: {
    variable: 'OPENAI_API_KEY',
    schema: apiKey,
    doc: 'Key of the provider openai.',
    secret: true,
  },
  openaiBaseUrl: {
    variable: 'OPENAI_BASE_URL',
    schema: url(['http:', 'https:']),
    doc: 'Where openai is, /v1 included: any server that speaks its chat completions; unset: its public address.',
  },
  anthropicApiKey: {
    variable: 'ANTHROPIC_API_KEY',
    schema: apiKey,
    doc: 'Key of the provider anthropic.',
    secret: true,
  },
  anthropicBaseUrl: {
    variable: 'ANTHROPIC_BASE_URL',
    schema: url(['http:', 'https:']),
    doc: 'Where anthropic is, without /v1; unset: its public address.',
  },
  workflowSlots: {
    variable: 'XYN_WORKFLOW_SLOTS',
    schema: wholeNumber(1, 10_000),
    fallback: '100',
    unit: 'tasks',
    doc: 'Workflow tasks that a worker handles at once.',
  },
  activitySlots: {
    variable: 'XYN_ACTIVITY_SLOTS',
    schema: wholeNumber(1, 10_000),
    fallback: '200',
    unit: 'steps',
    doc: 'Steps that a worker carries out at once.',
  },
  cachedWorkflows: {
    variable: 'XYN_CACHED_WORKFLOWS',
    schema: wholeNumber(0, 100_000),
    fallback: '2000',
    unit: 'runs',
    doc: 'Open runs that a worker keeps in memory; others are rebuilt from their history.',
  },
} as const satisfies Record<string, Setting<unknown>>;
