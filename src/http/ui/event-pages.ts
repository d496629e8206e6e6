import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { eventsPage } from '../../ui/events/events.js';
import { EVENT_FILTER_WORDS, parseEventFilter } from '../../ui/events/filter.js';
import { eventToday } from '../../ui/events/today.js';
import { reEmitMain } from '../../ui/events/re-emit.js';
import { uuid, wholeNumber } from '../schemas/common.js';
import { completionsOf } from './completion.js';
import { form, page, type PageAnswer, type UiCall } from './page.js';

const PAGE_SIZE = 50;
const query = z.object({ q: z.string().max(300).default(''), before: wholeNumber.optional() });
type EventQuery = z.infer<typeof query>;

async function loadEvents(call: UiCall<EventQuery>, eventId?: string): Promise<PageAnswer> {
  const { services, caller, query: asked, ui, csrf } = call;
  const { search, problem } = parseEventFilter(asked.q);
  const { eventConsole, overview } = services;
  const [{ lines, older, newer }, stats, needsYou, words, selected] = await Promise.all([
    eventConsole.page(search, PAGE_SIZE, asked.before),
    eventConsole.lastHour(),
    overview.needs(caller.actor),
    completionsOf(call, asked.q, EVENT_FILTER_WORDS),
    eventId === undefined ? null : eventConsole.facts(eventId),
  ]);
  const place = { before: asked.before ?? null, needsYou, selected };
  const views = call.preferences.savedViews.events ?? [];
  const list = { q: asked.q, problem, words, lines, older, newer, stats, views, csrf };
  const { main, fragments } = eventsPage({ ...list, ...place }, ui);
  const name = selected?.event.event_name;
  return {
    title: name === undefined ? 'Events' : `${name} · Events`,
    nav: 'events',
    ...(name === undefined ? {} : { above: [{ label: 'Events', href: '/ui/events' }] }),
    crumb: name ?? 'Events',
    testId: 'page-events',
    main,
    live: { topics: ['events', 'gates'], fragments },
  };
}

const all = (path: string) =>
  page<EventQuery>({ path, privilege: 'event.read', query, load: (call) => loadEvents(call) });
const one = (path: string) =>
  page<EventQuery>({ path, privilege: 'event.read', query, load: (call) => loadEvents(call, call.param('event_id')) });

const question = page({
  path: '/events/:event_id/re-emit',
  privilege: 'event.read',
  load: async ({ services, param, csrf, ui }) => {
    const { event, verdicts } = await services.eventConsole.facts(param('event_id'));
    const started = verdicts.filter(({ verdict }) => verdict === 'started').length;
    return {
      title: `Emit ${event.event_name} again`,
      nav: 'events',
      above: [
        { label: 'Events', href: '/ui/events' },
        { label: event.event_name, href: `/ui/events/${event.event_id}` },
      ],
      crumb: 'Emit again',
      testId: 'page-re-emit',
      main: reEmitMain({ event, started, csrf, key: randomUUID() }, ui),
    };
  },
});

const today = page({
  path: '/events/:event_id/today',
  privilege: 'event.read',
  load: async ({ services, param, ui }) => {
    const facts = await services.eventConsole.today(param('event_id'));
    const { event_id: id, event_name: name } = facts.event;
    return {
      title: `${name} today`,
      nav: 'events',
      above: [
        { label: 'Events', href: '/ui/events' },
        { label: name, href: `/ui/events/${id}` },
      ],
      crumb: 'Today',
      testId: 'page-event-today',
      main: eventToday(facts, ui),
    };
  },
});

const repeat = form({
  path: '/events/:event_id/re-emit',
  privilege: 'event.emit',
  body: z.strictObject({ key: uuid }),
  handle: async ({ services, caller, param, body }) => {
    return { location: `/ui/events/${await services.eventConsole.repeat(caller, param('event_id'), body.key)}` };
  },
});

/** 001 §44: the console and its partials. */
export const eventPages = [
  all('/events'),
  all('/events/_list'),
  all('/events/stream'),
  question,
  today,
  one('/events/:event_id/_detail'),
  one('/events/:event_id'),
];
export const eventForms = [repeat];
