import { z } from 'zod';
import type { DoctorReport } from '../../services/doctor.js';
import { timestamp, uuid } from './common.js';
import { waitingOnSchema } from './run.js';

const findingSchema = z.object({
  code: z.string(),
  severity: z.enum(['error', 'warning']),
  message: z.string(),
  next_step: z.string(),
});

const stuckRunSchema = z.object({
  run_id: uuid,
  name: z.string(),
  blueprint_id: z.string(),
  status: z.string(),
  since: timestamp,
  reasons: z.array(waitingOnSchema),
  next_step: z.string(),
});

/** What is wrong; `next_cursor` goes on where a look had to end. */
export const doctorSchema = z
  .object({
    ok: z.boolean(),
    checked_at: timestamp,
    postgres_version: z.string().nullable(),
    temporal_version: z.string().nullable(),
    findings: z.array(findingSchema),
    open_runs: z.int(),
    checked_runs: z.int(),
    runs: z.array(stuckRunSchema),
    is_complete: z.boolean(),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'DoctorReport' }) satisfies z.ZodType<Omit<DoctorReport, 'next'>>;
