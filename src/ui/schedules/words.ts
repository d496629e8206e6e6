import type { ScheduleDto } from '../../domain/dtos.js';
import { formatDuration } from '../../domain/duration.js';
import type { ScheduleSpec } from '../../domain/plan.js';
import { statusOf, type Status } from '../status.js';

/** When a schedule fires, in its author's words: `0 3 * * * Europe/Berlin`, `every 6h`. */
export function whenText(spec: Pick<ScheduleSpec, 'cron' | 'timezone' | 'every_ms'>): string {
  return spec.every_ms === undefined ? `${spec.cron} ${spec.timezone}` : `every ${formatDuration(spec.every_ms)}`;
}

/** The same of a schedule as services tell it. */
export function firesText({ cron, timezone, every }: ScheduleDto): string {
  return every === null ? `${cron} ${timezone}` : `every ${every}`;
}

/** Whether it fires. */
export function scheduleStatus({ is_enabled: isEnabled, is_paused: isPaused, sync }: ScheduleDto): Status {
  if (!isEnabled) return statusOf('skipped', 'Switched off');
  if (isPaused) return statusOf('cancelled', 'Paused');
  if (sync.state === 'failed') return statusOf('fail', 'Not applied');
  return sync.state === 'pending' ? statusOf('run', 'Being applied') : statusOf('done', 'Active');
}

/** What becomes of a time while a run is open. */
export const OVERLAP_TEXT: Readonly<Record<ScheduleDto['overlap'], string>> = {
  skip: 'skipped while a run is open',
  queue_one: 'one waits while a run is open',
  queue_all: 'all wait while a run is open',
  cancel_other: 'cancels the open run',
  allow: 'runs beside the open one',
};

/** A time as its zone's clock shows it: `2027-03-28 03:00 +02:00`; seconds only where there are any. */
export function clockText(local: string): string {
  const [, day = '', time = '', offset = ''] = /^(.{10})T(.{8})(.+)$/.exec(local) ?? [];
  return `${day} ${time.replace(/:00$/, '')} ${offset}`;
}
