import type { ComingUpDto } from '../../domain/dtos.js';
import { about, count, duration, fieldsIn } from '../format.js';
import { html, type Html } from '../html.js';
import { barChart } from '../parts/bar-chart.js';
import type { Fragment } from '../parts/fragment.js';
import type { Parts } from '../parts/parts.js';
import { runLineLook, type RunLineView } from '../runs/run-line.js';
import { schedulePath } from '../schedules/schedules.js';
import { statusOf, type Status } from '../status.js';
import { template, viewOf } from '../template.js';
import { attention, type Needs } from './attention.js';

/** All that the home page shows. */
export interface HomeView extends Needs {
  running: readonly RunLineView[];
  lastDay: readonly { hour: Date; completed: number; failed: number }[];
  backlog: { events: number; audit: number };
  health: {
    postgres: { ok: boolean };
    temporal: { ok: boolean; ui_url: string | null };
    worker: { ok: boolean; pollers: number };
  };
  /** The next times of schedules. */
  comingUp: readonly ComingUpDto[];
  isFirstStart: boolean;
  /** What a first start leads to; null: no blueprint can be launched yet. */
  starter: { blueprint_id: string; name: string } | null;
  viewer: string;
}

const HOUR_MS = 3_600_000;
/** So much may wait for a moment without anything being wrong. */
const CALM_BACKLOG = 100;

const pageTemplate = template<Record<string, unknown>>(import.meta.url, './home.eta');
const runningTemplate = template<Record<string, unknown>>(import.meta.url, './running.eta');
const firstStartTemplate = template<Record<string, unknown>>(import.meta.url, './first-start.eta');

function chart({ lastDay }: HomeView, ui: Parts): { chart: Html; completed: number; failed: number } {
  const byHour = new Map(lastDay.map((one) => [one.hour.getTime(), one]));
  const first = Math.floor(ui.clock.now / HOUR_MS) * HOUR_MS - 23 * HOUR_MS;
  const bars = Array.from({ length: 24 }, (_, at) => {
    const ms = first + at * HOUR_MS;
    const { hour, minute } = fieldsIn(ui.clock.zone, ms);
    const found = byHour.get(ms);
    return { label: `${hour}:${minute}`, value: found?.completed ?? 0, failed: found?.failed ?? 0 };
  });
  const completed = lastDay.reduce((sum, one) => sum + one.completed, 0);
  const failed = lastDay.reduce((sum, one) => sum + one.failed, 0);
  const sentence = `Runs that ended, hour by hour over 24 hours: ${count(completed)} completed, ${count(failed)} failed`;
  return { chart: barChart(bars, sentence), completed, failed };
}

function healthLines({ health, backlog }: HomeView): { name: string; look: Status; text: string }[] {
  const mark = (ok: boolean): Status => (ok ? statusOf('done', 'Well') : statusOf('fail', 'Down'));
  const { postgres, temporal, worker } = health;
  return [
    { name: 'API', look: mark(true), text: 'answers' },
    { name: 'Postgres', look: mark(postgres.ok), text: postgres.ok ? 'answers' : 'does not answer' },
    { name: 'Temporal', look: mark(temporal.ok), text: temporal.ok ? 'answers' : 'does not answer' },
    { name: 'Workers', look: mark(worker.ok), text: worker.ok ? `${worker.pollers} polling` : 'none is there' },
    {
      name: 'Events to dispatch',
      look: backlog.events > CALM_BACKLOG ? statusOf('warn', 'Warning') : mark(true),
      text: `${count(backlog.events)} waiting`,
    },
    {
      name: 'Audit chain',
      look: backlog.audit > CALM_BACKLOG ? statusOf('warn', 'Warning') : mark(true),
      text: backlog.audit === 0 ? 'all linked' : `${count(backlog.audit)} to link`,
    },
  ];
}

function runningRows(view: HomeView, ui: Parts): { id: string; html: Html }[] {
  return view.running.map((line) => {
    const look = runLineLook(line, view.viewer, ui);
    const usual = line.usual === undefined ? '' : about(line.usual.median_ms);
    return { id: `now-${line.run.run_id}`, html: runningTemplate(viewOf(line, look, { usualText: usual }), ui) };
  });
}

/** The page for somebody on call: what needs them, what runs, whether all is well. */
export function homePage(
  view: HomeView,
  ui: Parts,
): { main: Html; fragments: Fragment[]; title: string; needed: number } {
  const needs = attention(view, ui);
  const { needed, deadline } = needs;
  const head = html`<div id="home-head">
    <h1 data-testid="attention-headline" aria-live="polite">${needs.headline}</h1>
    <p class="sub">
      <span
        >${
          deadline === null
            ? view.counts.running === 0
              ? 'No run is under way.'
              : `${ui.format.plural(view.counts.running, 'run is', 'runs are')} under way.`
            : html`The next one decides itself in <b class="tabular">${ui.left(deadline)}</b> if nobody does.`
        }</span
      >
    </p>
  </div>`;
  const list = html`<section
    id="attention"
    class="${needed > 0 ? 'card waiting' : 'card'}"
    aria-labelledby="h-attention"
    data-testid="attention"
  >
    ${needs.list}
  </section>`;
  const rows = runningRows(view, ui);
  const running = html`<tbody id="running-list" data-list>
    ${rows.map((row) => row.html)}
  </tbody>`;
  const lines = healthLines(view);
  const isIll = lines.filter(({ look }) => look.glyph !== 'done').length;
  const health = html`<ul id="health-lines">
    ${lines.map(
      ({ name, look, text }) =>
        html`<li class="line">
          ${ui.mark(look)}<span class="grow">${name}</span><span class="soft small tabular">${text}</span>
        </li>`,
    )}
  </ul>`;
  const coming = view.comingUp.map((one) => ({ path: schedulePath(one.schedule_id), ...one }));
  const first = view.isFirstStart ? firstStartTemplate({ starter: view.starter }, ui) : null;
  const drawn = { head, list, running, health, isIll, coming, first, duration };
  const content = viewOf(view, drawn, chart(view, ui));
  const fragments = [
    { id: 'home-head', html: head },
    { id: 'attention', html: list },
    { id: 'running-list', html: running, rows },
    { id: 'health-lines', html: health },
  ];
  return { main: pageTemplate(content, ui), fragments, title: needs.all === 0 ? 'Home' : 'Xyn', needed: needs.all };
}
