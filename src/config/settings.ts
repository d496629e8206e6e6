import type { z } from 'zod';
import {
  actorName,
  apiKey,
  egressList,
  host,
  hostAndPort,
  hostList,
  imagePatterns,
  listener,
  localEngine,
  name,
  oneOf,
  overrides,
  path,
  postgresUrl,
  text,
  url,
  wholeNumber,
  yesOrNo,
} from './setting-values.js';

/** Sets of defaults for safety rails: a person's own machine, a build, a machine that serves many. */
export const PROFILES = ['local', 'ci', 'server'] as const;
export type Profile = (typeof PROFILES)[number];

/** One setting: an environment variable, what it means, and what it is when the variable is unset or empty. */
export interface Setting<T> {
  variable: string;
  schema: z.ZodType<T, string>;
  /** In the form in which the variable would be written; absent: the setting has no value by default. */
  fallback?: string;
  /** Other defaults than `fallback`, by profile. */
  profiles?: Partial<Record<Exclude<Profile, 'local'>, string>>;
  /** Unit of a number. */
  unit?: string;
  /** One line for `docs/configuration.md` and `xynctl config`. */
  doc: string;
  /** The value can hold a password: never print it. */
  secret?: true;
}

/** Every setting of Xyn. */
export const SETTINGS = {
  stateDir: {
    variable: 'XYN_STATE_DIR',
    schema: path,
    fallback: '.xyn',
    doc: 'Folder for data, logs, keys and sockets of embedded servers.',
  },
  settingsFile: {
    variable: 'XYN_SETTINGS_FILE',
    schema: path,
    doc: 'File of NAME=value lines with settings and secrets; variables of the environment win. Unset: xynctl reads .env in the working folder if it is there.',
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
    schema: actorName,
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
  maxStreams: {
    variable: 'XYN_MAX_STREAMS',
    schema: wholeNumber(1, 900),
    fallback: '200',
    unit: 'streams',
    doc: 'Live streams that one API process serves at once, those of open pages included.',
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
  logFormat: {
    variable: 'XYN_LOG_FORMAT',
    schema: oneOf(['auto', 'json', 'human']),
    fallback: 'auto',
    doc: 'Form of log lines; auto: human on a terminal, else json, one object per line.',
  },
  apiMetrics: {
    variable: 'XYN_API_METRICS',
    schema: listener,
    fallback: '127.0.0.1:9464',
    doc: 'Where the API process serves GET /metrics for Prometheus, to anybody who reaches it. The default moves on to the next free port.',
  },
  workerMetrics: {
    variable: 'XYN_WORKER_METRICS',
    schema: listener,
    fallback: '127.0.0.1:9465',
    doc: 'Where a worker serves GET /metrics for Prometheus, to anybody who reaches it. The default moves on to the next free port.',
  },
  sdkMetrics: {
    variable: 'XYN_SDK_METRICS',
    schema: listener,
    fallback: 'off',
    doc: "Where a worker serves the metrics of Temporal's SDK, to anybody who reaches it; one address per worker.",
  },
  otlpEndpoint: {
    variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    schema: url(['http:', 'https:']),
    doc: 'OpenTelemetry collector (OTLP over HTTP, JSON) that traces are sent to; unset: no traces.',
  },
  tracePercent: {
    variable: 'XYN_TRACE_PERCENT',
    schema: wholeNumber(0, 100),
    fallback: '100',
    unit: 'percent',
    doc: 'Share of traces that is sent; all processes choose the same ones.',
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
  profile: {
    variable: 'XYN_PROFILE',
    schema: oneOf(PROFILES),
    fallback: 'local',
    doc: 'Which defaults the safety rails take: local, ci or server.',
  },
  runSteps: {
    variable: 'XYN_RUN_STEPS',
    schema: wholeNumber(1, 1_000),
    fallback: '200',
    unit: 'steps',
    doc: 'Steps outside loops that a run carries out, where its blueprint sets no `limits.steps`.',
  },
  maxRunSteps: {
    variable: 'XYN_MAX_RUN_STEPS',
    schema: wholeNumber(1, 1_000),
    fallback: '1000',
    unit: 'steps',
    doc: 'What a blueprint may set `limits.steps` to, at most.',
  },
  runMinutes: {
    variable: 'XYN_RUN_MINUTES',
    schema: wholeNumber(1, 1_440),
    fallback: '60',
    unit: 'minutes',
    doc: 'How long a run may be active, where its blueprint sets no `limits.run_time`.',
  },
  maxRunMinutes: {
    variable: 'XYN_MAX_RUN_MINUTES',
    schema: wholeNumber(1, 1_440),
    fallback: '1440',
    unit: 'minutes',
    doc: 'What a blueprint may set `limits.run_time` to, at most.',
  },
  workcellMinutes: {
    variable: 'XYN_WORKCELL_MINUTES',
    schema: wholeNumber(1, 43_200),
    fallback: '120',
    unit: 'minutes',
    doc: 'Age at which a run that uses containers ends, where its blueprint sets no `limits.max_age`.',
  },
  workcells: {
    variable: 'XYN_WORKCELLS',
    schema: wholeNumber(1, 1_000),
    fallback: '3',
    profiles: { ci: '1', server: '20' },
    unit: 'runs',
    doc: 'Runs that use containers at once; more wait for a place.',
  },
  ciRuns: {
    variable: 'XYN_CI_RUNS',
    schema: wholeNumber(1, 1_000),
    fallback: '1',
    profiles: { server: '5' },
    unit: 'runs',
    doc: 'Runs that `xyn.cicd.` events started at once; more wait for a place.',
  },
  startsPerMinute: {
    variable: 'XYN_STARTS_PER_MINUTE',
    schema: wholeNumber(1, 1_000_000),
    fallback: '600',
    profiles: { server: '6000' },
    unit: 'runs',
    doc: 'Runs of one blueprint that events start within a minute; more are held (verdict backlog) and start later.',
  },
  eventBacklogDays: {
    variable: 'XYN_EVENT_BACKLOG_DAYS',
    schema: wholeNumber(1, 90),
    fallback: '7',
    unit: 'days',
    doc: 'How old an event may be when it starts a run; held starts expire after as long.',
  },
  eventDepth: {
    variable: 'XYN_EVENT_DEPTH',
    schema: wholeNumber(1, 32),
    fallback: '8',
    unit: 'runs',
    doc: 'Runs that may cause one another in a chain; the next event starts nothing (verdict loop).',
  },
  artifactMib: {
    variable: 'XYN_ARTIFACT_MIB',
    schema: wholeNumber(1, 10_240),
    fallback: '250',
    unit: 'MiB',
    doc: 'Size of one artifact, at most.',
  },
  artifactStoreGib: {
    variable: 'XYN_ARTIFACT_STORE_GIB',
    schema: wholeNumber(1, 1_000_000),
    fallback: '20',
    profiles: { ci: '5', server: '200' },
    unit: 'GiB',
    doc: 'Size of all artifacts, at most.',
  },
} as const satisfies Record<string, Setting<unknown>>;
