import { formatDuration } from '../../domain/duration.js';
import type { ScheduleSpec } from '../../domain/plan.js';

/** When a schedule fires, in its author's words: `0 3 * * * Europe/Berlin`, `every 6h`. */
export function whenText(spec: Pick<ScheduleSpec, 'cron' | 'timezone' | 'every_ms'>): string {
  return spec.every_ms === undefined ? `${spec.cron} ${spec.timezone}` : `every ${formatDuration(spec.every_ms)}`;
}
