import { durationMs } from '../../domain/duration.js';
import type { BackfillDto, ScheduleDetailDto, ScheduleDto } from '../../domain/dtos.js';
import { countWord } from '../format.js';
import { html, type Html } from '../html.js';
import type { Fragment } from '../parts/fragment.js';
import type { Parts } from '../parts/parts.js';
import { runStatus } from '../status.js';
import { template } from '../template.js';
import { clockText, firesText, OVERLAP_TEXT, scheduleStatus } from './words.js';

const listTemplate = template<Record<string, unknown>>(import.meta.url, './list.eta');
const tableTemplate = template<Record<string, unknown>>(import.meta.url, './table.eta');
const scheduleTemplate = template<Record<string, unknown>>(import.meta.url, './schedule.eta');
const pauseTemplate = template<Record<string, unknown>>(import.meta.url, './pause.eta');
const triggerTemplate = template<Record<string, unknown>>(import.meta.url, './trigger.eta');
const backfillTemplate = template<Record<string, unknown>>(import.meta.url, './backfill.eta');

/** Rows of the page; who has more reads the list of the API. */
const MOST_LISTED = 200;
const DOTS = { width: 160, height: 12, radius: 3.5 };

/** Address of a schedule's page, or of one below it. */
export function schedulePath(scheduleId: string, below = ''): string {
  return `/ui/schedules/${encodeURIComponent(scheduleId)}${below}`;
}

/** The times to come as dots along a line of time; hollow ones do not fire. */
function timeDots(one: ScheduleDto): Html {
  const times = one.next.map(({ at }) => Date.parse(at));
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const { width, height, radius } = DOTS;
  const span = Math.max(1, last - first);
  const room = width - 2 * radius - 2;
  const isOff = one.is_paused || !one.is_enabled;
  const label = `The next ${times.length} times${isOff ? ', none of which fires now' : ''}`;
  return html`<svg
    class="${isOff ? 'times is-off' : 'times'}"
    viewBox="0 0 ${String(width)} ${String(height)}"
    width="${String(width)}"
    height="${String(height)}"
    role="img"
    aria-label="${label}"
  >
    ${times.map((at) => {
      const x = radius + 1 + ((at - first) / span) * room;
      return html`<circle cx="${x.toFixed(1)}" cy="${String(height / 2)}" r="${String(radius)}" />`;
    })}
  </svg>`;
}

function lookOf(one: ScheduleDto) {
  return {
    one,
    path: schedulePath(one.schedule_id),
    fires: firesText(one),
    look: scheduleStatus(one),
    isFiring: one.is_enabled && !one.is_paused,
    dots: timeDots(one),
    last: one.last_run === null ? null : runStatus({ status: one.last_run.status }),
  };
}

/** Schedules as a table; `isOfOne`: all are of one blueprint, which stands elsewhere. */
export function scheduleTable(schedules: readonly ScheduleDto[], isOfOne: boolean, ui: Parts): Html {
  return tableTemplate({ rows: schedules.map(lookOf), isOfOne, clockText }, ui);
}

interface Live {
  main: Html;
  /** What is renewed while the page is open. */
  fragments: Fragment[];
}

/** How many there are, and when the next of those that fire does. */
function headOf(schedules: readonly ScheduleDto[], ui: Parts): Html {
  const firing = schedules.filter((one) => one.is_enabled && !one.is_paused);
  const times = firing.flatMap((one) => one.next.slice(0, 1).map(({ at }) => ({ one, at })));
  const next = times.sort((a, b) => Date.parse(a.at) - Date.parse(b.at))[0];
  const paused = schedules.filter((one) => one.is_paused).length;
  const isOnly = schedules.length === 1;
  const many = isOnly ? 'One schedule' : `${countWord(schedules.length)} schedules`;
  const headline =
    schedules.length === 0
      ? 'Nothing runs by the clock yet.'
      : next === undefined
        ? `${many}, ${isOnly ? 'and it does not fire now' : 'and none fires now'}.`
        : html`${many}, ${isOnly ? 'it' : 'the next'} fires
            <time datetime="${next.at}">${whenInWords(next.at, ui)}</time>.`;
  const where =
    next === undefined
      ? ''
      : html`<span
          ><a href="${schedulePath(next.one.schedule_id)}">${ui.text(next.one.blueprint_name)}</a>
          ${ui.away(next.at)}</span
        >`;
  return html`<div id="schedule-head">
    <h1>${headline}</h1>
    <p class="sub">${where}${paused === 0 ? '' : html`<span>${ui.format.count(paused)} paused</span>`}</p>
  </div>`;
}

/** `at 14:02` today, `on 23 Nov at 02:00` later: true for as long as the page stands there. */
function whenInWords(iso: string, ui: Parts): string {
  const [time = '', day] = ui.format.planned(iso, ui.clock).split(' ').toReversed();
  return day === undefined ? `at ${time}` : `on ${day} at ${time}`;
}

/** The page with all schedules, of which the first are listed. */
export function scheduleList(all: readonly ScheduleDto[], ui: Parts): Live {
  const schedules = all.slice(0, MOST_LISTED);
  const table = html`<div id="schedule-table">${scheduleTable(schedules, false, ui)}</div>`;
  const head = headOf(all, ui);
  const main = listTemplate({ schedules, head, table, more: all.length - schedules.length }, ui);
  return {
    main,
    fragments: [
      { id: 'schedule-head', html: head },
      { id: 'schedule-table', html: table },
    ],
  };
}

/** One schedule: its next times, its last runs, and what can be done. */
export function schedulePage(one: ScheduleDetailDto, ui: Parts): Live {
  const runs = one.runs.map((run) => ({ run, look: runStatus({ status: run.status }) }));
  const inWords = (text: string | null): string | null =>
    text === null ? null : ui.format.about(durationMs(text) ?? 0);
  const words = { overlap: OVERLAP_TEXT[one.overlap], catchup: inWords(one.catchup), jitter: inWords(one.jitter) };
  const whole = scheduleTemplate({ ...lookOf(one), ...words, runs, clockText }, ui);
  const main = html`<div id="schedule">${whole}</div>`;
  return { main, fragments: [{ id: 'schedule', html: main }] };
}

interface Question {
  one: ScheduleDetailDto;
  csrf: string;
}

/** The question before a pause, or before its end. */
export function pauseQuestion(view: Question & { problem?: string }, ui: Parts): Html {
  return pauseTemplate(
    { problem: undefined, ...view, path: schedulePath(view.one.schedule_id), fires: firesText(view.one) },
    ui,
  );
}

/** The question before a schedule is fired now. @param view.key makes a second press of the button harmless. */
export function triggerQuestion(view: Question & { key: string }, ui: Parts): Html {
  const { one } = view;
  const open = one.runs.find(({ status }) => status === 'created' || status === 'running');
  const overlap = OVERLAP_TEXT[one.overlap];
  return triggerTemplate({ ...view, path: schedulePath(one.schedule_id), open, overlap }, ui);
}

/** Times of the past: asked for, shown, and then fired. */
export function backfillQuestion(
  view: Question & { key: string; from: string; to: string; plan: BackfillDto | null; problem: string | null },
  ui: Parts,
): Html {
  const fresh = view.plan?.times.filter((time) => !time.is_known).length ?? 0;
  return backfillTemplate({ ...view, path: schedulePath(view.one.schedule_id), fresh, clockText }, ui);
}
