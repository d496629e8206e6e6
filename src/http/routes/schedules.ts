import { z } from 'zod';
import { keyPart } from '../caller.js';
import { slicePage } from '../listing.js';
import { route, type Route } from '../route.js';
import {
  backfillRequest,
  backfillSchema,
  pauseScheduleRequest,
  resumeScheduleRequest,
  scheduleDetailSchema,
  scheduleListQuery,
  scheduleListSchema,
  triggeredScheduleSchema,
  triggerScheduleRequest,
} from '../schemas/schedule.js';

const position = z.strictObject({ schedule_id: z.string() });
const ONE = '/schedules/:schedule_id';

export const scheduleRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/schedules',
    id: 'listSchedules',
    summary: 'List schedules by their blueprints, with their next ten times',
    privilege: 'schedule.read',
    query: scheduleListQuery,
    answers: { 200: scheduleListSchema },
    handle: async (services, { query: { blueprint_id: blueprintId, ...page } }) => {
      const filter = blueprintId === undefined ? {} : { blueprint_id: blueprintId };
      return slicePage(services, 'schedules', page, position, {
        items: await services.schedules.list(filter),
        of: filter,
        keyOf: ({ schedule_id }) => ({ schedule_id }),
        isAt: (one, { schedule_id }) => one.schedule_id === schedule_id,
      });
    },
  }),
  route({
    method: 'GET',
    path: ONE,
    id: 'getSchedule',
    summary: 'Show a schedule, its next ten times and its last ten runs',
    privilege: 'schedule.read',
    answers: { 200: scheduleDetailSchema },
    errors: ['schedule_not_found'],
    handle: async ({ schedules }, { param }) => ({ body: await schedules.get(param('schedule_id')) }),
  }),
  route({
    method: 'POST',
    path: `${ONE}/pause`,
    id: 'pauseSchedule',
    summary: 'Stop a schedule from firing until it is resumed',
    privilege: 'schedule.change',
    body: pauseScheduleRequest,
    answers: { 200: scheduleDetailSchema },
    errors: ['schedule_not_found'],
    handle: async ({ schedules }, { caller, param, body }) => ({
      body: await schedules.pause(caller, param('schedule_id'), body.note),
    }),
  }),
  route({
    method: 'POST',
    path: `${ONE}/resume`,
    id: 'resumeSchedule',
    summary: 'Let a paused schedule fire again',
    privilege: 'schedule.change',
    body: resumeScheduleRequest,
    answers: { 200: scheduleDetailSchema },
    errors: ['schedule_not_found'],
    handle: async ({ schedules }, { caller, param, body }) => ({
      body: await schedules.resume(caller, param('schedule_id'), body.note),
    }),
  }),
  route({
    method: 'POST',
    path: `${ONE}/trigger`,
    id: 'triggerSchedule',
    summary: 'Fire a schedule now, also a paused one',
    privilege: 'schedule.trigger',
    body: triggerScheduleRequest,
    answers: { 202: triggeredScheduleSchema },
    errors: ['schedule_not_found', 'temporal_unavailable'],
    keyed: true,
    handle: async ({ schedules }, { caller, headers, param, body }) => ({
      status: 202,
      body: await schedules.trigger(caller, param('schedule_id'), { ...body, ...keyPart(headers) }),
    }),
  }),
  route({
    method: 'POST',
    path: `${ONE}/backfill`,
    id: 'backfillSchedule',
    summary: 'Fire a schedule for times in the past, or tell which these are',
    privilege: 'schedule.trigger',
    body: backfillRequest,
    answers: { 200: backfillSchema, 202: backfillSchema },
    errors: ['schedule_not_found', 'backfill_limit', 'range_invalid', 'temporal_unavailable'],
    keyed: true,
    handle: async ({ schedules }, { caller, headers, param, body }) => {
      const answer = await schedules.backfill(caller, param('schedule_id'), { ...body, ...keyPart(headers) });
      return { status: answer.is_dry_run ? 200 : 202, body: answer };
    },
  }),
];
