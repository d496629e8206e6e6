import type { QuietRunDto, StuckCursor, StuckRuns } from '../catalog/stuck-runs.js';
import type { WaitingOn } from '../domain/dtos.js';
import type { RunGateway } from '../temporal/gateway.js';
import { nextStepFor } from './doctor-advice.js';
import { findingsOf, type Finding } from './doctor-checks.js';
import type { HealthService } from './health.js';
import { isStuck, type WaitingOnService } from './waiting-on.js';

export interface DoctorDeps {
  runs: Pick<StuckRuns, 'countOpen' | 'quiet' | 'facts'>;
  gateway: Pick<RunGateway, 'openRunIds' | 'serverFacts'>;
  waits: Pick<WaitingOnService, 'of'>;
  health: Pick<HealthService, 'check'>;
  /** Of the folder for state. */
  disk: () => Promise<{ freeBytes: number; totalBytes: number }>;
  clock: () => number;
}

/** An open run that does not go on by itself, or not soon. */
export interface StuckRun {
  run_id: string;
  name: string;
  blueprint_id: string;
  status: string;
  /** Its last sign of progress. */
  since: string;
  reasons: WaitingOn[];
  /** What to do: a sentence with a command. */
  next_step: string;
}

export interface DoctorReport {
  /** Nothing was found, and everything was looked at. */
  ok: boolean;
  checked_at: string;
  postgres_version: string | null;
  temporal_version: string | null;
  findings: Finding[];
  /** Open runs; 10001 stands for more than 10000. */
  open_runs: number;
  /** Quiet runs that this look covered; those that wait for people or time are fine. */
  checked_runs: number;
  /** Longest without progress first. */
  runs: StuckRun[];
  /** Whether every quiet run was covered; else `next` starts the look after this one. */
  is_complete: boolean;
  next: StuckCursor | null;
}

const MOST_COUNTED = 10_001;
/** Runs of one look. */
const PAGE = 500;
/** Stuck runs that one look lists. */
const MAX_LISTED = 200;
const PARALLEL = 8;
/** A look ends after this; what is left is for the next one. */
const BUDGET_MS = 8_000;

/** Finds what is wrong: with the installation, and with every open run that does not move. */
export class DoctorService {
  readonly #deps: DoctorDeps;

  constructor(deps: DoctorDeps) {
    this.#deps = deps;
  }

  /** Never rejects for an outage: that is what it reports. */
  async examine(after?: StuckCursor): Promise<DoctorReport> {
    const { runs, gateway, health, disk, clock } = this.#deps;
    const orNone = <T>(answer: Promise<T>): Promise<T | undefined> => answer.catch(() => undefined);
    const nowMs = clock();
    const [report, catalog, temporal, space] = await Promise.all([
      health.check(),
      orNone(runs.facts()),
      orNone(gateway.serverFacts()),
      orNone(disk()),
    ]);
    const findings = findingsOf({ health: report, nowMs, catalog, temporal, disk: space });
    const [openRuns, page] = await Promise.all([orNone(runs.countOpen(MOST_COUNTED)), orNone(runs.quiet(PAGE, after))]);
    const looked = await this.#look(page ?? []);
    const last = looked.covered < (page?.length ?? 0) ? page?.[looked.covered - 1] : page?.[PAGE - 1];
    const next = last === undefined ? null : { last_progress_at: last.last_progress_at, run_id: last.run_id };
    return {
      ok: findings.length === 0 && looked.stuck.length === 0 && next === null && page !== undefined,
      checked_at: new Date(nowMs).toISOString(),
      postgres_version: catalog?.postgres_version ?? null,
      temporal_version: temporal?.version ?? null,
      findings,
      open_runs: openRuns ?? 0,
      checked_runs: looked.covered,
      runs: looked.stuck,
      is_complete: next === null && page !== undefined,
      next,
    };
  }

  /** Looks at runs in their order, some at a time, until time is up or the list is full. */
  async #look(page: readonly QuietRunDto[]): Promise<{ stuck: StuckRun[]; covered: number }> {
    // One listing tells which runs Temporal works on: those that wait for people need no look of their own then.
    const open = page.length === 0 ? undefined : await this.#deps.gateway.openRunIds().catch(() => undefined);
    const end = this.#deps.clock() + BUDGET_MS;
    const stuck: StuckRun[] = [];
    let covered = 0;
    while (covered < page.length && stuck.length < MAX_LISTED && this.#deps.clock() < end) {
      const some = page.slice(covered, covered + PARALLEL);
      const found = await Promise.all(some.map((run) => this.#examineRun(run, open)));
      stuck.push(...found.flatMap((one) => one ?? []));
      covered += some.length;
    }
    return { stuck, covered };
  }

  async #examineRun(run: QuietRunDto, open: ReadonlySet<string> | undefined): Promise<StuckRun | undefined> {
    if (run.phase === 'gate' && open?.has(run.run_id) === true) return undefined;
    const now = this.#deps.clock();
    const reasons = await this.#deps.waits.of(run);
    const worst = reasons.find((reason) => isStuck(reason, now));
    if (worst === undefined) return undefined;
    const { run_id, name, blueprint_id, status, last_progress_at: since } = run;
    return { run_id, name, blueprint_id, status, since, reasons, next_step: nextStepFor(run, worst) };
  }
}
