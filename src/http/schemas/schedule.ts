import { z } from 'zod';
import type {
  BackfillDto,
  ScheduleDetailDto,
  ScheduleDto,
  ScheduledRunDto,
  ScheduleTimeDto,
  TriggeredScheduleDto,
} from '../../domain/dtos.js';
import { OVERLAPS } from '../../domain/schedule.js';
import { givenTime, listOf, pageQuery, prose, timestamp, uuid } from './common.js';

const overlap = z.enum(OVERLAPS);

const scheduleTimeSchema = z
  .object({ at: timestamp, local: z.string(), is_clock_changed: z.boolean() })
  .meta({ id: 'ScheduleTime' }) satisfies z.ZodType<ScheduleTimeDto>;

const scheduledRunSchema = z
  .object({
    run_id: uuid,
    status: z.enum(['created', 'running', 'completed', 'failed', 'cancelled']),
    scheduled_at: timestamp,
    created_at: timestamp,
    completed_at: timestamp.nullable(),
  })
  .meta({ id: 'ScheduledRun' }) satisfies z.ZodType<ScheduledRunDto>;

export const scheduleSchema = z
  .object({
    schedule_id: z.string(),
    blueprint_id: z.string(),
    blueprint_name: z.string(),
    version: z.int(),
    cron: z.string().nullable(),
    timezone: z.string().nullable(),
    every: z.string().nullable(),
    jitter: z.string().nullable(),
    overlap,
    catchup: z.string(),
    is_enabled: z.boolean(),
    is_paused: z.boolean(),
    pause: z.object({ note: z.string().nullable(), by: z.string(), at: timestamp }).nullable(),
    sync: z.object({
      state: z.enum(['applied', 'pending', 'failed']),
      error: z.string().nullable(),
      at: timestamp.nullable(),
    }),
    next: z.array(scheduleTimeSchema),
    last_run: scheduledRunSchema.nullable(),
  })
  .meta({ id: 'Schedule' }) satisfies z.ZodType<ScheduleDto>;

export const scheduleDetailSchema = scheduleSchema
  .extend({
    runs: z.array(scheduledRunSchema),
    counts: z.object({ started: z.int(), skipped: z.int(), missed: z.int() }).nullable(),
  })
  .meta({ id: 'ScheduleDetail' }) satisfies z.ZodType<ScheduleDetailDto>;

export const scheduleListSchema = listOf(scheduleSchema, 'ScheduleList');
export const scheduleListQuery = pageQuery.extend({ blueprint_id: z.string().min(1).max(200).exactOptional() });

/** Why it is paused; shown wherever the schedule is. */
export const pauseScheduleRequest = z.strictObject({ note: prose }).meta({ id: 'PauseSchedule' });
export const resumeScheduleRequest = z.strictObject({ note: prose.exactOptional() }).meta({ id: 'ResumeSchedule' });

/** Without `overlap` the schedule's own policy counts. */
export const triggerScheduleRequest = z
  .strictObject({ overlap: overlap.exactOptional() })
  .meta({ id: 'TriggerSchedule' });

export const triggeredScheduleSchema = z
  .object({ schedule_id: z.string(), scheduled_at: timestamp, event_id: uuid, run_id: uuid })
  .meta({ id: 'TriggeredSchedule' }) satisfies z.ZodType<TriggeredScheduleDto>;

/** With `dry_run`, the default, the times are told and nothing is done. */
export const backfillRequest = z
  .strictObject({
    from: givenTime,
    to: givenTime,
    dry_run: z.boolean().default(true),
    overlap: z.enum(['queue_all', 'allow']).exactOptional(),
  })
  .meta({ id: 'BackfillSchedule' });

export const backfillSchema = z
  .object({
    schedule_id: z.string(),
    is_dry_run: z.boolean(),
    overlap,
    times: z.array(z.object({ scheduled_at: timestamp, local: z.string(), is_known: z.boolean(), run_id: uuid })),
  })
  .meta({ id: 'Backfill' }) satisfies z.ZodType<BackfillDto>;
