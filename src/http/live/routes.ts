import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { route, type Route } from '../route.js';
import { decodeCursor, encodeCursor } from '../cursor.js';
import { doctorSchema } from '../schemas/doctor.js';
import { label, timestamp, uuid } from '../schemas/common.js';

/** Where to go on: the `id` of a message of an earlier stream. */
const position = z.string().regex(/^\d{1,19}-\d{1,19}$/, 'must be the id of a message of a stream');

const eventStreamQuery = z.strictObject({
  event_name: label(200).exactOptional(),
  run_id: uuid.exactOptional(),
  correlation_id: label(128).exactOptional(),
  actor: label(200).exactOptional(),
  after: position.exactOptional(),
});

const runStreamQuery = z.strictObject({ after: position.exactOptional() });

/** A client that connects again says in a header what it got; that is newer than what its address says. */
function afterOf(headers: IncomingHttpHeaders, after: string | undefined): { after?: string } {
  const header = headers['last-event-id'];
  const given = typeof header === 'string' && header !== '' ? header.slice(0, 64) : after;
  return given === undefined ? {} : { after: given };
}

const STREAM = {
  type: 'text/event-stream',
  description: 'Server-sent events, each with an `id` for `Last-Event-ID`.',
};
const LISTING = { name: 'doctor', filter: {} };
const doctorQuery = z.strictObject({ cursor: z.string().max(1_000).exactOptional() });
const stuckPosition = z.strictObject({ last_progress_at: timestamp, run_id: uuid });

/** Streams of server-sent events, and what is wrong. */
export const liveRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/doctor',
    id: 'examine',
    summary: 'Find what is wrong: with the installation, and with runs that do not move',
    answers: { 200: doctorSchema },
    errors: ['cursor_invalid'],
    privilege: 'run.read',
    query: doctorQuery,
    handle: async ({ doctor, cursors }, { query: { cursor } }) => {
      const after =
        cursor === undefined ? undefined : decodeCursor(await cursors.key(), LISTING, stuckPosition, cursor);
      const { next, ...report } = await doctor.examine(after);
      return {
        body: { ...report, next_cursor: next === null ? null : encodeCursor(await cursors.key(), LISTING, next) },
      };
    },
  }),
  route({
    method: 'GET',
    path: '/events/stream',
    id: 'streamEvents',
    summary: 'Follow the event log: every event once, in the order of commits',
    answers: { 200: STREAM },
    errors: ['streams_exhausted'],
    privilege: 'event.read',
    query: eventStreamQuery,
    handle: async ({ live }, { query, headers }) => ({
      body: {},
      stream: live.events({ ...query, ...afterOf(headers, query.after) }),
    }),
  }),
  route({
    method: 'GET',
    path: '/runs/:run_id/stream',
    id: 'streamRun',
    summary: 'Follow a run: a snapshot, what changes, and its end',
    answers: { 200: STREAM },
    errors: ['run_not_found', 'streams_exhausted'],
    privilege: 'run.read',
    query: runStreamQuery,
    handle: async ({ live }, { query, headers, param }) => ({
      body: {},
      stream: await live.run(param('run_id'), afterOf(headers, query.after).after),
    }),
  }),
];
