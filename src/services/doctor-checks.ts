import type { CatalogFacts } from '../catalog/stuck-runs.js';
import type { ServerFacts } from '../temporal/gateway.js';
import type { HealthReport } from './health.js';

/** Something about the installation that people should look after. */
export interface Finding {
  /** Stable, lower snake_case. */
  code: string;
  /** `error`: runs stand still or records are at risk. */
  severity: 'error' | 'warning';
  message: string;
  /** What to do: a sentence, with a command where there is one. */
  next_step: string;
}

export interface InstallationFacts {
  health: HealthReport;
  /** This process's clock when the catalog was asked, milliseconds since the epoch. */
  nowMs: number;
  catalog: CatalogFacts | undefined;
  temporal: ServerFacts | undefined;
  disk: { freeBytes: number; totalBytes: number } | undefined;
}

/** The dispatcher works within milliseconds, and takes over from one that died after 3 s. */
const DISPATCH_PATIENCE_MS = 10_000;
/** The chainer links within a second. */
const AUDIT_PATIENCE_MS = 30_000;
/** Timers, leases and times of records are compared across machines: a second is harmless, more is not. */
const SKEW_MS = 2_000;
const MIN_FREE_BYTES = 1_073_741_824;
const OLDEST_POSTGRES = 15;

/** What is wrong with the installation, worst first. */
export function findingsOf(facts: InstallationFacts): Finding[] {
  const findings = [
    ...partFindings(facts),
    ...catalogFindings(facts),
    ...temporalFindings(facts),
    ...diskFindings(facts),
  ];
  return findings.sort((one, other) => Number(one.severity === 'warning') - Number(other.severity === 'warning'));
}

function partFindings({ health }: InstallationFacts): Finding[] {
  const { postgres, temporal, worker } = health;
  const findings: Finding[] = [];
  if (!postgres.ok) {
    findings.push({
      code: 'postgres_unreachable',
      severity: 'error',
      message: 'Postgres does not answer.',
      next_step: 'Start it, or check DATABASE_URL; `xynctl status` shows when it is back.',
    });
  }
  if (!temporal.ok) {
    findings.push({
      code: 'temporal_unreachable',
      severity: 'error',
      message: `The Temporal server at ${temporal.address} does not answer.`,
      next_step:
        'Start it, or check TEMPORAL_ADDRESS; `xynctl status` shows when it is back. Runs stand still until then.',
    });
  } else if (!worker.ok) {
    findings.push({
      code: 'no_worker',
      severity: 'error',
      message: 'No worker polls the task queue.',
      next_step:
        'Start one: `xynctl up` here, or the xyn-worker service; check that XYN_TASK_QUEUE is the same for API and worker.',
    });
  }
  return findings;
}

function catalogFindings({ catalog, nowMs }: InstallationFacts): Finding[] {
  if (catalog === undefined) return [];
  const findings: Finding[] = [];
  const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
  if ((catalog.dispatch_age_ms ?? 0) > DISPATCH_PATIENCE_MS) {
    findings.push({
      code: 'dispatch_backlog',
      severity: 'error',
      message: `The oldest event that was not dispatched is ${seconds(catalog.dispatch_age_ms ?? 0)} old.`,
      next_step: 'Check that the API runs and that Temporal answers (`xynctl status`), and the log of the API.',
    });
  }
  if ((catalog.audit_age_ms ?? 0) > AUDIT_PATIENCE_MS) {
    findings.push({
      code: 'audit_unlinked',
      severity: 'error',
      message: `The oldest audit entry that is not linked is ${seconds(catalog.audit_age_ms ?? 0)} old.`,
      next_step: 'Check the log of the API, then `xynctl audit verify`.',
    });
  }
  if (catalog.schedules_pending > 0) {
    findings.push({
      code: 'schedules_pending',
      severity: 'error',
      message: `${catalog.schedules_pending} schedules are not at Temporal as they are here: they fire as before, or not at all.`,
      next_step:
        'Check that Temporal answers (`xynctl status`); `xynctl schedules list` names them, and show says why.',
    });
  }
  if (Math.abs(catalog.now_ms - nowMs) > SKEW_MS) {
    findings.push({
      code: 'clock_skew',
      severity: 'warning',
      message: `The clocks of the API and of Postgres differ by ${seconds(Math.abs(catalog.now_ms - nowMs))}.`,
      next_step: 'Synchronise both machines, e.g. with chrony; then run `xynctl doctor` again.',
    });
  }
  if (Number.parseInt(catalog.postgres_version, 10) < OLDEST_POSTGRES) {
    findings.push({
      code: 'postgres_old',
      severity: 'warning',
      message: `Postgres is version ${catalog.postgres_version}; ${OLDEST_POSTGRES} or newer is tested.`,
      next_step: 'Upgrade the server.',
    });
  }
  return findings;
}

function temporalFindings({ temporal }: InstallationFacts): Finding[] {
  const missing = temporal?.missingSearchAttributes ?? [];
  if (missing.length === 0) return [];
  return [
    {
      code: 'search_attributes_missing',
      severity: 'warning',
      message: `Temporal lacks the search attributes ${missing.join(', ')}: its own screens cannot filter runs by them.`,
      next_step: `Add them: \`temporal operator search-attribute create ${missing.map((name) => `--name ${name} --type Keyword`).join(' ')}\`.`,
    },
  ];
}

function diskFindings({ disk }: InstallationFacts): Finding[] {
  if (disk === undefined || disk.freeBytes > Math.min(MIN_FREE_BYTES, disk.totalBytes / 20)) return [];
  return [
    {
      code: 'disk_full',
      severity: 'error',
      message: `The disk of the folder for state has ${Math.round(disk.freeBytes / 1_048_576)} MiB left.`,
      next_step: 'Free some space: artifacts, logs and embedded servers are kept there (XYN_STATE_DIR).',
    },
  ];
}
