import { z } from 'zod';
import { defineAction } from '../../../src/domain/action.js';
import { MAX_EVENT_BYTES } from '../../../src/domain/emitting.js';
import type { JsonObject } from '../../../src/domain/json.js';
import { withFaults } from './faults.js';

const label = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Surrogate}]*$/u, 'must not hold control characters');
const inputSchema = z.strictObject({
  event_name: z.string().max(200).meta({ description: 'A dotted name such as report.written.' }),
  data: z
    .record(z.string(), z.json())
    .refine((data) => Buffer.byteLength(JSON.stringify(data)) <= MAX_EVENT_BYTES, {
      message: `must be at most ${MAX_EVENT_BYTES} bytes`,
    })
    .default({})
    .meta({ description: 'What the blueprints that it starts can read. At most 256 KiB.' }),
  resource: z.strictObject({ type: label, id: label }).meta({ description: 'What it is about.' }).optional(),
});
const outputSchema = z.strictObject({ event_id: z.string() });

/** `events.emit` (language §3.3): emits an event for the run. */
export const eventsEmit = defineAction<z.output<typeof inputSchema>, z.output<typeof outputSchema>>({
  name: 'events.emit',
  summary: "Emits an event with the run's correlation id; blueprints whose triggers match start a run.",
  input: inputSchema,
  output: outputSchema,
  traits: { effect: 'write', idempotency: 'keyed' },
  errors: {
    event_name_format: { retryable: false, help: 'The name has two or more segments of a-z, 0-9 and _, with dots.' },
    event_name_reserved: { retryable: false, help: 'Only Xyn itself emits `xyn.` events; `xyn.cicd.` is open.' },
  },
  examples: [
    {
      name: 'tells that something was done',
      input: { event_name: 'report.written', data: { week: 47 }, resource: { type: 'report', id: '2026-47' } },
      output: {},
    },
    {
      name: 'emits no event of the engine',
      input: { event_name: 'xyn.run.created' },
      error: 'event_name_reserved',
    },
    {
      name: 'refuses a name that is none',
      input: { event_name: 'Report Written' },
      error: 'event_name_format',
    },
  ],
  execute: ({ event_name, data, resource }, context) => {
    const { events } = context;
    if (events === undefined) throw new Error('This worker emits no events.');
    const event = { event_name, data: data as JsonObject, ...(resource === undefined ? {} : { resource }) };
    return withFaults(
      {
        declared: ['event_name_format', 'event_name_reserved', 'input_invalid'],
        later: 'audit_unavailable',
        names: { request_invalid: 'input_invalid' },
      },
      () => events.emit(context, event),
    );
  },
});
