import type { ScheduleRow } from '../catalog/schedule-store.js';
import type { CatalogAccess, UnitOfWork } from '../catalog/unit-of-work.js';
import { XynFault } from '../domain/fault.js';
import { pauseEntry } from './schedule-audit.js';
import type { ScheduleGateway } from '../temporal/schedules.js';
import type { Log } from './log.js';
import { startWakeLoop, type WakeLoop } from './wake-loop.js';

export interface ScheduleSyncDeps {
  catalog: CatalogAccess;
  gateway: Pick<ScheduleGateway, 'put' | 'remove' | 'describe' | 'states' | 'runEnded'>;
  envId: string;
  clock: () => number;
  log: Log;
}

/** Times between two looks. */
export interface SyncPace {
  /** For ends of scheduled runs and changes of other processes; default 1 s. Milliseconds. */
  passMs: number;
  /** For what people did in Temporal's own screens; default 30 s. */
  compareMs: number;
}

const PACE: SyncPace = { passMs: 1_000, compareMs: 30_000 };
const BATCH = 100;
/** A change that Temporal did not take is tried again after this, doubled each time up to the longest. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** Temporal's listing lags behind what was just written. */
const LISTING_LAG_MS = 30_000;
/** Ends of runs that are told to their ticks; who is not told asks by itself, within minutes. */
const ENDED_LATELY_MS = 15_000;
const MAX_ENDED = 500;
/** Whoever pauses in Temporal's own screens is not known. */
const TEMPORAL_UI = 'temporal-ui';

interface Retry {
  nextAt: number;
  pauseMs: number;
}

/**
 * Makes Temporal's schedules what the catalog says, in place, and takes over a pause that somebody made in Temporal's own
 * screens. Any number of them may run: a schedule is locked while one talks to Temporal about it.
 */
export class ScheduleSync {
  readonly #deps: ScheduleSyncDeps;
  readonly #pace: SyncPace;
  readonly #retries = new Map<string, Retry>();
  readonly #told = new Map<string, number>();
  #comparedAt = -Infinity;
  #loop: WakeLoop | undefined;

  constructor(deps: ScheduleSyncDeps, pace: Partial<SyncPace> = {}) {
    this.#deps = deps;
    this.#pace = { ...PACE, ...pace };
  }

  start(): void {
    this.#loop = startWakeLoop({
      work: async () => {
        await this.pass();
        return this.#pace.passMs;
      },
      onError: (error) => this.#deps.log.warn({ err: error }, 'schedules could not be looked at; it is tried again'),
      errorPauseMs: this.#pace.passMs,
    });
  }

  /** Something changed, committed by this process. */
  wake(): void {
    this.#loop?.wake();
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
  }

  /** One look. A pause made in Temporal while nobody looked is found before anything is written there. */
  async pass(): Promise<void> {
    const now = this.#deps.clock();
    if (now - this.#comparedAt >= this.#pace.compareMs) {
      await this.#compare().catch((error: unknown) => this.#warn(error, 'schedules could not be compared'));
      this.#comparedAt = now;
    }
    for (const scheduleId of await this.#deps.catalog.schedules.due(BATCH)) {
      if ((this.#retries.get(scheduleId)?.nextAt ?? 0) <= this.#deps.clock()) await this.apply(scheduleId);
    }
    await this.#tellEnds();
  }

  /**
   * Makes Temporal's copy of one schedule what its row says.
   * @returns whether it is so now; where it is not, the row says why and it is tried again.
   */
  async apply(scheduleId: string): Promise<boolean> {
    try {
      await this.#deps.catalog.transaction((unit) => this.#apply(unit, scheduleId));
      this.#retries.delete(scheduleId);
      return true;
    } catch (error) {
      await this.#refuse(scheduleId, error);
      return false;
    }
  }

  async #apply(unit: UnitOfWork, scheduleId: string): Promise<void> {
    const { gateway, envId } = this.#deps;
    const row = await unit.schedules.lock(scheduleId);
    if (row === undefined || row.applied_generation >= row.generation) return;
    if (row.is_removed) await gateway.remove(envId, scheduleId);
    else await gateway.put(envId, wantedOf(row));
    await unit.schedules.applied(scheduleId, row.generation);
  }

  async #refuse(scheduleId: string, error: unknown): Promise<void> {
    const before = this.#retries.get(scheduleId);
    const pauseMs = Math.min((before?.pauseMs ?? FIRST_RETRY_MS / 2) * 2, LONGEST_RETRY_MS);
    this.#retries.set(scheduleId, { pauseMs, nextAt: this.#deps.clock() + pauseMs });
    this.#deps.log.warn({ err: error, schedule_id: scheduleId, pause_ms: pauseMs }, 'a schedule could not be applied');
    const message = error instanceof XynFault ? error.message : 'The schedule could not be applied; the log says why.';
    await this.#deps.catalog.schedules.refused(scheduleId, message).catch(() => undefined);
  }

  async #compare(): Promise<void> {
    const { catalog, gateway, envId, clock } = this.#deps;
    const rows = await catalog.schedules.list();
    if (rows.length === 0) return;
    const states = await gateway.states(envId);
    for (const row of rows) {
      const appliedAt = row.applied_generation === row.generation ? row.applied_at : null;
      if (appliedAt === null || clock() - appliedAt.getTime() < LISTING_LAG_MS) continue;
      const state = states.get(row.schedule_id);
      if (state?.isPaused === isPaused(row)) continue;
      await this.#settle(row.schedule_id).catch((error: unknown) => this.#warn(error, 'a schedule was not compared'));
    }
  }

  /** The listing says that Temporal's copy differs: the copy itself decides. */
  async #settle(scheduleId: string): Promise<void> {
    const { catalog, gateway, envId, clock, log } = this.#deps;
    await catalog.transaction(async (unit) => {
      const row = await unit.schedules.lock(scheduleId);
      if (row === undefined || row.is_removed || row.applied_generation !== row.generation) return;
      const found = await gateway.describe(envId, scheduleId);
      if (found === undefined) {
        log.warn({ schedule_id: scheduleId }, 'Temporal lost a schedule; it is made again');
        return unit.schedules.lost(scheduleId);
      }
      if (found.isPaused === isPaused(row)) return;
      if (row.spec.disabled === true) return unit.schedules.lost(scheduleId);
      const change = { is_paused: found.isPaused, note: found.note, by: TEMPORAL_UI };
      await unit.schedules.pause(scheduleId, change, true);
      const caller = { actor: TEMPORAL_UI, proven: false, correlationId: scheduleId, source: 'system' } as const;
      await unit.audit([pauseEntry(row, change, { caller, at: new Date(clock()), envId })]);
    });
  }

  async #tellEnds(): Promise<void> {
    const { catalog, gateway, envId, clock } = this.#deps;
    const ended = await catalog.schedules.endedTicks(ENDED_LATELY_MS, MAX_ENDED);
    for (const { run_id: runId, data } of ended) {
      if (this.#told.has(runId)) continue;
      const { schedule_id: scheduleId, scheduled_at: at } = data;
      if (typeof scheduleId !== 'string' || typeof at !== 'string') continue;
      try {
        await gateway.runEnded(envId, scheduleId, new Date(at));
      } catch (error) {
        // The next look tells it, and not one after the other waits here. A tick that is never told asks by itself.
        if (error instanceof XynFault && error.code === 'temporal_unavailable') break;
      }
      this.#told.set(runId, clock());
    }
    for (const [runId, at] of this.#told) if (clock() - at > 2 * ENDED_LATELY_MS) this.#told.delete(runId);
  }

  #warn(error: unknown, message: string): void {
    this.#deps.log.warn({ err: error }, `${message}; it is tried again`);
  }
}

/** Whether Temporal shall not fire it: paused by somebody, or switched off in its blueprint. */
function isPaused(row: ScheduleRow): boolean {
  return row.is_paused || row.spec.disabled === true;
}

function wantedOf(row: ScheduleRow): Parameters<ScheduleGateway['put']>[1] {
  const { schedule_id: scheduleId, blueprint_id: blueprintId, spec, blueprint_name: name } = row;
  const off = spec.disabled === true ? 'switched off in its blueprint' : '';
  const note = row.is_paused ? (row.pause_note ?? '') : off;
  return { scheduleId, blueprintId, spec, name, isPaused: isPaused(row), note };
}
