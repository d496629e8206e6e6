import { z } from 'zod';
import { MAX_EVENT_BYTES } from '../../domain/emitting.js';
import { keyPart, scopeWithin } from '../caller.js';
import { listPage } from '../listing.js';
import { API_PREFIX, route, type Route } from '../route.js';
import { timestamp, wholeNumber } from '../schemas/common.js';
import { emitEventRequest, eventDetailSchema, eventListQuery, eventListSchema } from '../schemas/event.js';

const position = z.strictObject({ seq: wholeNumber, occurred_at: timestamp.exactOptional() });

export const eventRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/events',
    id: 'emitEvent',
    summary: 'Emit an event; blueprints whose triggers match start a run',
    privilege: 'event.emit',
    body: emitEventRequest,
    maxBodyBytes: MAX_EVENT_BYTES,
    answers: { 201: eventDetailSchema },
    errors: ['event_name_format', 'event_name_reserved'],
    keyed: true,
    handle: async ({ events }, call) => {
      const { headers, caller, body } = call;
      const { resource = null } = body;
      const request = { ...body, resource, ...scopeWithin(headers, body), ...keyPart(headers) };
      const event = await events.emit(caller, request);
      return { status: 201, location: `${API_PREFIX}/events/${event.event_id}`, body: event };
    },
  }),
  route({
    method: 'GET',
    path: '/events',
    id: 'listEvents',
    summary: 'List events, newest first',
    privilege: 'event.read',
    query: eventListQuery,
    answers: { 200: eventListSchema },
    handle: (services, { query }) => listPage(services, 'events', query, position, (q) => services.events.list(q)),
  }),
  route({
    method: 'GET',
    path: '/events/:event_id',
    id: 'getEvent',
    summary: 'Show an event with the verdict of each candidate blueprint',
    privilege: 'event.read',
    answers: { 200: eventDetailSchema },
    errors: ['event_not_found'],
    handle: async ({ events }, { param }) => ({ body: await events.get(param('event_id')) }),
  }),
];
