import { access, constants, mkdir, statfs } from 'node:fs/promises';
import type { PreflightCheck } from '../cli/actions.js';
import { apiUrl } from '../cli/endpoint.js';
import { inspectDatabase } from '../catalog/inspect.js';
import type { Config } from '../config/config.js';
import { unknownVariables } from '../config/describe.js';
import { XynFault } from '../domain/fault.js';
import { isPortFree } from '../servers/free-port.js';
import { nearestName } from '../language/suggestion.js';
import { loadInventory } from '../targets/inventory-file.js';
import { inspectTemporal } from '../temporal/inspect.js';
import { environmentOf } from './environment.js';

/** Below this Postgres and the store of artifacts soon refuse to write. */
const LITTLE_DISK_BYTES = 1_073_741_824;
/** Beyond this, times of one run that two machines wrote contradict each other. */
const MAX_SKEW_MS = 1_000;
/** The oldest release that the tests run against. */
const MIN_POSTGRES = 150_000;
/** What the engine was measured with; others work, slower (docs/operations.md). */
const BEST_STORE = 'postgres12_pgx';
const ANSWER_MS = 2_000;

type Outcome = Omit<PreflightCheck, 'name'>;
type Look = (config: Config, env: NodeJS.ProcessEnv) => Promise<Outcome> | Outcome;

const ok = (message: string): Outcome => ({ status: 'ok', message });
const warning = (message: string, next: string): Outcome => ({ status: 'warning', message, next });
const failed = (message: string, next: string): Outcome => ({ status: 'failed', message, next });
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const LOOKS: readonly (readonly [name: string, look: Look])[] = [
  ['Node.js', lookAtNode],
  ['settings', (_config, env) => lookAtSettings(env)],
  ['agents', lookAtAgents],
  ['folder', lookAtFolder],
  ['disk', lookAtDisk],
  ['port', lookAtPort],
  ['targets', lookAtTargets],
  ['Postgres', lookAtPostgres],
  ['Temporal', lookAtTemporal],
];

/** Looks at everything that a start needs, in turn; changes nothing but makes the folder for state, and asks Temporal for a moment's workflow. */
export async function preflight(config: Config, env: NodeJS.ProcessEnv): Promise<PreflightCheck[]> {
  const checks: PreflightCheck[] = [];
  for (const [name, look] of LOOKS) {
    const outcome = await Promise.resolve()
      .then(() => look(config, env))
      .catch((error: unknown) => failed(reasonOf(error), 'Report this: a check must not break.'));
    checks.push({ name, ...outcome });
  }
  return checks;
}

function lookAtNode(): Outcome {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isEnough = major > 20 || (major === 20 && minor >= 19);
  return isEnough
    ? ok(`version ${process.versions.node}`)
    : failed(`version ${process.versions.node} is too old`, 'Install Node.js 20.19 or newer.');
}

function lookAtSettings(env: NodeJS.ProcessEnv): Outcome {
  const unknown = unknownVariables(env, nearestName);
  if (unknown.length === 0) return ok('every XYN_ variable is known, and every value can be used');
  const names = unknown.map(({ variable, suggestion }) =>
    suggestion === null ? variable : `${variable} (${suggestion}?)`,
  );
  return warning(`no settings of Xyn: ${names.join(', ')}`, 'See `xynctl config --all` for the names.');
}

function lookAtAgents(config: Config): Outcome {
  if (config.agents !== 'providers') return ok(`agents are ${config.agents}`);
  const found = [
    (config.openaiApiKey ?? config.openaiBaseUrl) ? 'openai' : '',
    (config.anthropicApiKey ?? config.anthropicBaseUrl) ? 'anthropic' : '',
  ].filter((name) => name !== '');
  return found.length > 0
    ? ok(`providers: ${found.join(', ')}`)
    : failed('no provider of models has a key', 'Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or XYN_AGENTS=off.');
}

async function lookAtFolder({ stateDir }: Config): Promise<Outcome> {
  try {
    await mkdir(stateDir, { recursive: true });
    await access(stateDir, constants.W_OK);
    return ok(stateDir);
  } catch (error) {
    return failed(`${stateDir} cannot be written: ${reasonOf(error)}`, 'Choose another with XYN_STATE_DIR.');
  }
}

async function lookAtDisk({ stateDir }: Config): Promise<Outcome> {
  const { bavail, bsize } = await statfs(stateDir);
  const free = bavail * bsize;
  const message = `${(free / 1_073_741_824).toFixed(1)} GiB free`;
  return free >= LITTLE_DISK_BYTES ? ok(message) : warning(message, 'Make room: at 0 every write is refused.');
}

async function lookAtPort(config: Config): Promise<Outcome> {
  const { host, port } = config;
  if (port === 0 || (await isPortFree(port, host))) return ok(`${host}:${port} is free`);
  const isOurs = await fetch(`${apiUrl(config)}/api/v1/health`, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
    (answer) => answer.ok,
    () => false,
  );
  if (isOurs) return ok(`Xyn runs already, at ${apiUrl(config)}`);
  return warning(`${host}:${port} is in use`, 'Without XYN_PORT the next free port is taken; else set another.');
}

function lookAtTargets(config: Config): Outcome {
  try {
    loadInventory(config.targetsFile);
    environmentOf(config);
  } catch (error) {
    if (!(error instanceof XynFault)) throw error;
    return failed(error.message, 'Repair the file; README.md shows one.');
  }
  return ok(config.targetsFile ?? 'no inventory (XYN_TARGETS_FILE is not set)');
}

async function lookAtPostgres({ databaseUrl }: Config): Promise<Outcome> {
  if (databaseUrl === undefined) return ok('embedded: `xynctl up` starts it');
  const place = new URL(databaseUrl).host;
  let facts: Awaited<ReturnType<typeof inspectDatabase>>;
  try {
    facts = await inspectDatabase(databaseUrl);
  } catch (error) {
    return failed(`${place} does not answer: ${reasonOf(error)}`, 'Start it, or correct DATABASE_URL.');
  }
  const about = `${facts.version} at ${place}, role ${facts.role}`;
  if (facts.versionNumber < MIN_POSTGRES) return failed(`${about} is too old`, 'Use Postgres 15 or newer.');
  if (Math.abs(facts.clockAheadMs) > MAX_SKEW_MS) {
    const seconds = (facts.clockAheadMs / 1_000).toFixed(1);
    return failed(`${about}: its clock is ${seconds} s ahead of this one`, 'Synchronise both clocks.');
  }
  const { tables } = facts;
  if (tables === undefined) return ok(`${about}; the API makes the tables at its first start`);
  if (!tables.hasAuditTriggers) {
    return failed(
      `${about}: the audit trail lacks its triggers`,
      'Restore them from prisma/migrations; ask who removed them.',
    );
  }
  return tables.auditIsOpen
    ? warning(
        `${about} could change the audit trail`,
        'Give the owner in DATABASE_OWNER_URL and another role in DATABASE_URL.',
      )
    : ok(`${about}; the audit trail is append-only for it`);
}

async function lookAtTemporal({ temporalAddress: address, temporalNamespace: namespace }: Config): Promise<Outcome> {
  if (address === undefined) return ok('embedded: `xynctl up` starts it');
  let facts: Awaited<ReturnType<typeof inspectTemporal>>;
  try {
    facts = await inspectTemporal(address, namespace);
  } catch (error) {
    return failed(`${address} does not answer: ${reasonOf(error)}`, 'Start it, or correct TEMPORAL_ADDRESS.');
  }
  const about = `${facts.version} at ${address}, namespace ${namespace}`;
  if (!facts.hasNamespace) return failed(`${about} is not there`, 'Make the namespace, or correct TEMPORAL_NAMESPACE.');
  if (facts.missingSearchAttributes.length > 0) {
    const names = facts.missingSearchAttributes.join(', ');
    return warning(
      `${about} lacks the search attributes ${names}`,
      'Add them, each of type Keyword; runs start without.',
    );
  }
  if (facts.isEager === false) {
    return warning(
      `${about} does not hand out activities eagerly`,
      'Set the dynamic value system.enableActivityEagerExecution=true: every step is faster (docs/operations.md).',
    );
  }
  return facts.store.startsWith('postgres') && facts.store !== BEST_STORE
    ? warning(`${about} keeps its data by the plugin ${facts.store}`, `Use ${BEST_STORE}: it is faster.`)
    : ok(about);
}
