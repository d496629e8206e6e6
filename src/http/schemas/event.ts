import { z } from 'zod';
import type { EventDto, EventWithVerdicts } from '../../domain/dtos.js';
import { givenTime, jsonObject, label, listOf, pageQuery, shownAs, timestamp, uuid } from './common.js';

const resource = z.strictObject({ type: label(100), id: label(500) });

export const eventSchema = z
  .object({
    event_id: uuid,
    event_name: z.string(),
    occurred_at: timestamp,
    env_id: z.string(),
    actor: z.string(),
    correlation_id: z.string(),
    run_id: uuid.nullable(),
    step_id: uuid.nullable(),
    resource: z.object({ type: z.string(), id: z.string() }).nullable(),
    data: jsonObject,
  })
  .meta({ id: 'Event' }) satisfies z.ZodType<EventDto>;

export const eventDetailSchema = eventSchema
  .extend({
    verdicts: z.array(
      z.object({
        blueprint_id: z.string(),
        verdict: z.enum(['started', 'filter_false', 'filter_error', 'input_invalid', 'duplicate_of', 'disabled', 'backlog', 'loop']),
        detail: jsonObject.nullable(),
        run_id: uuid.nullable(),
      }),
    ),
  })
  .meta({ id: 'EventDetail' }) satisfies z.ZodType<EventWithVerdicts>;

export const eventListSchema = listOf(eventSchema, 'EventList');

/** The name's format is the service's to judge, with a code of its own. */
export const emitEventRequest = z
  .strictObject({
    event_name: z
      .string()
      .min(1)
      .max(1_000)
      .meta({
        description: "Dotted and lower case; `xyn.` is Xyn's own, save for `xyn.cicd.`.",
        ...shownAs({ type: 'string', pattern: '^[a-z][a-z0-9_]*([.][a-z0-9][a-z0-9_]*)+$', maxLength: 200 }),
      }),
    resource: resource.nullish(),
    data: jsonObject.default({}),
    run_id: uuid.nullish(),
    step_id: uuid.nullish(),
  })
  .meta({ id: 'EmitEvent' });

export const eventListQuery = pageQuery.extend({
  event_name: label(200)
    .exactOptional()
    .meta({ description: 'A name, or a pattern as triggers have it: `a.*` is one more segment, `a.**` one or more.' }),
  run_id: uuid.exactOptional(),
  correlation_id: label(128).exactOptional(),
  actor: label(128).exactOptional(),
  from: givenTime.exactOptional().meta({ description: 'Events that occurred at this time or later.' }),
  to: givenTime.exactOptional().meta({ description: 'Events that occurred before this time.' }),
});
