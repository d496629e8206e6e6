import type { ScheduleRow, ScheduledRun } from '../catalog/schedule-store.js';
import type { ScheduleDto, ScheduleTimeDto } from '../domain/dtos.js';
import { formatDuration } from '../domain/duration.js';
import type { ScheduleSpec } from '../domain/plan.js';
import { localTime, timesOf } from './schedule-times.js';

/** Times to come that are told. */
const NEXT_TIMES = 10;

/** A schedule as everybody sees it. @param now milliseconds since the epoch; the next times are after it. */
export function scheduleDto(row: ScheduleRow, lastRun: ScheduledRun | null, now: number): ScheduleDto {
  const { spec } = row;
  const isApplied = row.applied_generation >= row.generation;
  const state = isApplied ? 'applied' : row.apply_error === null ? 'pending' : 'failed';
  return {
    schedule_id: row.schedule_id,
    blueprint_id: row.blueprint_id,
    blueprint_name: row.blueprint_name,
    version: row.version,
    cron: spec.cron ?? null,
    timezone: spec.timezone ?? null,
    every: spec.every_ms === undefined ? null : formatDuration(spec.every_ms),
    jitter: spec.jitter_ms === undefined ? null : formatDuration(spec.jitter_ms),
    overlap: spec.overlap ?? 'skip',
    catchup: formatDuration(spec.catchup_ms),
    is_enabled: spec.disabled !== true,
    is_paused: row.is_paused,
    pause: row.is_paused
      ? { note: row.pause_note, by: row.paused_by ?? '', at: (row.paused_at ?? row.updated_at).toISOString() }
      : null,
    sync: { state, error: isApplied ? null : row.apply_error, at: row.applied_at?.toISOString() ?? null },
    next: nextTimes(spec, now),
    last_run: lastRun,
  };
}

function nextTimes(spec: ScheduleSpec, now: number): ScheduleTimeDto[] {
  const times = timesOf(spec, now, { limit: NEXT_TIMES });
  return times.map((time, ix) => {
    const before = times[ix - 1];
    return {
      at: new Date(time.at).toISOString(),
      local: localTime(time),
      is_clock_changed: before !== undefined && before.offsetMinutes !== time.offsetMinutes,
    };
  });
}
