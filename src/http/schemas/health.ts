import { z } from 'zod';
import { timestamp } from './common.js';

/** 001 §45.2; `degraded` when a part in `checks` does not work. */
export const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded']),
    version: z.string(),
    uptime_seconds: z.int(),
    now: timestamp,
    checks: z.object({
      postgres: z.object({ ok: z.boolean() }),
      temporal: z.object({ ok: z.boolean(), address: z.string(), ui_url: z.string().nullable() }),
      worker: z.object({ ok: z.boolean(), pollers: z.int() }),
    }),
  })
  .meta({ id: 'Health' });
export type Health = z.infer<typeof healthSchema>;
