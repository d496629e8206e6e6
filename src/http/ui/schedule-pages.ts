import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { ScheduleDetailDto } from '../../domain/dtos.js';
import { XynFault } from '../../domain/fault.js';
import type { Html } from '../../ui/html.js';
import {
  backfillQuestion,
  pauseQuestion,
  scheduleList,
  schedulePage,
  schedulePath,
  triggerQuestion,
} from '../../ui/schedules/schedules.js';
import { uuid } from '../schemas/common.js';
import { form, page, type PageAnswer, type UiCall } from './page.js';

const BELOW = { label: 'Schedules', href: '/ui/schedules' };
/** A time that comes makes a run. */
const FOLLOWED = ['runs'] as const;

const list = page({
  path: '/schedules',
  privilege: 'schedule.read',
  load: async ({ services, ui }) => {
    const { main, fragments } = scheduleList(await services.schedules.list(), ui);
    const live = { topics: FOLLOWED, fragments };
    return { title: 'Schedules', nav: 'schedules', crumb: 'Schedules', testId: 'page-schedules', main, live };
  },
});

const one = page({
  path: '/schedules/:schedule',
  privilege: 'schedule.read',
  load: async ({ services, param, ui }) => {
    const schedule = await services.schedules.get(param('schedule'));
    const title = `${schedule.blueprint_name}, schedule`;
    const { main, fragments } = schedulePage(schedule, ui);
    const base = { title, nav: 'schedules', above: [BELOW], crumb: schedule.schedule_id } as const;
    return { ...base, testId: 'page-schedule', main, live: { topics: FOLLOWED, fragments } };
  },
});

function below(schedule: ScheduleDetailDto, crumb: string, main: Html): PageAnswer {
  const above = [BELOW, { label: schedule.schedule_id, href: schedulePath(schedule.schedule_id) }];
  const title = `${crumb}: ${schedule.blueprint_name}`;
  return { title, nav: 'schedules', above, crumb, testId: 'page-schedule-change', main };
}

async function pausePage({ services, param, csrf, ui }: UiCall, problem?: string): Promise<PageAnswer> {
  const schedule = await services.schedules.get(param('schedule'));
  const view = { one: schedule, csrf, ...(problem === undefined ? {} : { problem }) };
  return below(schedule, schedule.is_paused ? 'Resume' : 'Pause', pauseQuestion(view, ui));
}

const pause = page({ path: '/schedules/:schedule/pause', privilege: 'schedule.read', load: (call) => pausePage(call) });

const trigger = page({
  path: '/schedules/:schedule/trigger',
  privilege: 'schedule.read',
  load: async ({ services, param, csrf, ui }) => {
    const schedule = await services.schedules.get(param('schedule'));
    return below(schedule, 'Run now', triggerQuestion({ one: schedule, csrf, key: randomUUID() }, ui));
  },
});

const time = z.iso.datetime();
const range = z.object({ from: z.string().max(40).default(''), to: z.string().max(40).default('') });

/** What is asked for is told in place: a range that is no range, in the future or too long. */
async function planOf({ services, param, caller }: UiCall, asked: z.infer<typeof range>) {
  if (asked.from === '' && asked.to === '') return { plan: null, problem: null };
  const [from, to] = [time.safeParse(asked.from), time.safeParse(asked.to)];
  if (!from.success || !to.success) return { plan: null, problem: 'A time is written like 2026-11-01T00:00:00Z.' };
  try {
    const request = { from: from.data, to: to.data, dry_run: true };
    return { plan: await services.schedules.backfill(caller, param('schedule'), request), problem: null };
  } catch (error) {
    if (!(error instanceof XynFault) || !['range_invalid', 'backfill_limit'].includes(error.code)) throw error;
    return { plan: null, problem: error.message };
  }
}

const backfill = page<z.infer<typeof range>>({
  path: '/schedules/:schedule/backfill',
  privilege: 'schedule.read',
  query: range,
  load: async (call) => {
    const { services, param, query, csrf, ui } = call;
    const schedule = await services.schedules.get(param('schedule'));
    const view = { one: schedule, csrf, key: randomUUID(), ...query, ...(await planOf(call, query)) };
    return below(schedule, 'Backfill', backfillQuestion(view, ui));
  },
});

const setPause = form({
  path: '/schedules/:schedule/pause',
  privilege: 'schedule.change',
  body: z.object({ note: z.string().max(2_000).default('') }),
  handle: async (call) => {
    const { services, caller, param, body } = call;
    const note = body.note.trim();
    const path = schedulePath(param('schedule'));
    if (note === '') {
      const answer = await pausePage(call, 'Say why in a few words.');
      return { ...answer, status: 422, here: `${path}/pause` };
    }
    await services.schedules.pause(caller, param('schedule'), note);
    return { location: path };
  },
});

const resume = form({
  path: '/schedules/:schedule/resume',
  isBelow: true,
  privilege: 'schedule.change',
  body: z.object({}),
  handle: async ({ services, caller, param }) => {
    await services.schedules.resume(caller, param('schedule'));
    return { location: schedulePath(param('schedule')) };
  },
});

const fire = form({
  path: '/schedules/:schedule/trigger',
  privilege: 'schedule.trigger',
  body: z.object({ key: uuid }),
  handle: async ({ services, caller, param, body }) => {
    await services.schedules.trigger(caller, param('schedule'), { idempotencyKey: `ui:${body.key}` });
    return { location: schedulePath(param('schedule')) };
  },
});

const fill = form({
  path: '/schedules/:schedule/backfill',
  privilege: 'schedule.trigger',
  body: z.object({ key: uuid, from: time, to: time }),
  handle: async ({ services, caller, param, body: { key, from, to } }) => {
    const request = { from, to, dry_run: false, idempotencyKey: `ui:${key}` };
    await services.schedules.backfill(caller, param('schedule'), request);
    return { location: schedulePath(param('schedule')) };
  },
});

export const schedulePages = [list, pause, trigger, backfill, one];
export const scheduleForms = [setPause, resume, fire, fill];
