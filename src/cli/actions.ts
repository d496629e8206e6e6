import type { Config } from '../config/config.js';
import type { ProblemDto } from '../domain/dtos.js';
import type { Printer } from './printer.js';
import type { ScenarioFileReport, ScenarioRunReport } from '../scenarios/report.js';

export type { ScenarioFileReport, ScenarioRunReport };
export type CoverageReport = NonNullable<ScenarioFileReport['coverage']>;
type Mismatch = ScenarioFileReport['scenarios'][number]['mismatches'][number];

/** What `xynctl status` reports. */
export interface StatusReport {
  api: { url: string; ok: boolean };
  ui: { url: string };
  temporal: { address: string; ui_url: string | null; ok: boolean };
  worker: { ok: boolean; pollers: number };
  postgres: { ok: boolean };
  version: string;
}

/** Whether a history fits the code of today. */
export interface ReplayReport {
  ok: boolean;
  /** Events in the history. */
  events: number;
  /** With `ok: false`: where and how it differs. */
  message?: string;
}

/** The outcome of a check of the audit trail. */
export interface AuditReport {
  ok: boolean;
  entries: number;
  linked: number;
  /** Newest entries that the chain has not reached yet. */
  unlinked_tail: number;
  /** Signed heads that were compared. */
  heads: number;
  first_problem?: { seq?: number; audit_id?: string; kind: string; message: string };
}

/** One thing that `xynctl preflight` looked at. */
export interface PreflightCheck {
  name: string;
  /** `failed`: a start would not work, or not as the settings say. */
  status: 'ok' | 'warning' | 'failed';
  message: string;
  /** What to do. */
  next?: string;
}

export type GraphFormat = 'mermaid' | 'svg';

/** What was made of a document, or what is wrong with it. */
export interface DocumentAnswer {
  text?: string;
  problems: readonly ProblemDto[];
}

/** What `xynctl` cannot do through the API; `src/main` fills it in. */
export interface CliActions {
  /** Version of Xyn. */
  version: string;
  /** The name that was probably meant, if one is near. */
  nearestName(written: string, names: Iterable<string>): string | undefined;
  /** A document as a picture. */
  drawBlueprint(document: Uint8Array, format: GraphFormat): Promise<DocumentAnswer>;
  /** A v0 document in v1; a v1 document as it is. With `problems` beside the text, its author has still to do something. */
  migrateBlueprint(document: Uint8Array): Promise<DocumentAnswer>;
  /** The JSON Schema of blueprint documents, as the text of a file. */
  blueprintSchemaText(): string;
  /** Starts everything and resolves when all of it has stopped again, with the exit code. */
  up(config: Config, printer: Printer): Promise<number>;
  /** Stops what `up` started in the same folder; `stopped: false`: nothing ran. */
  down(config: Config, printer: Printer): Promise<{ stopped: boolean }>;
  /** Never rejects because something does not run: that is what it reports. */
  status(config: Config): Promise<StatusReport>;
  /** Looks at everything that a start needs; never rejects because something is missing. */
  preflight(config: Config, env: NodeJS.ProcessEnv): Promise<PreflightCheck[]>;
  /** @throws XynFault when the file is no history. */
  replayFile(path: string): Promise<ReplayReport>;
  /** @throws XynFault `run_not_found`, `temporal_unavailable` */
  replayRun(config: Config, runId: string): Promise<ReplayReport>;
  /** @throws XynFault `db_unavailable` */
  verifyAudit(config: Config, onProgress: (checked: number) => void): Promise<AuditReport>;
  /**
   * Runs scenarios of blueprints on this machine alone.
   * @throws XynFault `request_invalid` when a file cannot be read, or there is none.
   */
  runScenarios(paths: readonly string[], options: { chaos: boolean; coverage: boolean }): Promise<ScenarioRunReport>;
  /** What differs, both sides beside each other. */
  mismatchLines(mismatch: Mismatch): string[];
  /** The report as JUnit XML. */
  junit(report: ScenarioRunReport): string;
}
